"""The U-Net of pix2pix, of any depth: a part of several networks.

Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017,
section 6.1.1. Code: github.com/phillipi/pix2pix (BSD); nothing of it is reused. As there, the first
and the innermost convolution are not normalized. Skips carry features from before the activation,
so that the way down applies its leaky ReLU to them and the way up its plain ReLU.
"""

import keras

from tfwm.checks import one_of
from tfwm.models import parts

# Channels grow up to this many times `width`.
WIDEST = 8


def unet(x, channels, width, depth, normalization, dropout=0.0):
    """Adds a U-Net up to its last convolution.

    Args:
        x: image or features `(batch, H, W, any)`, sides multiples of `2**depth`.
        channels: channels of the result.
        width: channels after the first halving.
        depth: number of halvings, from 2.
        normalization: one of `tfwm.models.parts.NORMALIZATIONS`.
        dropout: rate after each convolution on the way up that has 8 times the width, except the
            innermost.

    Returns:
        float32 `(batch, H, W, channels)`, without bounds.
    """
    one_of("normalization", normalization, parts.NORMALIZATIONS)
    if not isinstance(depth, int) or depth < 2:
        raise ValueError(f"Expected a depth that is an integer from 2. Received: depth={depth!r}")
    bias = normalization is None
    widths = [min(1 << i, WIDEST) * width for i in range(depth)]
    skips = []
    for i, size in enumerate(widths):
        name = f"down{i + 1}"
        if i:
            x = keras.layers.LeakyReLU(0.2, name=f"{name}_leaky")(x)
        x = parts.small_convolution(x, size, 4, name, 2, use_bias=bias)
        if 0 < i < depth - 1:
            x = parts.normalize(x, name, normalization)
        skips.append(x)
    x = skips.pop()
    for i in range(depth - 1, -1, -1):
        name = f"up{i + 1}"
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
        if not i:
            return parts.small_convolution(x, channels, 4, name, 2, True, dtype="float32")
        x = parts.small_convolution(x, widths[i - 1], 4, name, 2, True, use_bias=bias)
        x = parts.normalize(x, name, normalization)
        if dropout and 4 <= i < depth - 1:
            x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
        x = keras.layers.Concatenate(name=f"{name}_skip")([x, skips.pop()])
