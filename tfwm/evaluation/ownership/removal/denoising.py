import numpy as np
from skimage import restoration

from tfwm.evaluation.ownership.removal.common import check_images
from tfwm.images.arrays import plane, to_uint8

METHODS = ("nl_means", "tv")


def denoise(images, method="nl_means", level=3.0):
    """Smooths a mark away without knowing anything about it: scikit-image's denoisers.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        method: `"nl_means"`, non-local means (Buades et al. 2005), or `"tv"`, total variation
            (Chambolle 2004).
        level: how much is taken for noise, in gray levels: the deviation that non-local means
            is told; 255 times the weight of the total variation.

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
