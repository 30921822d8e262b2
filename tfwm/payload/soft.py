"""The strength of a mark in votes whose signs are known."""

import math

import numpy as np

FEWEST = 16
# Standard errors each way.
DEVIATIONS = 3.0
LARGEST_SCALE = 8.0


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
        agreement: of the pilots, as for `snr`; none or too few allow any SNR.
        share: part of the code bits that was seen. The others lower the SNR so much.
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

    Logistic regression of the pilots through the origin, from half of what just readable
    votes of one size have upwards: with less signal than that, nothing can be read anyway.

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
