"""Strengths that give a network a wanted image quality."""

import math

import numpy as np

from tfwm.images.quality import psnr, ssim
from tfwm.marking.strength import STRONGEST, find_strength

# With the number of images: SSIM takes many tries, so it is tuned on a part of them.
METRICS = {"psnr": (psnr, None), "ssim": (ssim, 16)}
NUM_CHANNEL_IMAGES = 16
SSIM_BOUNDS = 0.01, 16.0
PSNR_TOLERANCE = 0.05


def tune_strength(protocol, covers, metric, target, planes=None):
    """Finds the strength at which the marked uint8 images have a mean PSNR or SSIM.

    Args:
        protocol: `Protocol` of a network.
        covers: list of uint8 covers; all are used for a PSNR, 16 for an SSIM.
        metric: `"psnr"` or `"ssim"`.
        target: the mean that is wanted. The PSNR is this or up to 0.05 dB more.
        planes: list of watermark planes `(1, planes, rows, columns)`, one for each cover; by
            default independent random bits.

    Returns:
        The strength, a float. Raises `ValueError` if none reaches the target.
    """

    def quality_at(strength):
        return mean_quality(protocol, covers, metric, strength, planes)

    if metric == "psnr":
        strength, reached = find_strength(quality_at, target, PSNR_TOLERANCE)
        if reached < target or strength >= STRONGEST:
            raise ValueError(
                f"Expected a PSNR that a strength gives; {strength:g} gives {reached:.3f} dB. "
                f"Received: psnr={target}"
            )
        return math.floor(1e4 * strength) / 1e4
    low, high = map(math.log, SSIM_BOUNDS)
    reachable = [quality_at(math.exp(s)) for s in (high, low)]
    if not reachable[0] <= target <= reachable[1]:
        raise ValueError(
            f"Expected {metric} from {reachable[0]:.3f} to {reachable[1]:.3f}, which strengths "
            f"from {SSIM_BOUNDS[0]} to {SSIM_BOUNDS[1]} give. Received: {metric}={target}"
        )
    for _ in range(14):
        middle = (low + high) / 2
        if quality_at(math.exp(middle)) > target:
            low = middle
        else:
            high = middle
    return round(math.exp((low + high) / 2), 4)


def tune_channels(protocol, covers, targets, rounds=3):
    """Finds one strength for each of Y, U and V that gives the planes these PSNRs.

    Args:
        protocol: `Protocol` of a network, of a color suite.
        covers: list of uint8 color covers.
        targets: PSNR in dB of each plane, before rounding to uint8.
        rounds: corrections; one is enough if the residual is proportional to the strength.

    Returns:
        Tuple of floats.
    """
    strengths = np.ones(len(targets))
    for _ in range(rounds):
        measured = [
            protocol.plane_psnr(cover, _planes(protocol, cover, i), strengths)
            for i, cover in enumerate(covers[:NUM_CHANNEL_IMAGES])
        ]
        strengths = strengths * 10 ** ((np.mean(measured, 0) - np.asarray(targets)) / 20)
    return tuple(round(float(s), 4) for s in strengths)


def mean_quality(protocol, covers, metric, strength, planes=None):
    """Returns the mean PSNR of marked uint8 images at a strength, or SSIM of the first 16."""
    if metric not in METRICS:
        raise ValueError(f"Expected a metric of {sorted(METRICS)}. Received: metric={metric!r}")
    measure, most = METRICS[metric]
    if planes is None:
        planes = [_planes(protocol, cover, i) for i, cover in enumerate(covers)]
    values = [
        measure(cover, protocol.embed(cover, plane, strength)[0])
        for cover, plane in zip(covers[:most], planes[:most], strict=True)
    ]
    return float(np.mean(values))


def split_match(match, known=()):
    """Returns metric and target of `"psnr=36"`; the target may be one of the names `known`."""
    metric, _, target = match.partition("=")
    if target in known:
        return metric, target
    try:
        return metric, float(target)
    except ValueError:
        raise ValueError(
            "Expected psnr=VALUE, ssim=VALUE, or the name of a network that takes part: "
            f"{', '.join(known)}. Received: match={match!r}"
        ) from None


def _planes(protocol, cover, seed):
    """Random watermark planes for a cover, independent bits."""
    rows, columns = (n // b for n, b in zip(cover.shape[:2], protocol.block, strict=True))
    return np.random.default_rng(seed).integers(0, 2, (1, protocol.planes, rows, columns))
