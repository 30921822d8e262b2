import numpy as np

from tfwm.evaluation.ownership.removal.common import check_images
from tfwm.images.arrays import to_uint8
from tfwm.protection import Barrier


def overwrite(images, barrier, watermark=None):
    """Marks images again: with another barrier, or with the same one and another watermark.

    An attacker without the owner's networks trains a barrier of his own; one who got hold of
    the embedder hides his own watermark with it.

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
