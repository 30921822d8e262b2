import numpy as np


def watermark_similarity(watermark, read):
    """How much of a watermark is in images that were read, one number for each.

    The mean-removed correlation (`normalized_correlation(centred=True)`) where what was read has
    at least the watermark's contrast; in proportion less where it is fainter. A correlation
    alone gives 1 to the faintest trace of the watermark on a blank.

    Args:
        watermark: `(height, width, channels)`, in [0, 1].
        read: `(batch, height, width, channels)`, in [0, 1].

    Returns:
        float64 `(batch,)`, in [-1, 1]; 0 for a blank of any colour.

    Example:

    >>> watermark = np.eye(8)[..., None]
    >>> faint = 0.5 + 0.1 * watermark
    >>> watermark_similarity(watermark, np.stack([watermark, faint])).round(3).tolist()
    [1.0, 0.1]
    """
    mark, read = (_centred(np.asarray(x, np.float64)) for x in (watermark, read))
    contrast = np.sqrt(np.mean(mark**2))
    found = np.sqrt(np.mean(read**2, (1, 2, 3)))
    if not contrast:
        return np.zeros(len(read))
    return np.mean(read * mark, (1, 2, 3)) / (contrast * np.maximum(found, contrast))


def _centred(images):
    return images - images.mean((-3, -2), keepdims=True)
