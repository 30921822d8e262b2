"""Loss of parts of the photo, or of its mark; the size is kept."""

import numpy as np

from tfwm.distortions.common import check_fraction, edge_widths, random_rectangle
from tfwm.distortions.registry import distortion

BLOCK = 8


@distortion()
def cropping(image, level, generator):
    """Blackens one random square with the fraction `level` of the area."""
    out = image.copy()
    out[random_rectangle(image.shape, level, generator)] = 0
    return out


@distortion()
def grid_crop(image, level, generator):
    """Blackens each aligned 8x8 block with the probability `level`."""
    check_fraction(level)
    rows, columns = (-(-n // BLOCK) for n in image.shape[:2])
    gone = generator.random((rows, columns)) < level
    gone = gone.repeat(BLOCK, 0).repeat(BLOCK, 1)[: image.shape[0], : image.shape[1]]
    out = image.copy()
    out[gone] = 0
    return out


@distortion()
def crop_keep(image, level, generator, fill=0):
    """Keeps one random square with the fraction `level` of the area and fills the rest.

    HiDDeN's crop, with a known place: its smaller image is put back where it was. The text of
    MBRS fills with white, 255, its code with gray, 128.
    """
    kept = random_rectangle(image.shape, level, generator)
    out = np.full_like(image, fill)
    out[kept] = image[kept]
    return out


@distortion()
def frame(image, level):
    """Blackens the fraction `level` of the sides along each of the four edges.

    CropDefender, section 5.1: 70 of 400 pixels at every edge are the level 0.175.
    """
    rows, columns = edge_widths(image.shape, level)
    height, width = image.shape[:2]
    out = np.zeros_like(image)
    inside = np.s_[rows : height - rows, columns : width - columns]
    out[inside] = image[inside]
    return out


@distortion()
def cropout(image, level, generator, cover):
    """Keeps one random square with the fraction `level` of the area, and the cover outside."""
    kept = random_rectangle(image.shape, level, generator)
    out = cover.copy()
    out[kept] = image[kept]
    return out


@distortion()
def dropout(image, level, generator, cover, channels="together"):
    """Keeps each pixel with the probability `level`, or takes the cover's.

    HiDDeN drops the channels of a pixel together, MBRS each independently: `"apart"`.
    """
    check_fraction(level)
    if channels not in ("together", "apart"):
        raise ValueError(f"Expected channels together or apart. Received: channels={channels!r}")
    shape = image.shape if channels == "apart" else image.shape[:2]
    kept = generator.random(shape, np.float32) < level
    out = cover.copy()
    out[kept] = image[kept]
    return out
