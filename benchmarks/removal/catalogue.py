"""All ways to remove a mark, with their settings."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from removal.images import (
    POST_PROCESSING,
    denoise,
    overwrite,
    post_process,
    subtract_average,
    subtract_by_brightness,
)
from removal.searches import remove_by_gradients, remove_by_queries

DENOISERS = (("nl_means", 3), ("nl_means", 8), ("tv", 5), ("tv", 15))
QUERY_PSNRS = (40, 35)
GRADIENT_PSNRS = (45, 40, 35)


@dataclasses.dataclass(frozen=True)
class Removal:
    """One way to remove a mark from images, with all its settings.

    Args:
        kind: family, such as `"post-processing"`.
        name: with its settings, such as `"jpeg 50"`.
        apply: function from uint8 images to such images.
    """

    kind: str
    name: str
    apply: Callable


def removal_attacks(mark, held=None, read=None, overwriters=None, queries=200, steps=20, seed=0):
    """Returns every removal for which the attacker has the means.

    Args:
        mark: what reads it: an object with `watermark` and `similarity(images)`.
        held: uint8 `(n, height, width, channels)`, marked images of the same size that the
            attacker has; without them nothing is averaged.
        read: differentiable function from a tensor of images in [0, 1] to what is read; without
            it nothing is guided by gradients.
        overwriters: dict of name and function from uint8 images to marked ones, such as that of
            another `Barrier`. A `mark` that is a `Barrier` overwrites itself besides, with
            `other_watermark`.
        queries: how often the similarity is asked for, 0 for never.
        steps: gradients of the guided removal.
        seed: integer.

    Returns:
        List of `Removal`.

    Example:

    >>> class Mark:
    ...     watermark = np.eye(8)[..., None]
    ...     def similarity(self, images):
    ...         return np.zeros(len(images))
    >>> [attack.name for attack in removal_attacks(Mark())][:2]
    ['jpeg 90', 'jpeg 70']
    """
    part = functools.partial
    attacks = [
        Removal("post-processing", f"{name} {level:g}", part(post_process, **settings))
        for name, level in POST_PROCESSING
        for settings in [{"name": name, "level": level, "seed": seed}]
    ]
    attacks += [
        Removal("denoising", f"{method} {level:g}", part(denoise, method=method, level=level))
        for method, level in DENOISERS
    ]
    if held is not None:
        attacks += [
            Removal(
                "averaging",
                f"{what} of {len(held)}",
                part(subtract_average, held=held, smooth=smooth),
            )
            for what, smooth in _smoothings().items()
        ]
        by_brightness = part(subtract_by_brightness, held=held)
        attacks.append(Removal("averaging", f"by brightness, of {len(held)}", by_brightness))
    for name, function in (overwriters or {}).items():
        attacks.append(Removal("overwriting", name, function))
    if hasattr(mark, "embedder"):
        again = part(overwrite, barrier=mark, watermark=other_watermark(mark.watermark.shape, seed))
        attacks.append(Removal("overwriting", "same embedder, other watermark", again))
    if queries:
        for psnr in QUERY_PSNRS:
            settings = {"similarity": mark.similarity, "psnr": psnr, "queries": queries}
            apply = part(remove_by_queries, **settings, seed=seed)
            attacks.append(Removal("queries", f"{queries} queries, {psnr} dB", apply))
    if read is not None:
        for psnr in GRADIENT_PSNRS:
            settings = {"read": read, "watermark": mark.watermark, "psnr": psnr, "steps": steps}
            apply = part(remove_by_gradients, **settings)
            attacks.append(Removal("gradients", f"{steps} gradients, {psnr} dB", apply))
    return attacks


def _smoothings():
    """Ways to tell picture from mark, by what is averaged."""
    part = functools.partial
    return {
        "fine detail": part(post_process, name="gaussian_blur", level=2),
        "coarse detail": part(post_process, name="gaussian_blur", level=8),
        "noise": part(denoise, method="nl_means", level=5),
    }


def other_watermark(shape, seed=0):
    """Returns the watermark of somebody else: random squares, float32 in [0, 1].

    Args:
        shape: `(height, width, channels)`.
        seed: integer.

    Example:

    >>> other_watermark((16, 16, 1)).shape
    (16, 16, 1)
    """
    height, width, channels = shape
    squares = np.random.default_rng(seed).integers(0, 2, (8, 8, channels))
    rows, columns = (np.arange(side) * 8 // side for side in (height, width))
    return np.float32(squares[rows][:, columns])
