"""Additive spread spectrum, a textbook method."""

import numpy as np
from scipy import ndimage, stats

from peers.registry import peer
from tfwm.evaluation.messages.marker import Marker, Reading
from tfwm.images import ImageError

AMPLITUDE = 2.55  # gray levels at strength 1: 40 dB
LEAST_SIDE = 4  # pixels of a block


@peer("spread spectrum")
class SpreadSpectrum(Marker):
    """Additive spread spectrum: `I' = I + a C`, a block of the photo for each bit.

    The traditional baseline of Zhang et al., "Model watermarking for image processing networks",
    AAAI 2020, equation 3 (after Kutter 1999 and Voloshynovskiy et al. 2000), whose block size,
    codes and amplitude are not told. Here the photo is a grid of as many equal blocks as bits.
    Each has a secret code of its own, random signs on squares of `chip` pixels, the same in all
    channels, which a 1 adds and a 0 takes away. Amplitudes between gray levels are dithered
    with the key, so that the PSNR follows the strength and every photo gets the same pattern.

    The reader is blind: it takes the local mean away and correlates each block with its code. In
    an unmarked photo these correlations have mean 0 and variance 1 over the keys, and the sum of
    their squares gives the p-value. It knows neither another size nor another place of the photo.

    Args:
        bits: of the payload.
        key: integer, the codes' seed.
        chip: side in pixels of the squares of one sign. Single pixels are told best from the
            photo; larger squares are left by stronger compression.

    Example:

    >>> photo = np.full((128, 128, 3), 100, np.uint8)
    >>> peer = SpreadSpectrum(64)
    >>> peer.read(peer.embed(photo, b"12345678")).payload
    b'12345678'
    """

    name = "spread spectrum"

    def __init__(self, bits=64, key=0, chip=1):
        if bits < 1 or chip < 1:
            raise ValueError(f"Expected bits and chip from 1. Received: bits={bits}, chip={chip}")
        self.bits, self.key, self.chip = bits, key, chip
        # As near to a square as the number of bits has divisors.
        self.rows = max(n for n in range(1, int(bits**0.5) + 1) if bits % n == 0)
        self.columns = bits // self.rows

    def embed(self, image, payload, strength=1.0):
        shape = self._chips(image)
        if shape is None:
            raise ImageError(
                f"Spread spectrum cannot put {self.bits} bits into a photo of "
                f"{image.shape[1]} x {image.shape[0]} pixels."
            )
        bits = np.unpackbits(np.frombuffer(payload, np.uint8))[: self.bits]
        signs = (2.0 * bits - 1).reshape(self.rows, 1, self.columns, 1)
        chips = (signs * self._codes(shape)).reshape(self.rows * shape[0], -1)
        change = AMPLITUDE * strength * chips.repeat(self.chip, 0).repeat(self.chip, 1)
        change += np.random.default_rng([self.key, 1]).random(change.shape) - 0.5
        marked = image.astype(np.float64)
        height, width = change.shape
        marked[:height, :width] += change if image.ndim == 2 else change[..., None]
        return np.clip(np.rint(marked), 0, 255).astype(np.uint8)

    def read(self, image):
        shape = self._chips(image)
        if shape is None:
            return Reading()
        correlations = self._correlations(image, shape)
        bits = np.uint8(correlations > 0)
        p_value = float(stats.chi2.sf(np.sum(correlations**2), self.bits))
        return Reading(np.packbits(bits).tobytes(), bits, p_value)

    def _correlations(self, image, shape):
        """One for each bit, of mean 0 and variance 1 over the keys in an unmarked photo."""
        plane = image.astype(np.float64)
        plane = plane if image.ndim == 2 else plane.mean(-1)
        detail = plane - ndimage.uniform_filter(plane, 2 * self.chip + 1)
        rows, columns = self.rows * shape[0], self.columns * shape[1]
        detail = detail[: rows * self.chip, : columns * self.chip]
        sums = detail.reshape(rows, self.chip, columns, self.chip).sum((1, 3))
        sums = sums.reshape(self.rows, shape[0], self.columns, shape[1])
        power = np.sqrt((sums**2).sum((1, 3)))
        return ((sums * self._codes(shape)).sum((1, 3)) / np.maximum(power, 1e-9)).ravel()

    def _chips(self, image):
        """Rows and columns of chips in a block; None if blocks are too small."""
        sides = image.shape[0] // self.rows, image.shape[1] // self.columns
        shape = tuple(side // self.chip for side in sides)
        return None if min(sides) < LEAST_SIDE or min(shape) < 1 else shape

    def _codes(self, shape):
        size = (self.rows, shape[0], self.columns, shape[1])
        return 2.0 * np.random.default_rng([self.key, 0]).integers(0, 2, size) - 1
