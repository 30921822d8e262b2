"""Removal from images alone: everyday distortions, denoising, averaging, marking again."""

import numpy as np

from tfwm.checks import need
from tfwm.distortions import CHANGES_SIZE, distort
from tfwm.images.arrays import plane, to_uint8
from tfwm.images.quality import psnr
from tfwm.protection import Barrier


def check_images(images):
    """Returns images as an array; raises `ValueError` unless they are uint8 of one size."""
    images = np.asarray(images)
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[-1] not in (1, 3)
        or not len(images)
    ):
        raise ValueError(
            "Expected uint8 images (batch, height, width, 1 or 3). "
            f"Received: {images.dtype} of shape {images.shape}"
        )
    return images


def check_psnr(psnr):
    """Raises `ValueError` for a PSNR that is no budget."""
    if not 0 < psnr < 100:
        raise ValueError(f"Expected a PSNR above 0 and below 100 dB. Received: psnr={psnr}")


def cost(before, after):
    """Returns what an attack cost: the mean over the images of the PSNR in dB.

    Args:
        before: uint8 images that the attacker began with.
        after: the images after the attack.

    Example:

    >>> images = np.full((2, 16, 16, 3), 100, np.uint8)
    >>> round(cost(images, images + np.uint8(1)), 2)
    48.13
    """
    return float(np.mean([psnr(a, b) for a, b in zip(before, after, strict=True)]))


# Distortion and level: what an attacker tries first.
POST_PROCESSING = (
    ("jpeg", 90),
    ("jpeg", 70),
    ("jpeg", 50),
    ("jpeg", 30),
    ("gaussian_noise", 2),
    ("gaussian_noise", 5),
    ("gaussian_noise", 10),
    ("gaussian_blur", 1),
    ("gaussian_blur", 2),
    ("median_filter", 3),
    ("median_filter", 5),
    ("resizing", 0.75),
    ("resizing", 0.5),
    ("centre_crop", 0.02),
    ("centre_crop", 0.1),
    ("gamma", 0.8),
    ("gamma", 1.25),
    ("palette", 64),
    ("palette", 8),
)


def post_process(images, name, level, seed=0, **options):
    """Distorts a batch of images, as anybody can.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        name: of one of `tfwm.distortions.DISTORTIONS` that keeps the size and needs no cover.
        level: its parameter, such as JPEG's quality.
        seed: integer; random ones follow from it and from the image's number.
        **options: its further arguments.

    Returns:
        The same shape.

    Example:

    >>> images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    >>> post_process(images, "jpeg", 50).shape
    (2, 32, 32, 3)
    """
    images = check_images(images)
    if name in CHANGES_SIZE:
        raise ValueError(f"Expected a distortion that keeps the size. Received: name={name!r}")
    distorted = [
        distort(name, plane(image), level, np.random.default_rng([seed, number]), **options)
        for number, image in enumerate(images)
    ]
    return np.stack(distorted).reshape(images.shape)


METHODS = ("nl_means", "tv")


def denoise(images, method="nl_means", level=3.0):
    """Smooths a mark away without knowing anything about it: scikit-image's denoisers.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        method: `"nl_means"`, non-local means (Buades et al. 2005), or `"tv"`, total variation
            (Chambolle 2004).
        level: strength in gray levels: the assumed deviation of the noise for non-local means;
            255 times the weight of the total variation.

    Returns:
        The same shape.

    Example:

    >>> noisy = np.random.default_rng(0).integers(90, 110, (1, 32, 32, 1), np.uint8)
    >>> bool(denoise(noisy, level=8).std() < 0.5 * noisy.std())
    True
    """
    images = check_images(images)
    if method not in METHODS or not level > 0:
        raise ValueError(
            f"Expected a method of {METHODS} and a level above 0. "
            f"Received: method={method!r}, level={level}"
        )
    smoothed = [_denoise(plane(image / np.float32(255)), method, level / 255) for image in images]
    return to_uint8(np.stack(smoothed)).reshape(images.shape)


def _denoise(image, method, level):
    restoration = need("skimage.restoration", "evaluate")
    axis = -1 if image.ndim == 3 else None
    if method == "tv":
        return restoration.denoise_tv_chambolle(image, weight=level, channel_axis=axis)
    return restoration.denoise_nl_means(
        image,
        patch_size=5,
        patch_distance=6,
        h=0.8 * level,  # what scikit-image advises for a known deviation
        sigma=level,
        fast_mode=True,
        channel_axis=axis,
    )


SIGMA = 4  # pixels


def subtract_average(images, held, smooth=None):
    """Takes away what all marked images have in common.

    The attacker holds many marked images of the same size. What smoothing takes from each is
    detail and mark; in their mean the detail fades and a mark that is the same in all of them
    stays. A mark that depends on the image does not.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`, to be freed of the mark.
        held: uint8 `(n, height, width, 1 or 3)`, marked images that the attacker has; more are
            better. They may be `images`.
        smooth: function from uint8 images to such images without mark; by default a Gaussian
            blur of 4 pixels. The wider, the coarser a mark may be, and the more detail is in the
            way; `denoise` keeps edges, so that there is less.

    Returns:
        The shape of `images`.

    Example:

    >>> photos = np.random.default_rng(0).integers(90, 110, (64, 32, 32, 1), np.uint8)
    >>> stripes = np.uint8(20 * (np.arange(32) % 2)).reshape(1, 1, 32, 1)
    >>> cleaned = subtract_average(photos + stripes, photos + stripes)
    >>> mean = cleaned.mean((0, 1))
    >>> bool(abs(mean[1::2].mean() - mean[::2].mean()) < 1)
    True
    """
    images, held = check_images(images), check_images(held)
    if held.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"Expected held images of the shape {images.shape[1:]}. Received: {held.shape[1:]}"
        )
    smoothed = post_process(held, "gaussian_blur", SIGMA) if smooth is None else smooth(held)
    common = held.mean(0, dtype=np.float64) - smoothed.mean(0, dtype=np.float64)
    return to_uint8((images - common) / 255)


# Place in a tile of so many pixels a side, and so many levels of brightness.
TILE, LEVELS = 8, 16


def subtract_by_brightness(images, held):
    """Takes away what marked images have in common where they are equally bright.

    For a mark that follows the brightness of its image, of which `subtract_average` finds little:
    the mean fine detail is that of a level of brightness and a place modulo 8 pixels.

    Args:
        images: see `subtract_average`, also for `held`.

    Returns:
        The shape of `images`.

    Example:

    >>> photos = np.random.default_rng(0).integers(40, 60, (64, 32, 32, 1), np.uint8)
    >>> photos[::2] += 100
    >>> stripes = np.int16(5 * (-1) ** np.arange(32)).reshape(1, 1, 32, 1)
    >>> marked = np.uint8(photos + np.where(photos > 100, stripes, -stripes))
    >>> cleaned = subtract_by_brightness(marked, marked)[::2].mean((0, 1))
    >>> bool(abs(cleaned[1::2].mean() - cleaned[::2].mean()) < 1)
    True
    """
    images, held = check_images(images), check_images(held)
    smooth = post_process(held, "gaussian_blur", 2)
    detail, entries = held - np.float64(smooth), _entries(smooth)
    count = np.maximum(np.bincount(entries.ravel(), minlength=LEVELS * TILE**2), 1)
    common = [
        np.bincount(entries.ravel(), detail[..., channel].ravel(), len(count)) / count
        for channel in range(held.shape[-1])
    ]
    seen = _entries(post_process(images, "gaussian_blur", 2))
    return to_uint8((images - np.stack(common, axis=-1)[seen]) / 255)


def _entries(smooth):
    """Level of brightness and place in a tile of each pixel of blurred images, as one number."""
    level = smooth.mean(axis=-1) * LEVELS // 256
    rows, columns = (np.arange(side) % TILE for side in smooth.shape[1:3])
    return level.astype(int) * TILE**2 + rows[:, None] * TILE + columns


def average_copies(copies):
    """Averages what several surrogates make of the same inputs.

    What each of them learned in its own way fades; what all learned alike stays.

    Args:
        copies: list of uint8 arrays of one shape `(batch, height, width, 1 or 3)`, two or more.

    Returns:
        uint8 array of that shape.

    Example:

    >>> dark, light = np.full((2, 1, 8, 8, 3), [[[[[0]]]], [[[[9]]]]], np.uint8)
    >>> int(average_copies([dark, light]).max())
    4
    """
    copies = [check_images(images) for images in copies]
    if len(copies) < 2 or len({images.shape for images in copies}) > 1:
        raise ValueError(
            "Expected two or more batches of images of one shape. "
            f"Received: shapes {[images.shape for images in copies]}"
        )
    return np.uint8(np.rint(np.mean(copies, axis=0)))


def overwrite(images, barrier, watermark=None):
    """Marks images again: with another barrier, or with the same one and another watermark.

    An attacker without the owner's networks trains another barrier. An attacker with the embedder
    hides another watermark with it.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        barrier: `tfwm.protection.Barrier` that marks them.
        watermark: array of the shape of the barrier's, in [0, 1], in its place.

    Returns:
        The same shape.

    Example:

    >>> from tfwm.models import barrier as models
    >>> embedder = models.build_embedder(width=4, depth=2, residual_limit=0.1)
    >>> barrier = Barrier(embedder, models.build_extractor(width=4), np.zeros((32, 32, 3)))
    >>> overwrite(np.full((1, 40, 40, 3), 99, np.uint8), barrier, np.ones((32, 32, 3))).shape
    (1, 40, 40, 3)
    """
    images = check_images(images)
    if watermark is not None:
        if np.shape(watermark) != barrier.watermark.shape:
            raise ValueError(
                f"Expected a watermark of the barrier's shape {barrier.watermark.shape}. "
                f"Received: watermark of shape {np.shape(watermark)}"
            )
        barrier = Barrier(barrier.embedder, barrier.extractor, watermark, barrier.name)
    return to_uint8(barrier.mark(images))
