import inspect

import numpy as np
from PIL import features

from tfwm.distortions import (
    chains,
    codecs,
    filters,
    geometry,
    noise,
    overlays,
    print_photo,
    removal,
    style,
    tone,
)
from tfwm.distortions.text_pattern import pattern_elimination

DISTORTIONS = {
    function.__name__: function
    for function in (
        geometry.identity,
        noise.gaussian_noise,
        noise.uniform_noise,
        noise.salt_and_pepper,
        removal.cropping,
        removal.grid_crop,
        pattern_elimination,
        codecs.jpeg,
        codecs.webp,
        filters.gaussian_blur,
        filters.sharpening,
        filters.median_filter,
        filters.mean_filter,
        geometry.resizing,
        geometry.rotation,
        filters.edges,
        removal.crop_keep,
        removal.cropout,
        removal.dropout,
        codecs.avif,
        codecs.double_jpeg,
        codecs.palette,
        codecs.posterise,
        geometry.scale,
        geometry.stretch,
        geometry.crop,
        geometry.strip,
        geometry.rotation_cropped,
        geometry.perspective,
        geometry.mirror,
        geometry.quarter_turn,
        geometry.screenshot,
        tone.brightness,
        tone.contrast,
        tone.saturation,
        tone.hue,
        tone.gamma,
        tone.gray,
        tone.vignette,
        overlays.letterbox,
        overlays.text_overlay,
        overlays.stamp,
        overlays.logo_overlay,
        chains.social_post,
        chains.messenger,
        chains.forwarded,
        chains.post_screenshot,
        chains.story,
        chains.phone_edit,
        chains.link_preview,
        chains.profile_picture,
        geometry.centre_crop,
        removal.frame,
        tone.equalise,
        filters.edge_enhance,
        style.one_bit,
        style.cartoon,
        print_photo.print_photo,
    )
}


def _taking(parameter):
    return {n for n, f in DISTORTIONS.items() if parameter in inspect.signature(f).parameters}


RANDOM = _taking("generator")
NEEDS_COVER = _taking("cover")
# A reader of these must find size and place again; suites of bits in known places cannot.
CHANGES_SIZE = {
    "scale",
    "stretch",
    "crop",
    "strip",
    "rotation_cropped",
    "quarter_turn",
    "screenshot",
    *(n for n, f in DISTORTIONS.items() if f.__module__ == chains.__name__),
}


def distort(name, image, level, generator=None, cover=None, **options):
    """Applies the distortion called `name`, handing on only what it needs.

    Args:
        name: a key of `DISTORTIONS`.
        image: uint8, `(H, W)` or `(H, W, 3)`.
        level: the distortion's parameter; its docstring says what it is.
        generator: `numpy.random.Generator`, for the random ones.
        cover: uint8 like `image`, for `cropout` and `dropout`.
        **options: further arguments of the distortion, such as `subsampling` of `jpeg`.

    Returns:
        uint8 image of the same shape; those in `CHANGES_SIZE` may give another height and width.

    Example:

    >>> image = np.full((64, 64), 100, np.uint8)
    >>> noisy = distort("gaussian_noise", image, 5, np.random.default_rng(0))
    >>> noisy.shape, noisy.dtype.name
    ((64, 64), 'uint8')
    """
    if name not in DISTORTIONS:
        raise ValueError(f"Expected one of {sorted(DISTORTIONS)}. Received: name={name!r}")
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            "Expected a uint8 image (H, W) or (H, W, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    if name in RANDOM:
        if generator is None:
            raise ValueError(f"Expected a numpy Generator for {name}. Received: generator=None")
        options["generator"] = generator
    if name in NEEDS_COVER:
        if cover is None:
            raise ValueError(f"Expected the cover image for {name}. Received: cover=None")
        options["cover"] = cover
    return DISTORTIONS[name](image, level, **options)


def missing(name):
    """Returns why a distortion cannot run here, or None if it can.

    Example:

    >>> missing("jpeg")
    """
    codec = {"avif": "avif", "webp": "webp", "link_preview": "webp"}.get(name)
    if codec is None or features.check(codec):
        return None
    return f"Pillow is without {codec.upper()}; another build or a newer one has it"
