"""Ready chains of attacks: what happens to an image from printing to reading."""

from tfwm.attacks.compose import Chain, Identity, Ramp, RandomChoice
from tfwm.attacks.filters import GaussianBlur, MotionBlur
from tfwm.attacks.geometry import PerspectiveWarp, RandomResizedCrop
from tfwm.attacks.jpeg import JPEG
from tfwm.attacks.noise import GaussianNoise
from tfwm.attacks.tone import Brightness, Hue, Saturation

__all__ = ["crop_chain", "printed_photo"]


def printed_photo(perspective=0.1, quality=50, fill="white", blur=1.0, ramp=10_000, seed=None):
    """Returns the chain of StegaStamp, which prints and photographs an image.

    It consists of a perspective warp, a blur (Gaussian or along a line, each with a probability
    of 1/4), noise, contrast, brightness, hue, saturation and JPEG, with the ranges of
    `scripts/base.sh` in the paper's code. That code draws once per batch; here, warp, noise,
    saturation and JPEG draw per image.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020, section 3.2.

    Args:
        perspective: largest displacement of corners, a share of the side; 0 for no warp, if
            the training itself warps the covers.
        quality: the lowest quality of JPEG.
        fill: see `PerspectiveWarp`.
        blur: factor on the width of the blurs, which are the code's for 400 x 400 pixels.
        ramp: number of calls over which the warp grows from nothing; noise, colors and JPEG
            grow in a tenth of it. With 0, everything has full strength from the first call.
        seed: see `Attack`.

    Returns:
        A `Chain`.

    Example:

    >>> printed_photo(ramp=0, seed=1)(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """
    jpeg = JPEG((quality, 100), method="cubic_at_zero")
    parts = _camera(perspective, fill, blur, ramp)
    return Chain([*parts, *_grow([jpeg], ramp // 10)], seed=seed)


def crop_chain(
    area=0.6, perspective=0.1, quality=None, fill="cover", blur=1.0, ramp=10_000, seed=None
):
    """Returns the chain of CropDefender: that of `printed_photo`, then a crop, without JPEG.

    Reference:
        "CropDefender: deep watermark which is more easy to train and more robust against
        cropping", arXiv 2109.06651, section 3.2, and its code.

    Args:
        area: the smallest share of the area that a crop keeps.
        perspective: see `printed_photo`.
        quality: the lowest quality of JPEG, which comes before the crop; `None` for no JPEG.
        fill: see `PerspectiveWarp`; the paper's fill needs the cover.
        blur: see `printed_photo`.
        ramp: see `printed_photo`; the area shrinks over twice as many calls.
        seed: see `Attack`.

    Returns:
        A `Chain`.

    Example:

    >>> attack = crop_chain(fill="white", seed=1)
    >>> [type(part).__name__ for part in attack.attacks[-2:]]
    ['Ramp', 'Ramp']
    """
    parts = _camera(perspective, fill, blur, ramp)
    if quality is not None:
        parts += _grow([JPEG((quality, 100), method="cubic_at_zero")], ramp // 10)
    crop = RandomResizedCrop((area, 1.0), (3 / 4, 4 / 3))
    return Chain([*parts, *_grow([crop], 2 * ramp)], seed=seed)


def _camera(perspective, fill, blur, ramp):
    """Returns the attacks that both chains begin with."""
    warp = [PerspectiveWarp((0.0, perspective), fill)] if perspective else []
    blurs = [
        GaussianBlur((blur, 3.0 * blur), size=_odd(7 * blur), padding="zero"),
        MotionBlur(_odd(7 * blur), sigma=(0.25, 1.0), padding="zero"),
        Identity(),
    ]
    tone = [
        GaussianNoise((0.0, 0.02), clip=True),
        # Contrast, a factor in StegaStamp, and brightness.
        Brightness(factor=(0.5, 1.5), offset=(-0.3, 0.3)),
        Hue((-0.1, 0.1)),
        Saturation((0.0, 1.0)),
    ]
    blur = RandomChoice(blurs, [0.25, 0.25, 0.5])
    return [*_grow(warp, ramp), blur, *_grow(tone, ramp // 10)]


def _odd(size):
    """Returns the odd number that is nearest to a size, at least 3."""
    return max(3, 2 * round((size - 1) / 2) + 1)


def _grow(attacks, steps):
    return [Ramp(attack, steps) for attack in attacks] if steps else attacks
