"""The signal-to-noise ratio: what the votes of a mark have, and what a code needs."""

import functools
import math

import numpy as np

from tfwm.payload.evidence import normal_share

FEWEST = 16
# Standard errors each way.
DEVIATIONS = 3.0
LARGEST_SCALE = 8.0
# How much more than the bound the code takes, measured (benchmarks/payload_code.py).
LOSS = 1.3


def snr(agreement):
    """Estimates (mean / deviation)^2 of votes; at most their number.

    Args:
        agreement: each vote times the sign expected of it; 0 does not count.
    """
    seen = agreement[agreement != 0]
    if seen.sum() <= 0:
        return 0.0
    square = seen.mean() ** 2
    return float(square / max(seen.var(), square / len(seen)))


def snr_range(agreement, share):
    """Returns the lowest and highest likely SNR for all code bits.

    Args:
        agreement: of the pilots, as for `snr`; too few pilots allow any SNR.
        share: part of the code bits that was seen. The others lower the SNR in proportion.
    """
    seen = agreement[agreement != 0]
    if len(seen) < FEWEST:
        return 0.0, math.inf
    amplitude = math.sqrt(snr(seen)) or -math.sqrt(snr(-seen))
    error = DEVIATIONS * math.sqrt((1 + amplitude**2 / 2) / len(seen))
    low, high = max(0.0, amplitude - error), max(0.0, amplitude + error)
    return share * low**2, share * high**2


def llr_scale(agreement, needed):
    """Returns the factor that makes votes of mean square 1 log-likelihood ratios.

    Logistic regression of the pilots through the origin. The factor is at least half of that of
    votes that can just be read: with less signal, nothing can be read anyway.

    Args:
        agreement: of the pilots, as for `snr`.
        needed: the SNR that just reads.
    """
    edge = 2 * math.sqrt(needed * (1 + needed))
    seen = agreement[agreement != 0]
    if len(seen) < FEWEST:
        return edge
    seen = seen / math.sqrt(np.mean(seen**2))
    low, high = math.log(edge / 2), math.log(max(edge, LARGEST_SCALE))
    for _ in range(12):
        middle = (low + high) / 2
        rising = seen @ (1 / (1 + np.exp(math.exp(middle) * seen))) > 0
        low, high = (middle, high) if rising else (low, middle)
    return math.exp(low)


@functools.lru_cache(maxsize=256)
def needed_snr(information_bits, length, frame_errors=1e-3):
    """Returns the SNR per code bit at which `frame_errors` of all frames are lost.

    SNR means (mean / deviation)^2 of the votes for a bit. The normal approximation for
    the binary-input Gaussian channel, times the measured loss of the code.

    References: Polyanskiy, Poor and Verdu, "Channel Coding Rate in the Finite Blocklength
    Regime", IEEE Trans. Inf. Theory 56(5), 2010, Eq. 296.
    """
    return LOSS * bound_snr(information_bits, length, frame_errors)


def bound_snr(information_bits, length, frame_errors):
    """Returns the SNR at which the best code is expected to lose `frame_errors`."""

    low, high = math.log(1e-3), math.log(1e3)
    for _ in range(30):
        middle = (low + high) / 2
        lost = frame_error_bound(information_bits, length, math.exp(middle))
        low, high = (middle, high) if lost > frame_errors else (low, middle)
    return math.exp(high)


def frame_error_bound(information_bits, length, snr):
    """Returns the normal approximation of the frame error rate of the best code."""
    nodes, weights = _gauss()
    density = 1 - np.logaddexp(0, -2 * (snr + math.sqrt(snr) * nodes)) / math.log(2)
    capacity = weights @ density
    dispersion = weights @ density**2 - capacity**2
    room = length * capacity - information_bits + 0.5 * math.log2(length)
    return normal_share(-room / math.sqrt(length * max(dispersion, 1e-12)))


@functools.cache
def _gauss():
    """Nodes and weights of 120 points for a mean over a normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    return nodes, weights / weights.sum()
