"""What the page's sliders do to a photo."""

import dataclasses

import numpy as np

from tfwm.distortions import distort
from tfwm.images import ImageError

MAX_PIXELS = 40_000_000


@dataclasses.dataclass(frozen=True)
class Damage:
    """One slider.

    Args:
        name: of the distortion, see `tfwm.distortions`.
        label: text of the slider.
        low: smallest value.
        high: largest value.
        step: between values.
        neutral: the value that changes nothing.
        unit: text after the value.
        factor: what makes the distortion's level of the value.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    neutral: float
    unit: str = ""
    factor: float = 1.0


# In the order in which they are applied.
DAMAGES = (
    Damage("mirror", "Mirror", 0, 1, 1, 0),
    Damage("rotation", "Rotate", -10, 10, 0.5, 0, "°"),
    Damage("crop", "Crop, area kept", 20, 100, 1, 100, " %", 0.01),
    Damage("scale", "Resize", 25, 200, 1, 100, " %", 0.01),
    Damage("brightness", "Brightness", 40, 180, 1, 100, " %", 0.01),
    Damage("contrast", "Contrast", 40, 180, 1, 100, " %", 0.01),
    Damage("saturation", "Colour", 0, 200, 1, 100, " %", 0.01),
    Damage("gaussian_blur", "Blur, sigma", 0, 4, 0.1, 0, " px"),
    Damage("gaussian_noise", "Noise, sigma", 0, 40, 1, 0),
    Damage("cropping", "Black box, area", 0, 60, 1, 0, " %", 0.01),
)
# What services do, with typical settings: label, distortion, level.
SERVICES = {
    "social": ("Social network post", "social_post", 71),
    "messenger": ("Messenger", "messenger", 50),
    "forwarded": ("Forwarded three times", "forwarded", 3),
    "screenshot": ("Screenshot of a post", "post_screenshot", 80),
    "profile": ("Profile picture", "profile_picture", 80),
}


def apply_damage(image, values, service=None):
    """Damages a uint8 photo.

    Args:
        image: `(H, W)` or `(H, W, 3)`.
        values: dict of a damage's name and its slider's value; others are neutral.
        service: key of `SERVICES`, applied last, or `None`.

    Returns:
        uint8 photo.
    """
    unknown = set(values) - {damage.name for damage in DAMAGES}
    if unknown or service not in (None, *SERVICES):
        raise ValueError(f"Expected damages of this page. Received: {sorted(unknown) or service}")
    for damage in DAMAGES:
        value = values.get(damage.name, damage.neutral)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"Expected a number for {damage.label}. Received: {value!r}")
        if not damage.low <= value <= damage.high:
            raise ValueError(
                f"Expected {damage.low:g} to {damage.high:g} for {damage.label}. "
                f"Received: {value:g}"
            )
        if value == damage.neutral:
            continue
        level = value * damage.factor
        if damage.name == "scale":
            _check_size(image.shape, level)
        # The same random places and noise each time, so that sliders move smoothly.
        image = distort(damage.name, image, level, np.random.default_rng(1))
    if service is not None:
        _, name, level = SERVICES[service]
        image = distort(name, image, level, np.random.default_rng(1))
    return image


def _check_size(shape, factor):
    pixels = shape[0] * shape[1] * factor**2
    if pixels > MAX_PIXELS:
        raise ImageError(
            f"The copy would have {pixels / 1e6:.0f} megapixels: at most {MAX_PIXELS / 1e6:.0f} "
            "fit this page; enlarge it less."
        )
