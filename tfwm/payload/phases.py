"""All-pass filters that follow from a key: each frequency of a photo keeps its size, not its phase.

A network that writes and reads marks in photos filtered so leaves, in the photo itself, a change
whose shape only the key tells. A random smooth phase is a sum of sines over the lags of half a
disc, so that the filter is short, leaves the mean, moves slow changes by some pixels, and is undone
exactly by the opposite phase.
"""

import functools
import math

import numpy as np

# Parts of the format: the deviation of the phase over all frequencies, in radians, and its stream.
DEVIATION = 3.0
PURPOSE = "phases"
# Radius of the disc of lags that a card may name.
LARGEST_REACH = 12
# Responses for so many sizes are kept.
MOST_RESPONSES = 8
# A filtered photo leaves [0, 1] where edges meet: at half of its contrast, it hardly does.
CONTRAST = 0.5


@functools.cache
def lags(reach):
    """Returns the lags `(n, 2)`, rows and columns, of the sines that make up a phase.

    >>> lags(1).tolist()
    [[0, 1], [1, -1], [1, 0], [1, 1]]
    """
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    half = (y > 0) | ((y == 0) & (x > 0))
    return np.argwhere(half & (np.hypot(y, x) <= reach + 0.5)) - reach


def coefficients_of(key, reach):
    """Returns the coefficients `(n,)` of the phase that belongs to a `tfwm.keys.Key`."""
    count = len(lags(reach))
    numbers = np.frombuffer(key.stream(f"{PURPOSE} {reach}", 4 * count), "<i4")
    return scaled((numbers + 0.5) / 2**31)


def scaled(numbers):
    """Returns numbers `(n,)` as coefficients of a phase with the deviation `DEVIATION`."""
    return DEVIATION * np.sqrt(2) * numbers / np.linalg.norm(numbers)


def surround(reach, deviation=DEVIATION):
    """Returns how many pixels around a picture are filtered with it: most of a filter lies there.

    >>> surround(12)
    72
    """
    return int(2 * reach * deviation)


def fast_length(n):
    """Returns the next length, from `n` on, whose Fourier transform is fast.

    >>> fast_length(656)
    768
    """
    return min(m << max(math.ceil(math.log2(n / m)), 0) for m in (1, 3, 5, 9, 15))


class PhaseFilter:
    """A filter that changes phases only.

    Args:
        coefficients: of its phase `(n,)`, see `coefficients_of`.
        reach: radius of the disc of lags, in pixels.

    Example:

    >>> from tfwm.keys import Key
    >>> picture = np.random.default_rng(0).random((1, 96, 96, 1), np.float32)
    >>> secret, other = (PhaseFilter.of(Key(key), 4) for key in ("secret", "other"))
    >>> inside = np.s_[:, 40:56, 40:56]
    >>> bool(np.abs(secret.undo(secret.apply(picture)) - picture)[inside].max() < 0.1)
    True
    >>> bool(np.abs(other.undo(secret.apply(picture)) - picture)[inside].max() < 0.1)
    False
    """

    def __init__(self, coefficients, reach):
        self.coefficients = coefficients
        self._lags, self._around = lags(reach), surround(reach)
        self._responses = {}

    @classmethod
    def of(cls, key, reach):
        """Returns the filter of a `tfwm.keys.Key`."""
        return cls(coefficients_of(key, reach), reach)

    def apply(self, images, edges="symmetric"):
        """Returns images `(batch, height, width, channels)`, filtered; mirrored at the edges."""
        return self._filtered(images, edges, opposite=False)

    def undo(self, changes):
        """Returns changes `(batch, height, width, channels)`, unfiltered; 0 outside."""
        return self._filtered(changes, "constant", opposite=True)

    def response(self, height, width):
        """Returns the filter at the frequencies of `np.fft.rfft2`, complex64."""
        found = self._responses.get((height, width))
        if found is None:
            lagged = np.zeros((height, width))
            for sign in (1, -1):
                places = tuple((sign * self._lags % (height, width)).T)
                np.add.at(lagged, places, sign * self.coefficients / 2)
            found = np.exp(-1j * np.fft.rfft2(lagged).imag).astype(np.complex64)
            if len(self._responses) >= MOST_RESPONSES:
                self._responses = {}
            self._responses[height, width] = found
        return found

    def _filtered(self, images, edges, opposite):
        n, (height, width) = self._around, images.shape[1:3]
        ends = (fast_length(side + 2 * n) - side - n for side in (height, width))
        around = [(0, 0), *((n, end) for end in ends), (0, 0)]
        planes = np.moveaxis(np.pad(np.asarray(images, np.float32), around, edges), -1, 1)
        response = self.response(*planes.shape[-2:])
        spectra = np.fft.rfft2(planes) * (response.conj() if opposite else response)
        filtered = np.moveaxis(np.fft.irfft2(spectra, planes.shape[-2:]), 1, -1)
        return filtered[:, n : n + height, n : n + width].astype(np.float32)
