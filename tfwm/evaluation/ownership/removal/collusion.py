import numpy as np

from tfwm.evaluation.ownership.removal.common import check_images


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
