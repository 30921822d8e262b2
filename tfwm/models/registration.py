"""Finds which part of a marked photo an image shows, by a pattern that all marks contain."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.ops.warp import pixel_centers, position_images, sample_bilinear

# Steps between the sizes of the pattern that are tried, in cells, and the largest shift in a block.
STEP = 2
LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0)
SIZES = (1.0, 0.5, 0.5, 0.25, 0.25)
FINE = 0.7
STRONGEST = 8
# How much a correlation of one standard deviation counts in a softmax.
SHARPNESS = 2.0


def pattern(cells, seed=0):
    """Returns the pattern, float32 `(cells, cells)`, of mean 0 and mean square 1."""
    values = np.random.RandomState(seed).standard_normal((cells, cells))
    values = np.clip(values, -1.5, 1.5)
    values -= values.mean()
    return (values / np.sqrt(np.mean(values**2))).astype("float32")


def fine_pattern(cells, share=FINE):
    """Returns `(2 cells, 2 cells)`: the pattern enlarged, and finer details."""
    coarse = tf.image.resize(pattern(cells)[..., None], (2 * cells, 2 * cells)).numpy()[..., 0]
    both = coarse / coarse.std() + share * pattern(2 * cells, 7)
    return both / both.std()


def hypotheses(cells, smallest):
    """Returns the crops that are tried: `(m, p_y, p_x)`, a window of the pattern at `m` cells."""
    sizes = range(cells, int(round(cells / smallest)) + 1, STEP)
    return [(m, y, x) for m in sizes for y in range(m - cells + 1) for x in range(m - cells + 1)]


@keras.saving.register_keras_serializable(package="tfwm")
class Registration(Configured, keras.layers.Layer):
    def __init__(self, smallest=0.68, rounds=2, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.smallest = smallest
        self.rounds = rounds

    def build(self, input_shape):
        cells = input_shape[1] // 2
        self.cells = cells
        self.pattern = pattern(cells)
        tried = hypotheses(cells, self.smallest)
        self.sizes = sorted({m for m, _, _ in tried})
        m, y, x = np.array(tried, "float32").T
        a = m / cells
        zero = np.zeros_like(a)
        self.maps = np.stack(
            [a, zero, a - 1 - 2 * x / cells, zero, a, a - 1 - 2 * y / cells], -1
        ).astype("float32")
        self.patterns = []
        for size in self.sizes:
            big = tf.image.resize(self.pattern[..., None], (size, size)).numpy()
            self.patterns.append((big / big.std())[None])
        largest = self.sizes[-1]
        self.windows = np.zeros((len(self.sizes), largest, largest), "float32")
        for place, (size, big) in enumerate(zip(self.sizes, self.patterns, strict=True)):
            self.windows[place, :size, :size] = big[0, :, :, 0]
        self.starts = np.array(
            [(self.sizes.index(m) * largest + y) * largest + x for m, y, x in tried], "int32"
        )
        inner = np.arange(cells)
        self.inner = (inner[:, None] * largest + inner).ravel().astype("int32")
        self.fine = 2 * cells
        both = fine_pattern(cells)
        self.changes = [self._changed(both, size) for size in SIZES[: self.rounds]]

    def _changed(self, image, size):
        """Patterns `(cells ** 2, 6 * 5)`: each number of an affine map at five values."""
        cells = len(image)
        centers = (np.arange(cells, dtype="float32") + 0.5) * 2 / cells - 1
        x, y = np.meshgrid(centers, centers)
        shapes = [np.ones_like(x), x, y]
        found = []
        for axis in (0, 1):
            for shape in shapes:
                for level in LEVELS:
                    moved = [x, y]
                    moved[axis] = moved[axis] - level * size * 2 / cells * shape
                    columns, rows = ((v + 1) * cells / 2 - 0.5 for v in moved)
                    there = sample_bilinear(
                        tf.constant(image)[None, :, :, None], rows[None], columns[None]
                    ).numpy()
                    there -= there.mean()
                    found.append(there.ravel() / there.std())
        return np.stack(found, -1).astype("float32")

    def call(self, inputs):
        cells = self.cells
        fine = _even(inputs)
        details = _even(tf.nn.avg_pool2d(inputs, 2, 2, "VALID"))
        scores = self._scores(details)
        parameters = tf.gather(tf.constant(self.maps), tf.argmax(scores, -1))
        for size, changes in zip(SIZES, self.changes, strict=False):
            parameters = self._refined(fine, parameters, size, changes)
        return scores, parameters

    def _scores(self, details):
        """Correlations with all windows, `(batch, hypotheses)`."""
        cells = self.cells

        @tf.custom_gradient
        def correlate(details):
            filters, scores = tf.transpose(details, (1, 2, 3, 0)), []
            for size, big in zip(self.sizes, self.patterns, strict=True):
                found = tf.transpose(tf.nn.conv2d(big, filters, 1, "VALID")[0], (2, 0, 1))
                scores.append(tf.reshape(found, (-1, (size - cells + 1) ** 2)))

            def gradient(upstream):
                # Nearly all of it lies in few windows; all would cost more than the networks.
                _, index = tf.math.top_k(abs(upstream), STRONGEST)
                share = tf.gather(upstream, index, batch_dims=1)
                windows = tf.gather(self.windows.ravel(), tf.gather(self.starts, index)[..., None] + self.inner)
                total = tf.reduce_sum(windows * share[..., None], 1) / cells
                return tf.reshape(total, tf.shape(details))

            return tf.concat(scores, -1) / cells, gradient

        return correlate(details)

    def _refined(self, details, parameters, size, changes):
        n = self.fine
        aligned = tf.reshape(resample(details, parameters), (-1, n * n))
        scores = tf.reshape(tf.matmul(aligned, changes) / n, (-1, 6, len(LEVELS)))
        weights = tf.nn.softmax(SHARPNESS * scores, -1)
        levels = tf.constant(LEVELS, tf.float32) * (size * 2 / n)
        change = tf.reduce_sum(weights * levels, -1)
        change = tf.reshape(change, (-1, 2, 3))
        change = tf.stack([change[:, :, 1], change[:, :, 2], change[:, :, 0]], -1)
        # M'(x) = M(x + B x + b)
        m = tf.reshape(parameters, (-1, 2, 3))
        linear = change[:, :, :2] + tf.eye(2)
        turned = tf.matmul(m[:, :, :2], linear)
        shift = tf.matmul(m[:, :, :2], change[:, :, 2:]) + m[:, :, 2:]
        return tf.reshape(tf.concat([turned, shift], -1), (-1, 6))


def _even(x):
    x = x - tf.reduce_mean(x, (1, 2, 3), keepdims=True)
    return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), (1, 2, 3), keepdims=True) + 1e-6)


def resample(image, parameters):
    """As `SpatialTransformer`."""
    height, width = image.shape[1:3]
    y, x = (2 * pixel_centers(side) - 1 for side in (height, width))
    x, y = tf.reshape(x, (1, 1, -1)), tf.reshape(y, (1, -1, 1))
    a, b, c, d, e, f = (tf.reshape(p, (-1, 1, 1)) for p in tf.unstack(parameters, 6, axis=1))
    columns = (a * x + b * y + c + 1.0) * (width / 2) - 0.5
    rows = (d * x + e * y + f + 1.0) * (height / 2) - 0.5
    return sample_bilinear(image, rows, columns)


@keras.saving.register_keras_serializable(package="tfwm")
class RegistrationLoss(Configured, keras.layers.Layer):
    def __init__(self, layer, cells, smallest=0.68, weight=0.05, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.layer = layer
        self.cells = cells
        self.smallest = smallest
        self.weight = weight
        self.tracker = keras.metrics.Mean(name="alignment")
        self.found = keras.metrics.Mean(name="found")

    def call(self, inputs):
        from tfwm.losses.alignment import affine_map

        scores, positions = inputs
        n = self.cells
        tried = np.array(hypotheses(n, self.smallest), "float32")
        a = tried[:, 0] / n
        table = np.stack([a, a - 1 - 2 * tried[:, 2] / n, a - 1 - 2 * tried[:, 1] / n], -1)
        wanted = affine_map(positions)
        wanted = tf.stack([(wanted[:, 0] + wanted[:, 4]) / 2, wanted[:, 2], wanted[:, 5]], -1)
        # Distance of maps: mean square over the image; the mean of x ** 2 is 1 / 3.
        gaps = tf.square(wanted[:, None] - table[None]) * tf.constant([2 / 3, 1.0, 1.0])
        index = tf.argmin(tf.reduce_sum(gaps, -1), -1)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(index, SHARPNESS * scores)
        )
        self.tracker.update_state(loss)
        best = tf.gather(tf.constant(table), tf.argmax(scores, -1))
        near = tf.reduce_max(abs(best - wanted), -1) < 5.0 / n
        self.found.update_state(tf.cast(near, tf.float32))
        return self.weight * loss

    def compute_output_shape(self, input_shape):
        return ()
