import numpy as np

from tfwm.evaluation.ownership.removal.common import check_images
from tfwm.evaluation.ownership.removal.post_processing import post_process
from tfwm.images.arrays import to_uint8

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
