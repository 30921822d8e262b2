"""How far measured shares can be trusted, and how surely bits are no accident."""

import math

import numpy as np

Z95 = 1.959963984540054


def wilson_interval(share, count, z=Z95):
    """Returns the Wilson score interval of a share of `count` trials, 95 % by default.

    It stays inside 0 to 1 and has a width where all trials agree. For the mean of values
    between 0 and 1, such as the bit accuracies of photos, it is on the safe side: nothing with
    that mean varies more than values of 0 and 1.

    Reference: Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", JASA 22(158), 1927.

    Args:
        share: fraction of successes, or mean of values, 0 to 1.
        count: number of trials, at least 1.
        z: quantile of the normal distribution.

    Returns:
        `(low, high)`.

    Example:

    >>> [round(end, 4) for end in wilson_interval(1.0, 100)]
    [0.963, 1.0]
    """
    if not 0 <= share <= 1 or count < 1:
        raise ValueError(
            "Expected a share from 0 to 1 of at least one trial. "
            f"Received: share={share}, count={count}"
        )
    width = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    centre = share + z**2 / (2 * count)
    scale = 1 + z**2 / count
    # Rounding must not leave the share itself outside.
    low, high = (centre - width) / scale, (centre + width) / scale
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def mean_interval(values, z=Z95):
    """Returns the normal interval of a mean, cut to 0 to 1; `(None, None)` for one value."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return None, None
    error = z * values.std(ddof=1) / math.sqrt(len(values))
    return float(max(0.0, values.mean() - error)), float(min(1.0, values.mean() + error))


def matching_bits_p_value(matches, bits):
    """Returns the chance that at least `matches` of `bits` coin tosses fit a known payload.

    How the field decides for methods that give bits and no evidence. It takes the bits of
    unmarked photos for fair and independent, which they are often not.

    Example:

    >>> matching_bits_p_value(51, 64) < 1e-6 < matching_bits_p_value(50, 64)
    True
    """
    return sum(math.comb(bits, n) for n in range(max(matches, 0), bits + 1)) / 2**bits
