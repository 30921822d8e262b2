"""Loss of parts of the photo, or of its mark; the size is kept."""

import numpy as np

from tfwm.distortions.common import check_fraction, edge_widths, random_rectangle, to_levels
from tfwm.distortions.registry import distortion

BLOCK = 8


@distortion()
def cropping(image, level, generator):
    """Blackens one random square with the fraction `level` of the area."""
    out = image.copy()
    out[random_rectangle(image.shape, level, generator)] = 0
    return out


@distortion()
def inpaint_blocks(image, level=6):
    """Paints the inner `level` x `level` pixels of each aligned 8x8 block anew from its border.

    Each new pixel is the mean of its four neighbors (Laplace's equation), so that a linear ramp
    stays. Blocks cut by the right or bottom edge keep their pixels.
    """
    side = int(level)
    if side != level or not 0 <= side <= BLOCK - 2:
        raise ValueError(f"Expected a side of 0 to 6 pixels. Received: level={level}")
    first = (BLOCK - side) // 2
    inner = [(y, x) for y in range(first, first + side) for x in range(first, first + side)]
    number = {place: n for n, place in enumerate(inner)}
    system, known = 4 * np.eye(len(inner)), np.zeros((len(inner), BLOCK, BLOCK))
    for n, (y, x) in enumerate(inner):
        for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if near in number:
                system[n, number[near]] = -1
            else:
                known[n][near] = 1
    solve = np.linalg.solve(system, known.reshape(-1, BLOCK * BLOCK))
    rows, columns = (n // BLOCK for n in image.shape[:2])
    out = image.copy()
    whole = out[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, -1)
    painted = np.einsum("npq,apbqc->nabc", solve.reshape(-1, BLOCK, BLOCK), whole)
    for (y, x), values in zip(inner, painted, strict=True):
        whole[:, y, :, x] = to_levels(values)
    out[: rows * BLOCK, : columns * BLOCK] = whole.reshape(
        rows * BLOCK, columns * BLOCK, *image.shape[2:]
    )
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
