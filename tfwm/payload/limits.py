"""The signal-to-noise ratio that a code of a given size needs."""

import functools
import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

# How much more than the bound the code takes, measured (benchmarks/payload_code.py).
LOSS = 1.3


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

    def excess(log_snr):
        return frame_error_bound(information_bits, length, math.exp(log_snr)) - frame_errors

    return math.exp(brentq(excess, math.log(1e-3), math.log(1e3), xtol=1e-4))


def frame_error_bound(information_bits, length, snr):
    """Returns the normal approximation of the frame error rate of the best code."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    density = 1 - np.logaddexp(0, -2 * (snr + math.sqrt(snr) * nodes)) / math.log(2)
    capacity = weights @ density
    dispersion = weights @ density**2 - capacity**2
    room = length * capacity - information_bits + 0.5 * math.log2(length)
    return float(ndtr(-room / math.sqrt(length * max(dispersion, 1e-12))))
