"""The p-values of a reading, against unmarked photos and wrong keys.

The model puts the randomness into the key, not into the photo. Whatever the votes of a photo are,
an unrelated key assigns signs to slots by chance. So the model assumes nothing about photos or
networks: a p-value is a probability over the choice of the key.
"""

import math

import numpy as np


def pilot_score(signs, votes):
    """Correlates votes with known signs, standardized over all orders of the signs.

    Slots with a vote of 0 were not seen and do not count. With `n` seen slots, the sum of
    sign times (vote - mean vote) over random orders of the seen signs has mean 0 and variance
    `sum((vote - mean)^2) * sum((sign - mean)^2) / (n - 1)`, exactly.

    Args:
        signs: +1 and -1.
        votes: as many numbers, positive for +1.

    Returns:
        A float of mean 0 and deviation 1 for signs without relation to the votes; 0 where
        votes or signs do not vary.
    """
    seen = votes != 0
    signs, votes = signs[seen], votes[seen]
    if len(votes) < 2:
        return 0.0
    votes = votes - votes.mean()
    deviations = signs - signs.mean()
    variance = (votes @ votes) * (deviations @ deviations) / (len(votes) - 1)
    return float(deviations @ votes / math.sqrt(variance)) if variance > 0 else 0.0


def normal_share(x):
    """Returns the share of a standard normal variable below `x`, exact far into its tail.

    Example:

    >>> normal_share(0.0), round(normal_share(-1.96), 4)
    (0.5, 0.025)
    """
    return math.erfc(-x / math.sqrt(2)) / 2


def normal_p_value(score, trials=1):
    """Returns the chance that the largest of `trials` normal scores reaches `score` (Sidak).

    A sum of many votes with random signs is normal in all but its far tail, where it is
    lighter: no vote counts more than its size. Correlated trials only lower the chance.
    """
    single = normal_share(-score)
    if single == 1.0:
        return 1.0
    return -math.expm1(trials * math.log1p(-single))


def agreement_p_value(agreement):
    """Bounds the chance that random signs agree with votes so well (Chernoff).

    For independent signs, +1 or -1 with probability one half each, and any votes,
    `P(sum(sign * vote) >= s) <= min over t >= 0 of prod(cosh(t * vote)) * exp(-t * s)`.

    Args:
        agreement: each vote times the sign expected of it.

    Returns:
        The natural logarithm of the bound.
    """
    total = agreement.sum()
    if total <= 0:
        return 0.0
    votes = np.abs(agreement) / np.abs(agreement).max()
    total = total / np.abs(agreement).max()
    low, high = -12.0, 12.0  # of the logarithm of t
    for _ in range(40):
        middle = (low + high) / 2
        if votes @ np.tanh(math.exp(middle) * votes) < total:
            low = middle
        else:
            high = middle
    scaled = math.exp(low) * votes
    log_cosh = np.logaddexp(scaled, -scaled) - math.log(2)
    return min(0.0, float(log_cosh.sum() - math.exp(low) * total))


def message_p_value(agreement, message_bits, tag_bits, tries):
    """Bounds the chance that votes without a message give one, by tag and by agreement.

    A decoder's choice among all messages makes chance agreement likely, so the bound sums
    over every message that it could have chosen (union bound), each of which has one right tag.

    Args:
        agreement: each vote times the sign that the code bits of the message expect.
        message_bits: number of bits of message and header, without tag.
        tag_bits: length of the tag.
        tries: number of tags compared so far.
    """
    by_tag = -tag_bits * math.log(2)
    by_agreement = message_bits * math.log(2) + agreement_p_value(agreement)
    return min(1.0, tries * math.exp(min(by_tag, by_agreement)))
