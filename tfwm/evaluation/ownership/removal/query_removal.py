import numpy as np

from tfwm.evaluation.ownership.removal.common import check_images, check_psnr

# Square attack: share of the pixels that the first squares have, and after which of 10,000 queries
# it is halved (section 3.3 and the authors' code).
FIRST_SHARE = 0.3
HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def remove_by_queries(images, similarity, psnr=35.0, queries=200, seed=0):
    """Lowers the similarity by trial and error, for an attacker who may ask how alike it is.

    The Square attack (Andriushchenko et al., "Square attack: a query-efficient black-box
    adversarial attack via random search", ECCV 2020) on |similarity|: random stripes, then
    random squares of shrinking size, each kept where it helped. All changes are of one size,
    so that they keep the PSNR.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        similarity: function from such images to one number each, such as a mark's.
        psnr: least PSNR of the result, in dB; up to 48, one gray level.
        queries: how often the similarity of all images is asked for, after that of `images`.
        seed: integer.

    Returns:
        The same shape; no image is less similar to the mark before than after.

    Example:

    >>> grays = np.full((2, 8, 8, 1), 100, np.uint8)
    >>> darker = remove_by_queries(grays, lambda images: images.mean((1, 2, 3)) / 255)
    >>> bool(darker.mean() < grays.mean())
    True
    """
    images = check_images(images)
    check_psnr(psnr)
    # Small excess, so that 255 / 10^(48.13 / 20) counts as 1.
    size = int(255 * 10 ** (-psnr / 20) + 1e-3)
    if size < 1 or queries < 1:
        raise ValueError(
            "Expected a PSNR up to 48 dB and at least 1 query. "
            f"Received: psnr={psnr}, queries={queries}"
        )
    rng = np.random.default_rng(seed)
    changes = np.zeros(images.shape, np.int16)
    least = np.abs(similarity(images))
    for query in range(queries):
        done = query / queries
        trial = _with_squares(rng, changes, done) if query else _stripes(rng, changes)
        found = np.abs(similarity(_changed(images, size * trial)))
        better = found < least
        changes[better], least[better] = trial[better], found[better]
    return _changed(images, size * changes)


def _changed(images, changes):
    return np.uint8(np.clip(images + changes, 0, 255))


def _stripes(rng, changes):
    n, _, width, channels = changes.shape
    return np.broadcast_to(_signs(rng, (n, 1, width, channels)), changes.shape)


def _with_squares(rng, changes, done):
    """A square of one sign a channel, somewhere in each image."""
    halved = sum(done * 10_000 > limit for limit in HALVED_AFTER)
    height, width, channels = changes.shape[1:]
    side = round((FIRST_SHARE / 2**halved * height * width) ** 0.5)
    side = min(max(side, 1), height, width)
    trial = changes.copy()
    for image in trial:
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        image[top : top + side, left : left + side] = _signs(rng, channels)
    return trial


def _signs(rng, shape):
    return 2 * rng.integers(0, 2, shape, np.int16) - 1
