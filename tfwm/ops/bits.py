"""Bits spread over the blocks of a photo, and read back from them, in plain NumPy."""

import numpy as np

# Part of the format of marked photos: another value reads other bits.
SEED = 0x7466776D
# A single block may not outvote the others, however sure the network is.
LOGIT_LIMIT = 16.0


def spread_bits(bits, shape):
    """Repeats bits over all blocks, the copies of a bit far apart and whitened.

    Block number `order[i]` carries bit `i mod length`, inverted where `flips[order[i]]` is 1;
    both come from a fixed pseudo-random sequence. So damage to one place takes a few copies
    of every bit, and what a network reads more often than the other value cancels out.

    Args:
        bits: `(length,)` of 0 and 1.
        shape: `(rows, columns)` of blocks, at least `length` of them.

    Returns:
        `(rows, columns)` float32 of 0 and 1.

    Example:

    >>> spread_bits([1, 0, 1], (4, 8)).shape
    (4, 8)
    """
    bits = np.asarray(bits, np.uint8)
    order, flips = _sequence(shape[0] * shape[1])
    _check_length(len(bits), len(order))
    blocks = np.empty(len(order), np.uint8)
    blocks[order] = np.resize(bits, len(order))
    return (blocks ^ flips).reshape(shape).astype(np.float32)


class BlockVotes:
    """Soft votes of all blocks, read at any length: the inverse of `spread_bits`.

    Args:
        logits: `(rows, columns)`, positive for a 1; limited to +-16 each.

    Example:

    >>> votes = BlockVotes(spread_bits([1, 0, 1], (4, 8)) - 0.5)
    >>> (votes.read(3) > 0).tolist()
    [True, False, True]
    """

    def __init__(self, logits):
        logits = np.asarray(logits, np.float32).clip(-LOGIT_LIMIT, LOGIT_LIMIT)
        order, flips = _sequence(logits.size)
        self._ordered = (logits.ravel() * (1 - 2.0 * flips))[order]

    def __len__(self):
        return len(self._ordered)

    def read(self, length):
        """Returns the mean logit of each of `length` bits over its copies."""
        _check_length(length, len(self))
        whole = len(self) // length
        votes = self._ordered[: whole * length].reshape(whole, length).sum(axis=0)
        rest = self._ordered[whole * length :]
        votes[: len(rest)] += rest
        copies = np.full(length, whole)
        copies[: len(rest)] += 1
        return votes / copies


def _check_length(length, blocks):
    if not 1 <= length <= blocks:
        raise ValueError(f"Expected 1 to {blocks} bits for {blocks} blocks. Received: {length}")


def _sequence(count):
    # PCG64's raw numbers are the same in every NumPy; Generator.permutation's may change.
    raw = np.random.PCG64(SEED).random_raw(count)
    return np.argsort(raw, kind="stable"), (raw & np.uint64(1)).astype(np.uint8)
