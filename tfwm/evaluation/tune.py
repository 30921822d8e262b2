"""Strengths that give a network a wanted image quality."""

import numpy as np

from tfwm.evaluation.quality import psnr, ssim

METRICS = {"psnr": psnr, "ssim": ssim}
NUM_IMAGES = 16
WEAKEST, STRONGEST = 0.01, 16.0


def tune_strength(protocol, covers, metric, target, steps=14):
    """Finds the strength at which the marked images have a mean PSNR or SSIM.

    Bisection on the uint8 images; at most 16 of the covers are used.

    Args:
        protocol: `Protocol` of a network.
        covers: list of uint8 covers.
        metric: `"psnr"` or `"ssim"`.
        target: the mean that is wanted.
        steps: number of halvings.

    Returns:
        The strength, a float. Raises `ValueError` if none from 0.01 to 16 reaches it.
    """
    low, high = np.log(WEAKEST), np.log(STRONGEST)
    reachable = [mean_quality(protocol, covers, metric, float(np.exp(s))) for s in (high, low)]
    if not reachable[0] <= target <= reachable[1]:
        raise ValueError(
            f"Expected {metric} from {reachable[0]:.3f} to {reachable[1]:.3f}, which strengths "
            f"from {WEAKEST} to {STRONGEST} give. Received: {metric}={target}"
        )
    for _ in range(steps):
        middle = (low + high) / 2
        if mean_quality(protocol, covers, metric, float(np.exp(middle))) > target:
            low = middle
        else:
            high = middle
    return round(float(np.exp((low + high) / 2)), 4)


def tune_channels(protocol, covers, targets, rounds=3):
    """Finds one strength for each of Y, U and V that gives the planes these PSNRs.

    Args:
        protocol: `Protocol` of a network, of a colour suite.
        covers: list of uint8 colour covers.
        targets: PSNR in dB of each plane, before rounding to uint8.
        rounds: corrections; one is enough if the residual is proportional to the strength.

    Returns:
        Tuple of floats.
    """
    strengths = np.ones(len(targets))
    for _ in range(rounds):
        measured = [
            protocol.plane_psnr(cover, _planes(protocol, cover, i), strengths)
            for i, cover in enumerate(covers[:NUM_IMAGES])
        ]
        strengths = strengths * 10 ** ((np.mean(measured, 0) - np.asarray(targets)) / 20)
    return tuple(round(float(s), 4) for s in strengths)


def mean_quality(protocol, covers, metric, strength):
    """Returns the mean PSNR or SSIM of marked uint8 images at a strength."""
    if metric not in METRICS:
        raise ValueError(f"Expected a metric of {sorted(METRICS)}. Received: metric={metric!r}")
    values = [
        METRICS[metric](cover, protocol.embed(cover, _planes(protocol, cover, i), strength)[0])
        for i, cover in enumerate(covers[:NUM_IMAGES])
    ]
    return float(np.mean(values))


def _planes(protocol, cover, seed):
    """One random watermark plane for a cover, independent bits."""
    rows, columns = (n // b for n, b in zip(cover.shape[:2], protocol.block, strict=True))
    planes = 3 if cover.ndim == 3 else 1
    return np.random.default_rng(seed).integers(0, 2, (1, planes, rows, columns))
