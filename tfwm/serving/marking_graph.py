"""Marks photos and reads them in TensorFlow, pixel for pixel as `tfwm.Watermarker` does it."""

import tensorflow as tf

from tfwm.images.luma import REACH, WEIGHTS
from tfwm.marking.canvas import BAND_PIXELS, WORKING_PIXELS
from tfwm.marking.tiling import LOGIT_LIMIT, tiling_of
from tfwm.ops.pillow import luminance, resize

# As in `tfwm.marking.canvas`: sides that a rounded factor would make a hair too short.
HAIR = 1e-6


def f64(value):
    """Returns a tensor as float64, in which the scales of photos are computed."""
    return tf.cast(value, tf.float64)


class PhotoGraph:
    """What `Watermarker.embed` and `read_votes` do, for one photo of any size, as a graph.

    Attributes:
        slots: number of slots of a message.

    Args:
        network: `tfwm.networks.Network`, of which the geometry is taken.
        embed: function of `(1, h, w, c)`, a message `(1, rows, columns, bits)` and strengths
            `(1,)` that returns marked images.
        extract: function of `(1, h, w, c)` that returns logits.
    """

    def __init__(self, network, embed, extract):
        self.network = network
        self._embed, self._extract = embed, extract
        tiling = tiling_of(network)
        self.slots, self._tile = tiling.slots, tiling.shape

    def sides(self, pixels):
        """Returns the height and width to which a photo is cut at working size, whole patches."""
        rows, columns = self.network.patch_shape
        if self.network.whole:
            return tf.constant(rows), tf.constant(columns)
        height, width, _ = self._working_size(pixels)
        return height // rows * rows, width // columns * columns

    def mark(self, pixels, gray, slots, strength):
        """Marks a photo.

        Args:
            pixels: uint8 `(H, W, 3)`; a gray photo has three equal channels.
            gray: whether it is one, scalar bool.
            slots: float32 `(slots,)` of 0 and 1.
            strength: float32 scalar.

        Returns:
            `(marked, error)`: uint8 `(H, W, 3)`, and the mean squared error in levels, float64.
        """
        before, scale = self._working_image(pixels)
        height, width = self.sides(pixels)
        before = before[None, :height, :width]
        cells = [height // self.network.block_shape[0], width // self.network.block_shape[1]]
        tile = tf.reshape(slots, self._tile)
        message = tf.gather(tile, tf.range(cells[0]) % self._tile[0])
        message = tf.gather(message, tf.range(cells[1]) % self._tile[1], axis=1)
        residual = (self._embed(before, message[None], tf.ones([1])) - before)[0] * strength
        if self.network.channels == 3:
            as_gray = tf.repeat(tf.tensordot(residual, tf.constant(WEIGHTS), 1)[..., None], 3, -1)
            residual = tf.where(gray, as_gray, residual)
        if self.network.whole:
            scale = [f64(n) / f64(tf.shape(pixels)[i]) for i, n in enumerate((height, width))]
        else:
            scale = [scale, scale]
        return self._add(pixels, gray, residual, scale)

    def votes(self, pixels):
        """Returns the votes `(slots,)` of a photo as it is; 0 where no patch fits."""
        height, width = self.sides(pixels)

        def read():
            image = self._working_image(pixels)[0][None, :height, :width]
            logits = tf.clip_by_value(self._extract(image)[0], -LOGIT_LIMIT, LOGIT_LIMIT)
            rows, columns = tf.shape(logits)[0], tf.shape(logits)[1]
            down, across, bits = self._tile
            pads = [[0, -rows % down], [0, -columns % across], [0, 0]]
            shape = [-1, down, (columns + across - 1) // across, across, bits]
            tiles = tf.reshape(tf.pad(logits, pads), shape)
            return tf.reshape(tf.reduce_sum(tiles, (0, 2)), [self.slots])

        return tf.cond((height > 0) & (width > 0), read, lambda: tf.zeros([self.slots]))

    def _working_size(self, pixels):
        size = tf.shape(pixels)
        area = f64(size[0]) * f64(size[1])
        scale = tf.minimum(f64(1.0), tf.sqrt(f64(WORKING_PIXELS) / area))
        height, width = (
            tf.maximum(tf.cast(f64(n) * scale + HAIR, tf.int32), 1) for n in (size[0], size[1])
        )
        return height, width, scale

    def _working_image(self, pixels):
        """The photo as the network sees it, `(h, w, channels)`, and its scale."""
        size = tf.shape(pixels)
        colors = luminance(pixels) if self.network.channels == 1 else pixels
        if self.network.whole:
            height, width = self.network.patch_shape
            box, scale = (0, 0, size[1], size[0]), f64(1.0)
        else:
            height, width, scale = self._working_size(pixels)
            right, bottom = (
                tf.minimum(f64(n) / scale, f64(size[i])) for i, n in ((1, width), (0, height))
            )
            box = (0, 0, right, bottom)
        small = resize(colors, height, width, box)
        return tf.cast(small, tf.float32) / 255.0, scale

    def _add(self, pixels, gray, residual, scale):
        """Adds a residual at working size, band by band, which bounds the memory."""
        down, across = scale
        size, inner = tf.shape(pixels), tf.shape(residual)
        rows = tf.minimum(tf.cast(f64(inner[0]) / down + HAIR, tf.int32), size[0])
        columns = tf.minimum(tf.cast(f64(inner[1]) / across + HAIR, tf.int32), size[1])
        step = tf.maximum(BAND_PIXELS // columns, 1)
        right = tf.minimum(f64(columns) * across, f64(inner[1]))
        channels = self.network.channels

        def add(number, bands, error):
            top = number * step
            bottom = tf.minimum(top + step, rows)
            box = (0, f64(top) * down, right, tf.minimum(f64(bottom) * down, f64(inner[0])))
            change = resize(residual, bottom - top, columns, box)
            band = pixels[top:bottom, :columns]
            if channels == 1:
                marked = _add_luminance(band, change)
            else:
                marked = tf.cond(
                    gray,
                    lambda: _add_luminance(band, change[..., :1]),
                    lambda: _in_range(_levels(band) + _steps(change)),
                )
            off = tf.cast(tf.square(_levels(marked) - _levels(band)), tf.int64)
            bands = bands.write(number, tf.concat([marked, pixels[top:bottom, columns:]], 1))
            return number + 1, bands, error + tf.reduce_sum(off)

        count = (rows + step - 1) // step
        bands = tf.TensorArray(tf.uint8, count, infer_shape=False, element_shape=[None, None, 3])
        _, bands, error = tf.while_loop(
            lambda number, *_: number < count,
            add,
            (tf.constant(0), bands, tf.constant(0, tf.int64)),
            parallel_iterations=1,
        )
        marked = tf.concat([bands.concat(), pixels[rows:]], 0)
        return marked, f64(error) / f64(tf.size(pixels))


def _levels(pixels):
    return tf.cast(pixels, tf.int32)


def _steps(change):
    return tf.cast(tf.round(change * 255.0), tf.int32)


def _in_range(levels):
    return tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8)


def _add_luminance(pixels, change):
    """`tfwm.images.add_luminance` for 8 bits."""
    levels = _levels(pixels) + _steps(change)
    low, high = tf.reduce_min(levels, -1), tf.reduce_max(levels, -1)
    places = tf.where((low < 0) | (high > 255))
    start = tf.cast(tf.gather_nd(pixels, places), tf.float32) / 255.0
    moved = _inside(start, tf.gather_nd(change, places)) * 255.0
    return _in_range(tf.tensor_scatter_nd_update(levels, places, _levels(tf.round(moved))))


def _inside(start, change):
    """As in `tfwm.images.luma`: pixels (n, 3) moved by change (n, 1) in luminance."""
    weights = tf.constant(WEIGHTS)

    def luma(colors):
        return tf.reduce_sum(colors * weights, -1)

    low = tf.maximum(start - REACH * tf.abs(change), 0.0)
    high = tf.minimum(start + REACH * tf.abs(change), 1.0)
    goal = luma(start) + change[:, 0]
    marked = tf.clip_by_value(start + change, low, high)
    for _ in range(2):
        missing = goal - luma(marked)
        free = tf.cast(tf.where(missing[:, None] > 0, marked < high, marked > low), tf.float32)
        share = missing / tf.maximum(luma(free), 1e-6)
        marked = tf.clip_by_value(marked + free * share[:, None], low, high)
    return marked
