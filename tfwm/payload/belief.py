"""Belief propagation, which decodes the error-correcting code, in plain NumPy."""

import numpy as np

# A message is no surer than this: beyond it, products of probabilities round to 1.
SUREST = 1 - 2.0**-50


class BeliefPropagation:
    """The sum-product decoder of a code that is given by its parity checks.

    All messages of an iteration are sent at once, as arrays, and several words are decoded side by
    side.

    References: Gallager, "Low-Density Parity-Check Codes", 1963; Kschischang, Frey and Loeliger,
    "Factor Graphs and the Sum-Product Algorithm", IEEE Trans. Inf. Theory 47(2), 2001.

    Args:
        checks: list of arrays, the positions that each check sums; every position is in one.
        length: number of bits.

    Example:

    >>> decoder = BeliefPropagation([np.array([0, 1, 2])], 3)
    >>> bits, llr, converged = decoder.decode(np.array([[4.0, -4.0, 0.0]]), 5)
    >>> bits.tolist(), converged.tolist()
    ([[1, 0, 1]], [True])
    """

    def __init__(self, checks, length):
        sizes = [len(check) for check in checks]
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._bit = np.concatenate(checks)
        of_check = np.repeat(np.arange(len(checks)), sizes)
        self._by_check, self._in_check = _padded(of_check, len(checks))
        self._by_bit = np.argsort(self._bit, kind="stable")
        self._bit_starts = np.searchsorted(self._bit[self._by_bit], np.arange(length))

    def decode(self, llr, iterations):
        """Decodes words until all checks hold, each at most `iterations` times.

        Args:
            llr: `(words, length)` log-likelihood ratios, positive for a 1, 0 or NaN for an erasure.
            iterations: at least 1.

        Returns:
            `(bits, llr, converged)`: uint8 and float64 `(words, length)`, and bool `(words,)`.
        """
        words, length = llr.shape
        bits, after = np.zeros((words, length), np.uint8), np.zeros((words, length))
        converged = np.zeros(words, bool)
        left = np.arange(words)
        llr = np.where(np.isnan(llr), 0.0, llr)
        prior = -np.asarray(llr, np.float64).T  # the logarithm of P(0) / P(1), (length, words)
        to_check = prior[self._bit]
        for _ in range(iterations):
            to_bit = self._from_checks(to_check)
            to_check, total = self._from_bits(to_bit, prior)
            found = total < 0
            found |= (total == 0) & (prior >= 0)  # as undecided as before: the other value
            held = ~np.logical_xor.reduceat(found[self._bit], self._starts).any(axis=0)
            bits[left], after[left], converged[left] = found.T, -total.T, held
            if held.all():
                break
            if held.any():
                left, prior, to_check = left[~held], prior[:, ~held], to_check[:, ~held]
        return bits, after, converged

    def _from_checks(self, to_check):
        """Messages to the bits: what the other bits of each check say together."""
        known = np.tanh(to_check / 2)
        known = np.concatenate([known, np.ones_like(known[:1])])[self._by_check]
        product = _all_others(known)[self._in_check]
        product = product.clip(-SUREST, SUREST)
        return np.log((1 + product) / (1 - product))

    def _from_bits(self, to_bit, prior):
        """Messages to the checks, without what each said itself, and the sum of all."""
        total = prior + np.add.reduceat(to_bit[self._by_bit], self._bit_starts)
        return total[self._bit] - to_bit, total


def _padded(groups, count):
    """Indices `(largest group, count)` of the members of groups, and each member's place there.

    Groups follow one another; the index after the last member fills the gaps.
    """
    sizes = np.bincount(groups, minlength=count)
    rank = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    table = np.full((sizes.max(), count), len(groups))
    table[rank, groups] = np.arange(len(groups))
    return table, (rank, groups)


def _all_others(values):
    """For each factor along the first axis, the product of all the others."""
    others = np.ones_like(values)
    np.multiply.accumulate(values[:-1], out=others[1:])
    behind = values[-1].copy()
    for number in range(len(values) - 2, -1, -1):
        others[number] *= behind
        behind *= values[number]
    return others
