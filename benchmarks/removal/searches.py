"""Removal by search: with the answers of a reader, or with the gradients of an extractor."""

import numpy as np
import tensorflow as tf

from removal.images import check_images, check_psnr
from tfwm.images.quality import psnr as measure_psnr
from tfwm.metrics import normalized_correlation

# Square attack: share of the pixels that the first squares have, and after which of 10,000 queries
# it is halved (section 3.3 and the authors' code).
FIRST_SHARE = 0.3
HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def remove_by_queries(images, similarity, psnr=35.0, queries=200, seed=0):
    """Lowers the similarity by trial and error, with the answers of a reader.

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


BATCH = 16
TINY = 1e-20


def remove_by_gradients(images, read, watermark, psnr=40.0, steps=20):
    """Removes the mark by the gradients of the extractor.

    Projected gradient descent (Madry et al., "Towards deep learning models resistant to
    adversarial attacks", ICLR 2018, with the L2 norm) on the squared covariance of watermark and
    what is read, which falls with the mark's contrast, where the correlation does not yet see
    it; of all steps that of the least correlation counts. The worst case: no attacker of the
    paper has the extractor.

    Args:
        images: uint8 `(batch, height, width, 1 or 3)`.
        read: differentiable function from a float32 tensor of images in [0, 1] to what is read,
            `(batch, *watermark.shape)`, such as a barrier's extractor.
        watermark: array `(height, width, 1 or 3)`.
        psnr: least PSNR of each result in dB.
        steps: number of gradients.

    Returns:
        The same shape.

    Example:

    >>> mark = np.eye(8)[..., None]
    >>> noise = np.random.default_rng(0).integers(0, 20, (1, 8, 8, 1))
    >>> images = np.uint8(100 + 50 * mark + noise)
    >>> blanked = remove_by_gradients(images, lambda x: x, mark, psnr=22.0)
    >>> bool(blanked[0][mark == 1].mean() < images[0][mark == 1].mean() - 30)
    True
    """
    images = check_images(images)
    check_psnr(psnr)
    if steps < 1:
        raise ValueError(f"Expected at least 1 step. Received: steps={steps}")
    look = _differentiated(read, watermark)
    # Of all pixels of an image together.
    radius = float(10 ** (-psnr / 20) * np.sqrt(images[0].size))
    parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    attacked = []
    for part in parts:
        changes = _descend(tf.constant(part / np.float32(255)), look, radius, steps)
        attacked += [_fit(*pair, psnr) for pair in zip(part, changes.numpy(), strict=True)]
    return np.stack(attacked)


def _differentiated(read, watermark):
    """Function from images to |correlation| of each, and the gradients of squared covariances."""
    watermark = tf.constant(watermark, tf.float32)
    centered = watermark - tf.reduce_mean(watermark, (0, 1))

    def look(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            found = tf.cast(read(images), tf.float32)
            loss = tf.reduce_sum(tf.reduce_mean(centered * found, (1, 2, 3)) ** 2)
        marks = tf.repeat(watermark[None], tf.shape(images)[0], axis=0)
        # What counts is what can be seen of it.
        correlation = normalized_correlation(
            marks, tf.clip_by_value(found, 0.0, 1.0), centered=True
        )
        return tf.abs(correlation), tape.gradient(loss, images)

    return look


def _descend(images, look, radius, steps):
    """The changes within the radius with which the least is read."""
    changes = best = tf.zeros_like(images)
    least, gradients = look(images)
    for step in range(steps):
        # Three radii of way in all, ever shorter, so that the last steps settle.
        length = 6 * radius * (steps - step) / (steps * (steps + 1))
        changes -= length * gradients / _norm(gradients)
        changes *= tf.minimum(1.0, radius / _norm(changes))
        changes = tf.clip_by_value(images + changes, 0.0, 1.0) - images
        found, gradients = look(images + changes)
        better = found < least
        least = tf.where(better, found, least)
        best = tf.where(better[:, None, None, None], changes, best)
    return best


def _norm(images):
    return tf.sqrt(tf.reduce_sum(images**2, axis=(1, 2, 3), keepdims=True) + TINY)


def _fit(image, change, psnr):
    """Rounds to gray levels, and shrinks the change until that keeps the PSNR too."""
    while True:
        attacked = np.uint8(np.clip(np.rint(image + 255 * change), 0, 255))
        if measure_psnr(image, attacked) >= psnr:
            return attacked
        change = 0.99 * change
