import numpy as np

from tfwm.distortions import CHANGES_SIZE, distort
from tfwm.evaluation.ownership.removal.common import check_images
from tfwm.images.arrays import plane

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
    """Damages images as everybody may: the distortions of the suites, on a batch.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        name: of one of `tfwm.evaluation.DISTORTIONS` that keeps the size and needs no cover.
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
    damaged = [
        distort(name, plane(image), level, np.random.default_rng([seed, number]), **options)
        for number, image in enumerate(images)
    ]
    return np.stack(damaged).reshape(images.shape)
