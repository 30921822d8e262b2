"""LPIPS: torchvision's trunks as Keras models, the distance on top of them, and the loss.

Reference: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", CVPR 2018; version 0.1 of its package `lpips` (BSD-2-Clause), whose heads are in
`lpips_heads.npz` (its license is beside it), made by `tools/convert_lpips_heads.py`. The
trunks follow torchvision's `alexnet`, `vgg16` and `squeezenet1_1`.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers.base import Configured
from tfwm.losses.torch_weights import download, read_state_dict

HEADS = Path(__file__).with_name("lpips_heads.npz")
URLS = {
    "alex": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    "vgg": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "squeeze": "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
}
# `ScalingLayer` of lpips, for images in [-1, 1].
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def build_distance(trunk, weights):
    """Builds the LPIPS distance of one trunk.

    Args:
        trunk: `"alex"`, `"vgg"` or `"squeeze"`.
        weights: see `tfwm.losses.LPIPS`.

    Returns:
        A function from two batches of images `(batch, height, width, 3)` in [0, 1] to their
        distances `(batch,)`, float32.
    """
    one_of("trunk", trunk, _TRUNKS)
    model = _TRUNKS[trunk]()
    model.trainable = False
    path = download(URLS[trunk]) if weights == "download" else weights
    _load(model, read_state_dict(path), path)
    with np.load(HEADS) as stored:
        heads = [stored[f"{trunk}{i}"] for i in range(len(model.outputs))]

    def distance(image, other):
        total = 0.0
        for x, y, head in zip(_features(model, image), _features(model, other), heads, strict=True):
            layer = tf.reduce_mean(tf.square(x - y), axis=(1, 2))
            total += tf.reduce_sum(layer * head, axis=-1)
        return total

    return distance


def _features(model, image):
    image = (2.0 * tf.cast(image, tf.float32) - 1.0 - tf.constant(_SHIFT)) / tf.constant(_SCALE)
    for x in model(image, training=False):
        # As in lpips, but with a gradient where all features of a pixel are 0.
        squares = tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
        yield x / (tf.sqrt(tf.maximum(squares, 1e-20)) + 1e-10)


def _load(model, state, path):
    for layer in model.layers:
        if not layer.weights:
            continue
        name = layer.name.replace("_", ".")
        arrays = [state.get(f"{name}.{part}") for part in ("weight", "bias")]
        kernel = None if arrays[0] is None else arrays[0].transpose(2, 3, 1, 0)
        if kernel is None or arrays[1] is None or kernel.shape != tuple(layer.kernel.shape):
            received = "none" if kernel is None else f"shape {arrays[0].shape}"
            raise ValueError(
                f"Expected weights of torchvision's {model.name}, with a {name}.weight of "
                f"{tuple(layer.kernel.shape)} (rows, columns, in, out). Received: {path}, with "
                f"{received}"
            )
        layer.set_weights([kernel, arrays[1]])


def _convolution(x, index, width, size, stride=1, padding=0):
    if padding:
        x = keras.layers.ZeroPadding2D(padding, dtype="float32")(x)
    return keras.layers.Conv2D(
        width, size, stride, activation="relu", name=f"features_{index}", dtype="float32"
    )(x)


def _pool(x, size=3):
    return keras.layers.MaxPooling2D(size, 2, dtype="float32")(x)


def _alexnet():
    image = keras.Input((None, None, 3), dtype="float32")
    x1 = _convolution(image, 0, 64, 11, 4, padding=2)
    x2 = _convolution(_pool(x1), 3, 192, 5, padding=2)
    x3 = _convolution(_pool(x2), 6, 384, 3, padding=1)
    x4 = _convolution(x3, 8, 256, 3, padding=1)
    x5 = _convolution(x4, 10, 256, 3, padding=1)
    return keras.Model(image, [x1, x2, x3, x4, x5], name="alexnet")


def _vgg16():
    image = x = keras.Input((None, None, 3), dtype="float32")
    outputs, index = [], 0
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        x = _pool(x, 2) if outputs else x
        for _ in range(depth):
            x = _convolution(x, index, width, 3, padding=1)
            index += 2
        outputs.append(x)
        index += 1
    return keras.Model(image, outputs, name="vgg16")


def _squeezenet():
    image = keras.Input((None, None, 3), dtype="float32")
    x1 = _convolution(image, 0, 64, 3, 2)
    x2 = _fire(_fire(_pool_up(x1), 3, 16, 64), 4, 16, 64)
    x3 = _fire(_fire(_pool_up(x2), 6, 32, 128), 7, 32, 128)
    x4 = _fire(_pool_up(x3), 9, 48, 192)
    x5 = _fire(x4, 10, 48, 192)
    x6 = _fire(x5, 11, 64, 256)
    x7 = _fire(x6, 12, 64, 256)
    return keras.Model(image, [x1, x2, x3, x4, x5, x6, x7], name="squeezenet1_1")


def _fire(x, index, narrow, wide):
    x = _convolution(x, f"{index}_squeeze", narrow, 1)
    parts = [
        _convolution(x, f"{index}_expand1x1", wide, 1),
        _convolution(x, f"{index}_expand3x3", wide, 3, padding=1),
    ]
    return keras.layers.Concatenate(dtype="float32")(parts)


def _pool_up(x):
    """Pools as PyTorch with `ceil_mode`, where a last window may exceed the image.

    The zeros that it adds change no maximum, as features are never negative.
    """
    return _pool(keras.layers.ZeroPadding2D(((0, 1), (0, 1)), dtype="float32")(x))


_TRUNKS = {"alex": _alexnet, "vgg": _vgg16, "squeeze": _squeezenet}


@keras.saving.register_keras_serializable(package="tfwm")
class LPIPS(Configured, keras.losses.Loss):
    """Computes LPIPS, a perceptual distance: the weighted difference of a classifier's features.

    The numbers equal those of `lpips.LPIPS(net=trunk)` of the package `lpips`, version 0.1 of the
    weights, on images in [0, 1]. The small heads come with tfwm. The trunk's weights are
    torchvision's, 3 to 530 MB; the loss reads them without PyTorch. If you do not have them, use
    `tfwm.losses.PerceptualLoss`. LPIPS is always computed in float32; the trunk is not trained,
    and not saved with the model.

    Reference: Zhang et al., CVPR 2018 (https://arxiv.org/abs/1801.03924).

    Args:
        trunk: `"alex"` (AlexNet, as StegaStamp), `"vgg"` (VGG16) or `"squeeze"`
            (SqueezeNet 1.1, the smallest).
        weights: path of torchvision's `.pth` file of that trunk, for instance
            `alexnet-owt-7be5be79.pth`, or of an `.npz` with the same names. `"download"`
            downloads it once, into Keras's cache.

    Input shape:
        Two batches `(batch, height, width, 3)`, RGB in [0, 1], sides of at least 32.

    Example:

    >>> loss = LPIPS("alex", "alexnet-owt-7be5be79.pth")  # doctest: +SKIP
    >>> float(loss(cover, watermarked))  # doctest: +SKIP
    """

    def __init__(self, trunk="alex", weights="download", name="lpips", **kwargs):
        super().__init__(name=name, **kwargs)
        self.trunk = trunk
        self.weights = str(weights)
        # A function, which Keras does not save with the model that uses the loss.
        self._distance = build_distance(trunk, self.weights)

    def call(self, y_true, y_pred):
        return self._distance(y_true, y_pred)
