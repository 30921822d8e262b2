"""Parts of the photo lost, at its old size."""

import numpy as np

from tfwm.evaluation.distortions.common import check_fraction, random_rectangle

BLOCK = 8


def cropping(image, level, generator):
    """Blackens one random square of the fraction `level` of the area; the size is kept."""
    out = image.copy()
    out[random_rectangle(image.shape, level, generator)] = 0
    return out


def grid_crop(image, level, generator):
    """Blackens each aligned 8x8 block with the probability `level`."""
    check_fraction(level)
    rows, columns = (-(-n // BLOCK) for n in image.shape[:2])
    gone = generator.random((rows, columns)) < level
    gone = gone.repeat(BLOCK, 0).repeat(BLOCK, 1)[: image.shape[0], : image.shape[1]]
    out = image.copy()
    out[gone] = 0
    return out


def crop_keep(image, level, generator):
    """Keeps one random square of the fraction `level` of the area, blackens the rest.

    HiDDeN's crop, with the place known: their smaller image is put back where it was.
    """
    kept = random_rectangle(image.shape, level, generator)
    out = np.zeros_like(image)
    out[kept] = image[kept]
    return out


def cropout(image, level, generator, cover):
    """Keeps one random square of the fraction `level` of the area, the rest is the cover's."""
    kept = random_rectangle(image.shape, level, generator)
    out = cover.copy()
    out[kept] = image[kept]
    return out


def dropout(image, level, generator, cover):
    """Keeps each pixel with the probability `level`, else it is the cover's."""
    check_fraction(level)
    kept = generator.random(image.shape[:2], np.float32) < level
    out = cover.copy()
    out[kept] = image[kept]
    return out
