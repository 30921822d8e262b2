"""The plainest ways to do an image-to-image task, beside which a network's quality is told."""

import numpy as np
from PIL import Image

from tfwm.images.arrays import to_uint8
from tfwm.images.luma import luminance
from tfwm.images.quality import mean_quality


def plain_ways(inputs, targets, fit=None):
    """Returns the plain ways that inputs and targets allow, as functions from inputs to outputs.

    Args:
        inputs: float32 `(n, height, width, 1 or 3)` in [0, 1].
        targets: the same, of the outputs' size.
        fit: pairs `(inputs, targets)` that the tint is fitted to, not those that are measured;
            `None` leaves the tint out.

    Returns:
        dict of functions by name: `"bicubic"` where outputs are larger, `"input"` where inputs
        could be outputs, and where only one of them is gray `"gray"` (the input's luminance in
        each channel) and `"one tint"` (that with a factor and an offset for each channel).

    Example:

    >>> gray = np.linspace(0, 1, 128).reshape(2, 8, 8, 1)
    >>> color = np.repeat(gray, 3, axis=-1)
    >>> list(plain_ways(gray, color, (gray, color)))
    ['gray', 'one tint']
    """
    size = targets.shape[1:3]
    if inputs.shape[1:3] != size:
        return {"bicubic": lambda x: _enlarged(x, size)}
    if inputs.shape[-1] == targets.shape[-1]:
        return {"input": lambda x: x}
    ways = {"gray": lambda x: np.repeat(_gray(x), targets.shape[-1], axis=-1)}
    if fit is not None:
        ways["one tint"] = _tint(*fit)
    return ways


def baseline_rows(inputs, targets, fit=None):
    """Returns a row for each of `plain_ways`: `way`, `images`, `psnr` in dB and `ssim`."""
    truth = to_uint8(targets)
    return [
        {"way": way, "images": len(truth), **mean_quality(truth, to_uint8(run(inputs)))}
        for way, run in plain_ways(inputs, targets, fit).items()
    ]


def gain_share(marked, unmarked, baseline):
    """Returns how much of the unmarked network's gain over a baseline the marked one has.

    Returns:
        `(marked - baseline) / (unmarked - baseline)`; `None` where the unmarked network is no
        better than the baseline, as there is nothing to have a share of.

    Example:

    >>> gain_share(24.5, 25.0, 22.5), gain_share(22.0, 22.1, 22.5)
    (0.8, None)
    """
    gain = unmarked - baseline
    return None if gain <= 0 else (marked - baseline) / gain


def _tint(inputs, targets):
    channels = range(targets.shape[-1])
    # In float32, the sums of millions of pixels would be far off.
    inputs, targets = np.float64(_gray(inputs)), np.float64(targets)
    lines = [np.polyfit(inputs.ravel(), targets[..., c].ravel(), 1) for c in channels]
    return lambda x: np.concatenate([np.polyval(line, _gray(x)) for line in lines], axis=-1)


def _gray(images):
    return np.stack([luminance(image) for image in images])[..., None]


def _enlarged(images, size):
    pixels = to_uint8(images)
    large = [Image.fromarray(i.squeeze()).resize(size[::-1], Image.BICUBIC) for i in pixels]
    return np.stack([np.asarray(i).reshape(*size, -1) for i in large]) / np.float32(255)
