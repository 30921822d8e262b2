"""The distortions behind the page's sliders."""

import dataclasses

import numpy as np

from tfwm.distortions import distort
from tfwm.images import ImageError

MAX_PIXELS = 40_000_000


@dataclasses.dataclass(frozen=True)
class Slider:
    """One slider, which sets the level of a distortion.

    Args:
        name: of the distortion, see `tfwm.distortions`.
        label: text of the slider.
        low: smallest value.
        high: largest value.
        step: between values.
        neutral: the value that changes nothing.
        unit: text after the value.
        factor: the distortion's level is the value times this factor.
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
SLIDERS = (
    Slider("mirror", "Mirror", 0, 1, 1, 0),
    Slider("rotation", "Rotate", -10, 10, 0.5, 0, "°"),
    Slider("crop", "Crop, area kept", 20, 100, 1, 100, " %", 0.01),
    Slider("scale", "Resize", 25, 200, 1, 100, " %", 0.01),
    Slider("brightness", "Brightness", 40, 180, 1, 100, " %", 0.01),
    Slider("contrast", "Contrast", 40, 180, 1, 100, " %", 0.01),
    Slider("saturation", "Colour", 0, 200, 1, 100, " %", 0.01),
    Slider("gaussian_blur", "Blur, sigma", 0, 4, 0.1, 0, " px"),
    Slider("gaussian_noise", "Noise, sigma", 0, 40, 1, 0),
    Slider("cropping", "Black box, area", 0, 60, 1, 0, " %", 0.01),
)
# Chains of services with typical settings: label, distortion, level.
SERVICES = {
    "social": ("Social network post", "social_post", 71),
    "messenger": ("Messenger", "messenger", 50),
    "forwarded": ("Forwarded three times", "forwarded", 3),
    "screenshot": ("Screenshot of a post", "post_screenshot", 80),
    "profile": ("Profile picture", "profile_picture", 80),
}


def apply_sliders(image: np.ndarray, values: dict, service: str | None = None) -> np.ndarray:
    """Distorts a uint8 photo as the sliders say.

    Args:
        image: `(H, W)` or `(H, W, 3)`.
        values: dict of a distortion's name and its slider's value; other sliders are neutral.
        service: key of `SERVICES`, applied last, or `None`.

    Returns:
        uint8 photo.
    """
    unknown = set(values) - {slider.name for slider in SLIDERS}
    if unknown or service not in (None, *SERVICES):
        raise ValueError(
            f"Expected distortions of this page. Received: {sorted(unknown) or service}"
        )
    for slider in SLIDERS:
        value = values.get(slider.name, slider.neutral)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"Expected a number for {slider.label}. Received: {value!r}")
        if not slider.low <= value <= slider.high:
            raise ValueError(
                f"Expected {slider.low:g} to {slider.high:g} for {slider.label}. "
                f"Received: {value:g}"
            )
        if value == slider.neutral:
            continue
        level = value * slider.factor
        if slider.name == "scale":
            _check_size(image.shape, level)
        # Random places and noise are the same each time, so that sliders move smoothly.
        image = distort(slider.name, image, level, np.random.default_rng(1))
    if service is not None:
        _, name, level = SERVICES[service]
        image = distort(name, image, level, np.random.default_rng(1))
    return image


def _check_size(shape, factor):
    pixels = shape[0] * shape[1] * factor**2
    if pixels > MAX_PIXELS:
        raise ImageError(
            f"The copy would have {pixels / 1e6:.0f} megapixels: at most {MAX_PIXELS / 1e6:.0f} "
            "fit this page; enlarge the photo less."
        )
