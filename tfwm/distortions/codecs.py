"""Saving in a lossy format and opening again, with the real codecs."""

import io

import numpy as np
from PIL import Image, ImageOps

from tfwm.distortions.common import mode
from tfwm.distortions.registry import distortion


@distortion()
def jpeg(image, level, subsampling="4:2:0"):
    """Encodes and decodes as JPEG of the quality `level` (libjpeg through Pillow).

    Gray images are encoded as gray. `subsampling` affects color images only.
    """
    return _codec(image, "JPEG", quality=int(level), subsampling=subsampling)


@distortion(codec="webp")
def webp(image, level):
    """Encodes and decodes as lossy WebP of the quality `level` (libwebp through Pillow)."""
    return _codec(image, "WEBP", quality=int(level))


@distortion(codec="avif")
def avif(image, level, subsampling="4:2:0"):
    """Encodes and decodes as AVIF of the quality `level` (libavif through Pillow)."""
    return _codec(image, "AVIF", quality=int(level), subsampling=subsampling)


@distortion()
def double_jpeg(image, level, first=85):
    """Encodes as JPEG of the quality `first`, then of the quality `level`, both 4:2:0."""
    return jpeg(jpeg(image, first), level)


@distortion()
def palette(image, level):
    """Reduces to `level` colors, 2 to 256, as a GIF does: median cut, dithered."""
    if not 2 <= level <= 256:
        raise ValueError(f"Expected 2 to 256 colors. Received: level={level}")
    picture = Image.fromarray(image).convert("RGB")
    few = picture.quantize(int(level), Image.Quantize.MEDIANCUT)
    mapped = picture.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG)
    return np.array(mapped.convert(mode(image)))


@distortion()
def posterise(image, level):
    """Keeps the `level` highest bits of each sample, 1 to 8 (Pillow)."""
    if not 1 <= level <= 8:
        raise ValueError(f"Expected 1 to 8 bits. Received: level={level}")
    return np.array(ImageOps.posterize(Image.fromarray(image), int(level)))


def _codec(image, format, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    with Image.open(buffer) as decoded:
        return np.array(decoded.convert(mode(image)))
