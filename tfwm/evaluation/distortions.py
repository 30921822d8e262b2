"""Real damage to uint8 images, with real codecs: what a suite's attacks are made of.

Every function takes a uint8 image `(H, W)` or `(H, W, 3)` and a level and returns a uint8
image of the same shape. Random ones take a `numpy.random.Generator` and are repeatable;
`cropout` and `dropout` also take the cover, which fills what they remove. Levels are the
ReDMark paper's (section 4.3) and, for the last four, HiDDeN's (Zhu et al. 2018, section 3.2).

The layers in `tfwm.attacks` are their differentiable counterparts for training.
"""

import io

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage.filters import rank

from tfwm.evaluation.text_pattern import pattern_elimination

BLOCK = 8


def identity(image, level=None):
    """Leaves the image as it is: what is lost by rounding to uint8 alone."""
    return image.copy()


def gaussian_noise(image, level, generator):
    """Adds N(0, level^2) to every sample, level in gray levels; clips and rounds."""
    noise = generator.standard_normal(image.shape, np.float32)
    return _to_uint8(image + np.float32(level) * noise)


def uniform_noise(image, level, generator):
    """Adds U(-level, level) to every sample, level in gray levels; clips and rounds."""
    noise = 2 * generator.random(image.shape, np.float32) - 1
    return _to_uint8(image + np.float32(level) * noise)


def salt_and_pepper(image, level, generator):
    """Turns the fraction `level` of the pixels to black or white, half each."""
    _check_fraction(level)
    u = generator.random(image.shape[:2], np.float32)
    out = image.copy()
    out[u >= 1 - level / 2] = 255
    out[u < level / 2] = 0
    return out


def cropping(image, level, generator):
    """Blackens one random square of the fraction `level` of the area; the size is kept."""
    out = image.copy()
    out[_random_rectangle(image.shape, level, generator)] = 0
    return out


def grid_crop(image, level, generator):
    """Blackens each aligned 8x8 block with the probability `level`."""
    _check_fraction(level)
    rows, columns = (-(-n // BLOCK) for n in image.shape[:2])
    gone = generator.random((rows, columns)) < level
    gone = gone.repeat(BLOCK, 0).repeat(BLOCK, 1)[: image.shape[0], : image.shape[1]]
    out = image.copy()
    out[gone] = 0
    return out


def jpeg(image, level, subsampling="4:2:0"):
    """Encodes and decodes as JPEG of the quality `level` (libjpeg through Pillow).

    Gray images are coded as gray. `subsampling` acts on colour images only.
    """
    return _codec(image, "JPEG", quality=int(level), subsampling=subsampling)


def webp(image, level):
    """Encodes and decodes as lossy WebP of the quality `level` (libwebp through Pillow)."""
    return _codec(image, "WEBP", quality=int(level))


def gaussian_blur(image, level):
    """Gaussian filter of the standard deviation `level` in pixels, mirrored borders.

    The paper says radius; its numbers are those of scipy's sigma.
    """
    sigma = (level, level, 0)[: image.ndim]
    return _to_uint8(ndimage.gaussian_filter(image.astype(np.float32), sigma))


def sharpening(image, level):
    """Unsharp mask of the radius `level`, 150 percent, threshold 3 (Pillow)."""
    mask = ImageFilter.UnsharpMask(radius=level, percent=150, threshold=3)
    return np.array(Image.fromarray(image).filter(mask))


def median_filter(image, level):
    """Median over a window of `level` x `level` pixels, an odd number; mirrored borders."""
    size = _odd(level)
    pad = size // 2
    window = np.ones((size, size), np.uint8)
    planes = image[..., None] if image.ndim == 2 else image
    # The padding gives scikit-image's histogram median, several times the quicker for
    # large windows, the border that scipy's has.
    padded = np.pad(planes, [(pad, pad), (pad, pad), (0, 0)], "symmetric")
    out = np.stack([rank.median(plane, window) for plane in np.moveaxis(padded, -1, 0)], -1)
    return out[pad : pad + image.shape[0], pad : pad + image.shape[1]].reshape(image.shape)


def mean_filter(image, level):
    """Mean over a window of `level` x `level` pixels, an odd number; mirrored borders."""
    size = _odd(level)
    return _to_uint8(
        ndimage.uniform_filter(image.astype(np.float32), (size, size, 0)[: image.ndim])
    )


def resizing(image, level):
    """Scales the sides by `level` and back, both bilinear with antialiasing (Pillow)."""
    height, width = image.shape[:2]
    small = max(1, int(width * level)), max(1, int(height * level))
    scaled = Image.fromarray(image).resize(small, Image.Resampling.BILINEAR)
    return np.array(scaled.resize((width, height), Image.Resampling.BILINEAR))


def rotation(image, level):
    """Rotates by `level` degrees about the centre, bilinear, size kept, black corners."""
    return np.array(Image.fromarray(image).rotate(level, Image.Resampling.BILINEAR))


def edges(image, level):
    """Image minus its Gaussian blur of sigma `level`, wrapping around as uint8 does.

    In the authors' code, not in the paper's tables.
    """
    return image - gaussian_blur(image, level)


def crop_keep(image, level, generator):
    """Keeps one random square of the fraction `level` of the area, blackens the rest.

    HiDDeN's crop, with the place known: their smaller image is put back where it was.
    """
    kept = _random_rectangle(image.shape, level, generator)
    out = np.zeros_like(image)
    out[kept] = image[kept]
    return out


def cropout(image, level, generator, cover):
    """Keeps one random square of the fraction `level` of the area, the rest is the cover's."""
    kept = _random_rectangle(image.shape, level, generator)
    out = cover.copy()
    out[kept] = image[kept]
    return out


def dropout(image, level, generator, cover):
    """Keeps each pixel with the probability `level`, else it is the cover's."""
    _check_fraction(level)
    kept = generator.random(image.shape[:2], np.float32) < level
    out = cover.copy()
    out[kept] = image[kept]
    return out


DISTORTIONS = {
    function.__name__: function
    for function in (
        identity,
        gaussian_noise,
        uniform_noise,
        salt_and_pepper,
        cropping,
        grid_crop,
        pattern_elimination,
        jpeg,
        webp,
        gaussian_blur,
        sharpening,
        median_filter,
        mean_filter,
        resizing,
        rotation,
        edges,
        crop_keep,
        cropout,
        dropout,
    )
}
RANDOM = {
    "gaussian_noise",
    "uniform_noise",
    "salt_and_pepper",
    "cropping",
    "grid_crop",
    "crop_keep",
    "cropout",
    "dropout",
}
NEEDS_COVER = {"cropout", "dropout"}


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
        uint8 image of the same shape.

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


def _to_uint8(x):
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def _codec(image, format, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    with Image.open(buffer) as decoded:
        return np.array(decoded.convert("L" if image.ndim == 2 else "RGB"))


def _random_rectangle(shape, fraction, generator):
    _check_fraction(fraction)
    height, width = shape[:2]
    side = np.sqrt(fraction * height * width)
    rows, columns = min(int(np.floor(side)), height), min(int(np.ceil(side)), width)
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    return np.s_[top : top + rows, left : left + columns]


def _check_fraction(level):
    if not 0 <= level <= 1:
        raise ValueError(f"Expected a fraction from 0 to 1. Received: level={level}")


def _odd(level):
    size = int(level)
    if size != level or size < 1 or size % 2 == 0:
        raise ValueError(f"Expected an odd window size such as 3. Received: level={level}")
    return size
