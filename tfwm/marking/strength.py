"""Finds the strength at which a method reaches a wanted PSNR."""

import math

from tfwm.checks import check_number

WEAKEST, STRONGEST = 1 / 256, 256.0
LARGEST_STEP = 16.0


def check_strength(strength):
    """Returns a strength as a float, or raises `ValueError`."""
    what = f"a strength above 0, up to {STRONGEST:g}; 1 is that of training"
    return check_number("strength", strength, 1e-9, STRONGEST, what)


def find_strength(quality_at, target, tolerance=0.1, steps=20):
    """Finds the strength whose PSNR is `target` or up to `tolerance` above it.

    The error of most methods grows in proportion to the strength, so each guess follows from the
    last one. Where a guess leaves the known bounds, the bounds are halved instead.

    Args:
        quality_at: function from a strength to a PSNR in dB.
        target: PSNR wanted.
        tolerance: dB above it that are near enough.
        steps: number of tries.

    Returns:
        `(strength, psnr)`: the largest strength found that keeps the PSNR; if none keeps it, the
        nearest one.

    Example:

    >>> strength, psnr = find_strength(lambda s: 36 - 20 * math.log10(s), 40)
    >>> round(strength, 2), round(psnr, 2)
    (0.63, 40.05)
    """
    strength = 1.0
    kept = broken = None
    for step in range(steps):
        quality = quality_at(strength)
        if quality >= target:
            if kept is None or strength > kept[0]:
                kept = strength, quality
            if quality <= target + tolerance or strength >= STRONGEST:
                break
        else:
            if broken is None or strength < broken[0]:
                broken = strength, quality
            if strength <= WEAKEST:
                break
        factor = 10 ** ((quality - target - tolerance / 2) / 20)
        factor = min(max(factor, 1 / LARGEST_STEP), LARGEST_STEP)
        strength = min(max(strength * factor, WEAKEST), STRONGEST)
        if kept and broken and (step > 5 or not kept[0] < strength < broken[0]):
            strength = math.sqrt(kept[0] * broken[0])
    return kept or broken


def mark_at_psnr(apply, psnr, target, tolerance=0.1):
    """Marks a photo at the strength that `find_strength` finds.

    Args:
        apply: function from a strength to the marked photo.
        psnr: function from the marked photo to its PSNR in dB.
        target: see `find_strength`, also for `tolerance`.

    Returns:
        `(marked, strength, psnr)`.
    """
    last = {}  # one photo only, which may be large

    def quality_at(strength):
        last.clear()
        last[strength] = apply(strength)
        return psnr(last[strength])

    strength, reached = find_strength(quality_at, target, tolerance)
    marked = last[strength] if strength in last else apply(strength)
    return marked, strength, reached
