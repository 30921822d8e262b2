"""The error-correcting code, a low-density parity-check code that never changes.

The code is a format on disk: another code would read no photo that was marked before. So it is
constructed here, and tests hold its codewords. The base graphs of 5G NR
(3GPP TS 38.212) would be the standard choice, but they come in lengths of 66 or 50 times a lifting
size and need puncturing and shortening rules of their own at 46 to 1024 bits, while this
construction fits every number of slots that a network may have.
"""

import functools
import hashlib
import itertools

import numpy as np

from tfwm.payload.belief import BeliefPropagation

ITERATIONS = 50
GUESSED_BITS = 4
# A bit of this value counts as certain.
LLR_LIMIT = 25.0
# Part of the format of marked photos, like all of `_checks`.
LONGEST = 1024
CORE_DEGREE = 3
TOGETHER_COST = 1e3
RANDOM_NUMBERS = 2**17


class Code:
    """A low-density parity-check code of any number of information bits and any length.

    Systematic, and of two parts. The core is an accumulator, with at most as many checks as
    information bits: each sums some information bits, every bit in three checks, and the parity
    before it. The extension fills the length: each further bit is the sum of two or three bits
    of the core, as in a raptor code. Beyond 1024 bits, bits repeat instead. It is decoded by
    belief propagation.

    References: Gallager, "Low-Density Parity-Check Codes", 1963; Chen, Vakilinia, Divsalar and
    Wesel, "Protograph-Based Raptor-Like LDPC Codes", IEEE Trans. Commun. 63(5), 2015.

    Args:
        information_bits: number of bits to carry, at least 1.
        length: number of code bits, more than `information_bits`.
    """

    def __init__(self, information_bits, length):
        self.information_bits = information_bits
        self.length = length
        self._mother = min(length, LONGEST)
        self._source = np.arange(length) * self._mother // length
        self._checks = _checks(information_bits, self._mother)

    def encode(self, bits):
        """Returns the code bits, uint8 of 0 and 1."""
        codeword = np.zeros(self._mother, np.uint8)
        codeword[: self.information_bits] = bits
        for check in self._checks:
            codeword[check[0]] = codeword[check[1:]].sum() & 1
        return codeword[self._source]

    @functools.cached_property
    def _decoder(self):
        return BeliefPropagation(self._checks, self._mother)

    def decode(self, llr, iterations=ITERATIONS):
        """Reads soft code bits by belief propagation.

        Args:
            llr: `(length,)` log-likelihood ratios, positive for a 1, 0 for an erasure.
            iterations: number of iterations after which decoding stops.

        Returns:
            `(bits, llr, converged)`: the information bits, their log-likelihood ratios
            after decoding, and whether all checks hold.
        """
        return next(self._decode(np.bincount(self._source, llr)[None], iterations))

    def guesses(self, llr, after):
        """Decodes again with the least sure bits fixed to all their values, one by one.

        Args:
            llr: the same as for `decode`.
            after: the log-likelihood ratios that it returned.

        Yields:
            Results like those of `decode`.

        References: Varnica, Fossorier and Kavcic, "Augmented Belief Propagation Decoding of
        Low-Density Parity Check Codes", IEEE Trans. Commun. 55(7), 2007.
        """
        llr = np.bincount(self._source, llr)
        unsure = np.argsort(np.abs(after), kind="stable")[:GUESSED_BITS]
        signs = list(itertools.product((LLR_LIMIT, -LLR_LIMIT), repeat=len(unsure)))
        fixed = np.tile(llr, (len(signs), 1))
        fixed[:, unsure] = signs
        yield from self._decode(fixed, ITERATIONS)

    def _decode(self, llr, iterations):
        llr = llr.clip(-LLR_LIMIT, LLR_LIMIT)
        for bits, after, converged in zip(*self._decoder.decode(llr, iterations), strict=True):
            known = slice(self.information_bits)
            yield bits[known], after[known], bool(converged)


def _checks(information_bits, length):
    """Lists the checks, each an array of positions, the bit that it defines first."""
    core = min(length - information_bits, information_bits)
    extension = range(information_bits + core, length)
    information = np.arange(information_bits)
    first, second = np.array_split(information, 2)
    parity = np.arange(information_bits, information_bits + (core + 1) // 2)
    choice = _Choice(information_bits, length)
    checks = []
    edges = CORE_DEGREE * information_bits
    for index in range(core):
        defined = information_bits + index
        degree = edges * (index + 1) // core - edges * index // core
        before = [defined - 1] if index else []
        checks.append(choice.extend([defined, *before], [information] * degree))
    choice.uses[:] = 0
    patterns = itertools.cycle(([information, parity, parity], [information] * 3, [first, second]))
    for defined, pools in zip(extension, patterns, strict=False):
        checks.append(choice.extend([defined], pools))
    return checks


class _Choice:
    """Picks bits for checks: rarely with the same others, then the least used.

    A hash breaks ties, so that the code is the same on every machine. All costs are sums of
    multiples of 2^-16, which are exact.
    """

    def __init__(self, information_bits, length):
        seed = f"tfwm payload code {information_bits} {length}".encode()
        numbers = np.frombuffer(hashlib.shake_256(seed).digest(2 * RANDOM_NUMBERS), "<u2")
        self._random = numbers / 2.0**16
        self._next = 0
        self.uses = np.zeros(length)
        self._together = [[] for _ in range(length)]  # for each bit those that it met, as often

    def extend(self, check, pools):
        """Returns a check with one more bit of each pool."""
        check = list(check)
        met = np.zeros(len(self.uses))
        for bit in check:
            self._meet(met, bit)
        for pool in pools:
            bits = slice(pool[0], pool[-1] + 1)
            start = self._next % (RANDOM_NUMBERS - len(pool))
            self._next += len(pool)
            cost = self.uses[bits] + self._random[start : start + len(pool)] + met[bits]
            best = bits.start + int(cost.argmin())
            self._meet(met, best)
            for other in check:
                self._together[best].append(other)
                self._together[other].append(best)
            self.uses[best] += 1
            check.append(best)
        return np.array(check)

    def _meet(self, met, bit):
        """Adds what a bit costs the next ones of its check."""
        np.add.at(met, self._together[bit], TOGETHER_COST)
        met[bit] = np.inf
