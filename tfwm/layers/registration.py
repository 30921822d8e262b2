"""Finds which part of a marked photo an image shows, by a pattern that all marks contain."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.layers.bending import Bending
from tfwm.ops.warp import pixel_centers, sample_bilinear

# The whole photo has so many cells a side; a crop shows a window of a larger pattern.
CELLS = 64
# Sizes of the larger pattern grow by this, and its two sides differ by so many sizes at most.
STEP = 2
MOST_UNEVEN = 5
# A correlation of one standard deviation counts so much in a softmax.
SHARPNESS = 2.0
# Only so many correlations of an image have a gradient: nearly all of it lies in few.
STRONGEST = 8
# Power of the details, in half cells, beside the cells.
FINE = 0.7
# Steps of the refinement, in half cells at the image's edge, and the values tried around 0.
STEPS = (1.0, 0.5, 0.5)
LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0)
# What moves a point `(x, y)`: shift, stretch, shear, and two tilts.
MOVES = 8
# So many of the best are bent to fit the image.
CANDIDATES = 8
# Least side of a photo that does not fill the image, as a print on a table.
LEAST = 50


def noise(cells, seed):
    """Returns a fixed pattern, float32 `(cells, cells)` of mean 0 and mean square 1."""
    values = np.clip(np.random.RandomState(seed).standard_normal((cells, cells)), -1.5, 1.5)
    return _even(values).astype("float32")


@functools.cache
def pattern():
    """Returns what every mark contains, `(2 CELLS, 2 CELLS)`: cells, and finer details."""
    coarse = tf.image.resize(noise(CELLS, 0)[..., None], (2 * CELLS, 2 * CELLS)).numpy()[..., 0]
    return _even(_even(coarse) + FINE * noise(2 * CELLS, 7)).astype("float32")


@functools.cache
def hypotheses(smallest):
    """Returns the crops that are tried.

    Args:
        smallest: least share of a side that a crop keeps, above 0 and at most 1.

    Returns:
        The sizes of patterns, a list of `(rows, columns)` in cells, and float32
        `(hypotheses, 4)`: the scale in x and y and the shift in x and y of the map from the
        whole's positions to the crop's, both from -1 to 1. Those of a size follow each other.
    """
    sides = range(CELLS, round(CELLS / smallest) + 1, STEP)
    sizes = [(m, n) for m in sides for n in sides if abs(m - n) <= MOST_UNEVEN * STEP]
    maps = []
    for rows, columns in sizes:
        y, x = np.mgrid[: rows - CELLS + 1, : columns - CELLS + 1].reshape(2, -1)
        a, e = np.full(x.shape, columns / CELLS), np.full(x.shape, rows / CELLS)
        maps.append(np.stack([a, e, a - 1 - 2 * x / CELLS, e - 1 - 2 * y / CELLS], -1))
    return sizes, np.concatenate(maps).astype("float32")


@functools.cache
def shrunk():
    """Returns what is tried beside the crops: the whole photo, smaller than the image.

    Returns:
        Sizes and maps, as `hypotheses` does.
    """
    sides = range(LEAST, CELLS + 1, STEP)
    sizes = [(m, n) for m in sides for n in sides if abs(m - n) <= MOST_UNEVEN * STEP]
    sizes.remove((CELLS, CELLS))
    maps = []
    for rows, columns in sizes:
        y, x = np.mgrid[: CELLS - rows + 1, : CELLS - columns + 1].reshape(2, -1)
        a, e = np.full(x.shape, columns / CELLS), np.full(x.shape, rows / CELLS)
        maps.append(np.stack([a, e, a - 1 + 2 * x / CELLS, e - 1 + 2 * y / CELLS], -1))
    return sizes, np.concatenate(maps).astype("float32")


@keras.saving.register_keras_serializable(package="tfwm")
class Registration(Configured, keras.layers.Layer):
    """Computes where a whole marked photo lies, from the pattern that its mark contains.

    The image is compared with every window of the pattern that a crop may show, by correlation;
    the best is then refined in eight numbers, a few times: shift, stretch, shear and tilt. Beside
    training, photos that do not fill the image are tried too, and tilts of more than a cell, see
    `tfwm.layers.bending`. Nothing is learned here: the pattern is a constant, which an embedder
    adds (`pattern()`).

    Args:
        smallest: least share of a side that a crop keeps.

    Input shape:
        An estimate of the mark's light, `(batch, 2 CELLS, 2 CELLS, 1)`.

    Output shape:
        The correlations `(batch, hypotheses)`, in standard deviations of what chance gives, and
        homographies `(batch, 9)`, row by row, from the whole photo's positions to the image's,
        both from -1 to 1.

    Example:

    >>> scores, maps = Registration()(pattern()[None, :, :, None])
    >>> np.abs(maps.numpy() - np.eye(3).ravel()).max() < 0.01
    np.True_
    """

    def __init__(self, smallest=0.64, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.smallest = smallest

    def build(self, input_shape):
        sizes, maps = hypotheses(self.smallest)
        cells = tf.nn.avg_pool2d(pattern()[None, :, :, None], 2, 2, "VALID")
        most = max(max(size) for size in sizes)
        windows = np.zeros((len(sizes), most, most), "float32")
        for window, (rows, columns) in zip(windows, sizes, strict=True):
            window[:rows, :columns] = _even(tf.image.resize(cells, (rows, columns)).numpy()[0])[
                :, :, 0
            ]
        self._windows = windows.ravel()
        places = [np.mgrid[: m - CELLS + 1, : n - CELLS + 1].reshape(2, -1) for m, n in sizes]
        starts = [(i * most + y) * most + x for i, (y, x) in enumerate(places)]
        self._starts = np.concatenate(starts).astype("int32")
        inner = np.arange(CELLS)
        self._inner = (inner[:, None] * most + inner).ravel().astype("int32")
        self._groups, self._order = _grouped(windows, sizes, places)
        self._maps = _homographies(np.concatenate([maps, shrunk()[1]]))
        self._small = [_small_filter(cells, *size) for size in shrunk()[0]]
        self._bending = Bending(pattern())
        self._moved = [(step, _moved_patterns(step)) for step in STEPS]

    def call(self, inputs, training=None):
        fine = _normalized(inputs)
        image = _normalized(tf.nn.avg_pool2d(inputs, 2, 2, "VALID"))
        scores = self._learned_scores(image) if training else self._scores(image)
        if training:
            maps = tf.gather(self._maps, tf.argmax(scores, -1))
        else:
            maps = self._best_bent(fine, tf.concat([scores, self._shrunk_scores(image)], -1))
        for step, moved in self._moved * (1 if training else 2):
            maps = _refined(fine, maps, step, moved)
        return scores, maps

    def _scores(self, image):
        found = []
        for filters in self._groups:
            room = filters.shape[0] - CELLS
            large = tf.pad(image, [(0, 0), (room, room), (room, room), (0, 0)])
            scores = tf.nn.conv2d(large, filters, 1, "VALID")
            found.append(tf.reshape(scores, (-1, (room + 1) ** 2 * filters.shape[3])))
        return tf.gather(tf.concat(found, -1), self._order, axis=1) / CELLS

    def _best_bent(self, fine, scores):
        """Returns the best of the maps with the highest scores, each of them bent to fit."""
        maps = tf.gather(self._maps, tf.math.top_k(scores, CANDIDATES).indices)
        maps = tf.reshape(maps, (-1, 9))
        aligned = _normalized(_resampled(tf.repeat(fine, CANDIDATES, 0), maps))
        bent, fit = self._bending(aligned)
        best = tf.argmax(tf.reshape(fit, (-1, CANDIDATES)), -1)
        maps = tf.reshape(_product(maps, bent), (-1, CANDIDATES, 9))
        return tf.gather(maps, best, batch_dims=1)

    def _shrunk_scores(self, image):
        found = [tf.nn.conv2d(image, small, 1, "VALID") for small in self._small]
        return tf.concat([tf.reshape(f, (-1, f.shape[1] * f.shape[2])) for f in found], -1)

    def _learned_scores(self, image):
        """The same, with a gradient of few windows: all would cost more than the networks."""

        @tf.custom_gradient
        def correlate(image):
            def gradient(upstream):
                _, index = tf.math.top_k(abs(upstream), STRONGEST)
                places = tf.gather(self._starts, index)[..., None] + self._inner
                windows = tf.gather(self._windows, places)
                share = tf.gather(upstream, index, batch_dims=1)[..., None]
                return tf.reshape(tf.reduce_sum(windows * share, 1) / CELLS, tf.shape(image))

            return self._scores(image), gradient

        return correlate(image)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(hypotheses(self.smallest)[1])), (input_shape[0], 9)


@keras.saving.register_keras_serializable(package="tfwm")
class Resample(keras.layers.Layer):
    """Resamples each image by a homography, bilinearly, with gradients to image and map.

    The result at `(x, y)` is the image where the homography takes that point; -1 and 1 are the
    outer edges of both. Beyond the border the edge pixel repeats.

    Call arguments:
        inputs: `[image, maps]`, `(batch, height, width, channels)` and `(batch, 9)`.

    Output shape:
        That of the image.

    Example:

    >>> image = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    >>> mirror = np.array([[-1, 0, 0, 0, 1, 0, 0, 0, 1]], "float32")
    >>> Resample()([image, mirror]).numpy().ravel().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """

    def call(self, inputs):
        image, maps = inputs
        return tf.cast(_resampled(tf.cast(image, tf.float32), maps), image.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]


def _resampled(image, maps):
    height, width = image.shape[1:3]
    y, x = (2 * pixel_centers(side) - 1 for side in (height, width))
    x, y = tf.reshape(x, (1, 1, -1)), tf.reshape(y, (1, -1, 1))
    a, b, c, d, e, f, g, h, i = (tf.reshape(m, (-1, 1, 1)) for m in tf.unstack(maps, 9, axis=1))
    depth = tf.maximum(g * x + h * y + i, 0.1)
    columns = ((a * x + b * y + c) / depth + 1.0) * (width / 2) - 0.5
    rows = ((d * x + e * y + f) / depth + 1.0) * (height / 2) - 0.5
    return sample_bilinear(image, rows, columns)


def _grouped(windows, sizes, places):
    """Returns filters of a few sizes for a convolution, and where it gives which correlation.

    Args:
        windows: the patterns, `(sizes, most, most)`, with zeros where they are smaller.
        sizes: their rows and columns.
        places: for each, the rows and columns where windows of `CELLS` begin.
    """
    most = np.array([max(size) for size in sizes])
    limits = np.unique(np.quantile(most, (0.25, 0.6, 1.0), method="higher"))
    group = np.searchsorted(limits, most)
    filters, order, before = [], [None] * len(sizes), 0
    for number, side in enumerate(limits):
        members = np.flatnonzero(group == number)
        filters.append(np.ascontiguousarray(windows[members, :side, :side].transpose(1, 2, 0)))
        rows = side - CELLS + 1
        for channel, member in enumerate(members):
            # A convolution over the padded image meets the last window first.
            y, x = rows - 1 - places[member]
            order[member] = before + (y * rows + x) * len(members) + channel
        before += rows**2 * len(members)
    return [f[:, :, None] for f in filters], np.concatenate(order).astype("int32")


def _moved_patterns(step):
    """Returns `(4 CELLS ** 2, MOVES * levels)`: the pattern, moved by each of `LEVELS`."""
    side = 2 * CELLS
    centers = (np.arange(side, dtype="float32") + 0.5) * 2 / side - 1
    x, y = np.meshgrid(centers, centers)
    one, zero = np.ones_like(x), np.zeros_like(x)
    moves = [(one, zero), (x, zero), (y, zero), (zero, one), (zero, x), (zero, y)]
    moves += [(x * x, x * y), (x * y, y * y)]
    found = []
    for across, down in moves:
        for level in LEVELS:
            length = level * step * 2 / side
            columns, rows = x - length * across, y - length * down
            columns, rows = ((v + 1) * side / 2 - 0.5 for v in (columns, rows))
            image = tf.constant(pattern()[None, :, :, None])
            found.append(_even(sample_bilinear(image, rows[None], columns[None]).numpy()).ravel())
    return np.stack(found, -1).astype("float32")


def _refined(image, maps, step, moved):
    """Moves the maps to where the pattern fits better, by at most two steps."""
    side = 2 * CELLS
    aligned = tf.reshape(_resampled(image, maps), (-1, side * side))
    scores = tf.reshape(tf.matmul(aligned, moved) / side, (-1, MOVES, len(LEVELS)))
    weights = tf.nn.softmax(SHARPNESS * scores, -1)
    moves = tf.reduce_sum(weights * (tf.constant(LEVELS) * (step * 2 / side)), -1)
    c, a, b, f, d, e, g, h = tf.unstack(moves, MOVES, axis=-1)
    zero = tf.zeros_like(a)
    change = tf.stack([a, b, c, d, e, f, -g, -h, zero], -1)
    return _product(maps, change + tf.reshape(tf.eye(3), (1, 9)))


def _product(first, second):
    product = tf.matmul(tf.reshape(first, (-1, 3, 3)), tf.reshape(second, (-1, 3, 3)))
    product = tf.reshape(product, (-1, 9))
    return product / product[:, 8:]


def _homographies(maps):
    """Returns `(n, 9)` of scales in x and y and shifts in x and y."""
    one, zero = np.ones(len(maps), "float32"), np.zeros(len(maps), "float32")
    a, e, c, f = maps.T
    return np.stack([a, zero, c, zero, e, f, zero, zero, one], -1)


def _small_filter(cells, rows, columns):
    """Returns the pattern at a smaller size, whose correlations with chance deviate by 1."""
    small = _even(tf.image.resize(cells, (rows, columns), antialias=True).numpy()[0, :, :, 0])
    return (small / np.sqrt(rows * columns))[:, :, None, None].astype("float32")


def _even(image):
    image = image - image.mean()
    return image / np.sqrt(np.mean(image**2))


def _normalized(image):
    image -= tf.reduce_mean(image, (1, 2, 3), keepdims=True)
    return image * tf.math.rsqrt(tf.reduce_mean(tf.square(image), (1, 2, 3), keepdims=True) + 1e-6)
