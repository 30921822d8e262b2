"""Finds how a picture is bent, as a tilted print is: blocks of a pattern that moved apart.

Each block of the pattern is correlated with the image around its place. Then bends are tried, all
corners moved at random, by the sum of what the blocks say where the bend takes them; a few times,
ever closer. Everything that is tried is a constant, so that the search is one of sums and maxima.
"""

import functools

import numpy as np
import tensorflow as tf

from tfwm.ops.perspective import homography

# Blocks a side, and how far each may lie from its place, in the image's cells.
BLOCKS = 4
REACH = 8
# A bend is taken if it fits better by this, two standard deviations of chance.
STRAIGHT = 2.0 * BLOCKS
# Bends that are tried, one round after the other, and how far corners move at most, in cells.
ROUNDS = ((8192, 7.0), (4096, 3.0), (2048, 1.2))


class Bending:
    """Finds homographies that take a pattern onto images that nearly show it.

    Args:
        pattern: float32 `(side, side)` of mean square 1; `BLOCKS` divides the side.
    """

    def __init__(self, pattern):
        self.side = pattern.shape[0]
        self.block = self.side // BLOCKS
        places = [(i * self.block, j * self.block) for i in range(BLOCKS) for j in range(BLOCKS)]
        blocks = [pattern[y : y + self.block, x : x + self.block] for y, x in places]
        self._places = places
        self._filters = np.stack(blocks, -1)[..., None]
        self._bends = [bends(self.side, *round_) for round_ in ROUNDS]
        self._straight = [np.eye(1, n, dtype="float32") * STRAIGHT for n, _ in ROUNDS]

    def __call__(self, images):
        """Returns homographies `(batch, 9)` of positions from -1 to 1, and how well they fit.

        The fit, `(batch,)`, is the sum of the blocks' correlations, each in standard deviations
        of chance.

        Args:
            images: `(batch, side, side, 1)` of mean 0 and mean square 1.
        """
        room = 2 * REACH + 1
        scores = self._scores(images)
        rounded = tf.nn.avg_pool2d(scores, 3, 1, "SAME")
        starts = tf.constant(np.arange(BLOCKS**2) * room**2, tf.int32)
        moved, product = 0.0, tf.eye(3)
        for number, (maps, moves) in enumerate(self._bends):
            volume = tf.transpose(scores if number else rounded, (0, 3, 1, 2))
            volume = tf.reshape(volume, (-1, BLOCKS**2 * room**2))
            place = tf.clip_by_value(tf.round(moved + moves), -REACH, REACH) + REACH
            place = tf.cast(place[..., 1] * room + place[..., 0], tf.int32) + starts
            place = tf.broadcast_to(place, (tf.shape(volume)[0], *moves.shape[:2]))
            found = tf.reduce_sum(tf.gather(volume, place, batch_dims=1), -1)
            best = tf.argmax(found + self._straight[number], -1)
            fit = tf.reduce_max(found, -1)
            moved = moved + tf.gather(moves, best)[:, None]
            product = tf.matmul(product, tf.reshape(tf.gather(maps, best), (-1, 3, 3)))
        return tf.reshape(product, (-1, 9)), fit

    def _scores(self, images):
        """Returns correlations `(batch, 2 REACH + 1, 2 REACH + 1, blocks)`: rows, columns."""
        large = tf.pad(images, [(0, 0), (REACH, REACH), (REACH, REACH), (0, 0)])[..., 0]
        size = self.block + 2 * REACH
        parts = [large[:, y : y + size, x : x + size] for y, x in self._places]
        stacked = tf.stack(parts, -1)
        scores = tf.nn.depthwise_conv2d(stacked, self._filters, (1, 1, 1, 1), "VALID")
        return scores / self.block


@functools.cache
def bends(side, count, corners):
    """Returns bends to try: homographies, and how far they move the middles of the blocks.

    Args:
        side: of the image in cells.
        count: number of bends; the first is none at all.
        corners: how far each corner moves at most, in each direction, in cells.

    Returns:
        float32 `(count, 9)`, of positions from -1 to 1, and `(count, blocks, 2)`: columns and
        rows, in cells.
    """
    moves = np.random.RandomState(count).uniform(-1, 1, (count, 4, 2)) * corners * 2 / side
    moves[0] = 0
    whole = np.tile([[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]], (count, 1, 1))
    maps = homography(tf.constant(whole), tf.constant(whole + moves)).numpy()
    middles = (np.arange(BLOCKS) + 0.5) * 2 / BLOCKS - 1
    y, x = np.meshgrid(middles, middles, indexing="ij")
    places = np.stack([x.ravel(), y.ravel(), np.ones(BLOCKS**2)], -1)
    there = places @ maps.transpose(0, 2, 1)
    moved = (there[..., :2] / there[..., 2:] - places[:, :2]) * side / 2
    return maps.reshape(-1, 9).astype("float32"), moved.astype("float32")
