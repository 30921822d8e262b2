"""The adversary of HiDDeN (Fig. 2) and MBRS (Fig. 2): the same network, of other depth."""

import keras

from tfwm.models import parts


def build_critic(width=64, depth=4, name="critic"):
    """Builds a critic, which tells covers from watermarked images.

    Args:
        width: channels of its convolutions.
        depth: number of convolutions; MBRS has 4, HiDDeN 3.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 3)` in [0, 1] to a logit `(batch, 1)`,
        positive for a cover.

    Example:

    >>> tuple(build_critic(width=8)(np.full((2, 32, 32, 3), 0.5)).shape)
    (2, 1)
    """
    parts.check_sizes(width=width, depth=depth)
    image = keras.Input((None, None, 3), name="image")
    x = parts.to_signal(image)
    for i in range(depth):
        x = parts.convolution(x, width, f"conv{i + 1}")
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    x = keras.layers.Dense(1, name="logit", dtype="float32")(x)
    return keras.Model(image, x, name=name)
