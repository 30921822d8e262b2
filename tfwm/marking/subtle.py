"""Where a mark shows most, in smooth and clipped parts of a photo, and less of it there."""

import numpy as np

from tfwm.images import filters, luminance
from tfwm.marking.canvas import Canvas, natural_scale

# Of the mark's strength, what is left where it would be seen at once.
FLOOR = 0.2
# Standard deviation of the luminance, in levels of 255, below which a part is smooth, and from
# which on it hides the mark.
SMOOTH, TEXTURED = 1.5, 8.0
# Levels from black and from white within which a part counts as clipped.
CLIPPED = 6.0
WINDOW, SOFT = 9, 4.0
# From this share of smooth and clipped parts on, `tfwm embed --check` says so.
MUCH = 0.4


def hiding(image):
    """Returns how well each pixel of a photo hides a mark.

    The least of its surroundings counts, so that a mark does not lie in the sky beside a roof; then
    the weights are softened, so that they make no edge themselves.

    Args:
        image: `(h, w, 1 or 3)` float in [0, 1], at working size.

    Returns:
        `(h, w)` float32: 0 for smooth or clipped, 1 for textured.

    Example:

    >>> float(hiding(np.full((64, 64, 1), 0.5, np.float32)).max())
    0.0
    """
    luma = 255 * luminance(image.astype(np.float32))
    mean = filters.uniform(luma, WINDOW)
    deviation = np.sqrt(np.maximum(filters.uniform(luma**2, WINDOW) - mean**2, 0))
    texture = ((deviation - SMOOTH) / (TEXTURED - SMOOTH)).clip(0, 1)
    room = (np.minimum(mean, 255 - mean) / CLIPPED - 0.5).clip(0, 1)
    least = filters.minimum(np.minimum(texture, room), WINDOW)
    return filters.gaussian(least, SOFT)


def subtle_weights(image):
    """Returns the share of the mark that `subtle` leaves at each pixel, `(h, w, 1)`."""
    return (FLOOR + (1 - FLOOR) * hiding(image))[..., None]


def visible_share(image):
    """Returns the share of a photo that is smooth or clipped, where a mark can be seen."""
    return float((hiding(image) < 0.25).mean())


def share_seen(network, photo):
    """Returns the `visible_share` of a `tfwm.images.Photo` at the size for marking."""
    canvas = Canvas.of(network, photo)
    return visible_share(canvas.scaled(natural_scale(canvas.height, canvas.width)))


def told_smooth(share, subtle):
    """Returns the sentence for a photo of which much is smooth, as a tuple, if it needs one."""
    if share < MUCH or subtle:
        return ()
    return (
        f"{share:.0%} of the photo is smooth or clipped, where the mark can be seen at full size: "
        "--subtle (subtle=True) marks these parts less",
    )
