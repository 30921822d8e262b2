"""Critics, which tell covers from marked images: those of HiDDeN, MBRS, StegaStamp; PatchGAN."""

import keras
from keras import ops

from tfwm.layers.base import Configured
from tfwm.models import parts


def build_critic(width: int = 64, depth: int = 4, name: str = "critic") -> keras.Model:
    """Builds the critic of HiDDeN and MBRS (both Fig. 2), which differ in depth.

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


def build_clipped_critic(limit: float = 0.01, name: str = "critic") -> keras.Model:
    """Builds StegaStamp's critic: small, without normalization, all weights clipped.

    As in StegaStamp's code (MIT), which clips weights after each step for a Wasserstein loss. Use
    it in `tfwm.losses.AdversarialLoss(critic, weight, kind="wasserstein")`.

    Args:
        limit: largest absolute value of a weight after a step.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 3)` in [0, 1] to a number `(batch, 1)`,
        higher for a cover.

    Example:

    >>> tuple(build_clipped_critic()(np.full((2, 32, 32, 3), 0.5)).shape)
    (2, 1)
    """
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Rescaling(1.0, offset=-0.5, name="centre")(image)
    for i, width in enumerate((8, 16, 32, 64, 1)):
        x = keras.layers.Conv2D(
            width,
            3,
            strides=1 if width == 1 else 2,
            padding="same",
            activation=None if width == 1 else "relu",
            kernel_constraint=Clip(limit),
            bias_constraint=Clip(limit),
            name=f"conv{i + 1}",
        )(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean", dtype="float32")(x)
    return keras.Model(image, x, name=name)


def build_patch_critic(
    channels: int = 3, width: int = 64, depth: int = 4, name: str = "critic"
) -> keras.Model:
    """Builds a PatchGAN, a critic that judges each patch of an image by itself.

    Isola et al., CVPR 2017, section 3.2.2, with the sizes of Zhang et al.'s released code ("Model
    watermarking for image processing networks", AAAI 2020): 3 x 3 convolutions with stride 2.

    Args:
        channels: channels of the image, plus those of a condition if there is one.
        width: channels of the first convolution; each next one doubles them, up to eight times.
        depth: number of halvings; the paper has 4.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, channels)` in [0, 1], H and W multiples of
        `2**depth`, at least twice that, to logits `(batch, H / 2**depth, W / 2**depth, 1)`,
        positive where the image seems real.

    Example:

    >>> tuple(build_patch_critic(width=4)(np.full((2, 32, 64, 3), 0.5)).shape)
    (2, 2, 4, 1)
    """
    parts.check_sizes(channels=channels, width=width, depth=depth)
    image = keras.Input((None, None, channels), name="image")
    x = parts.to_signal(image)
    for i in range(depth):
        layer = f"conv{i + 1}"
        size = min(1 << i, 8) * width
        x = parts.small_convolution(x, size, 3, layer, strides=2, use_bias=not i)
        if i:
            x = parts.normalize(x, layer, "instance")
        x = keras.layers.LeakyReLU(0.2, name=f"{layer}_leaky")(x)
    x = parts.small_convolution(x, 1, 3, "logits", dtype="float32")
    return keras.Model(image, x, name=name)


@keras.saving.register_keras_serializable(package="tfwm")
class Clip(Configured, keras.constraints.Constraint):
    """Clips a weight's values to `[-limit, limit]`.

    Args:
        limit: positive number.

    Example:

    >>> Clip(0.5)(np.array([-2.0, 0.25, 2.0])).numpy()
    array([-0.5 ,  0.25,  0.5 ])
    """

    def __init__(self, limit):
        if limit <= 0:
            raise ValueError(f"Expected a limit above 0. Received: limit={limit}")
        self.limit = limit

    def __call__(self, value):
        return ops.clip(value, -self.limit, self.limit)
