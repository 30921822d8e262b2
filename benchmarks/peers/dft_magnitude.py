"""Bits in the magnitudes of the Fourier transform, a textbook method."""

import numpy as np

from peers.registry import peer
from tfwm.evaluation.messages.marker import Marker, Reading
from tfwm.images import ImageError

# Frequencies that carry bits, in cycles a pixel: below lies the picture, above what JPEG drops.
LOW, HIGH = 0.1, 0.35
MARGIN = 0.5  # natural logarithms at strength 1
LEAST = 4  # frequencies of each half of a bit


@peer("DFT magnitude")
class DFTMagnitude(Marker):
    """Bits in the magnitudes of the Fourier transform, on a ring of middle frequencies.

    A small stand-in for the DFT watermarks that Zhang et al. (AAAI 2020) tried. We found no well-
    kept package that does this with bits: the few on the Python Package Index whose summaries speak
    of DFT hide a picture or a text in gray files. It follows Solachidis and Pitas, "Circularly
    symmetric watermark embedding in 2-D DFT domain", IEEE TIP 10(11), 2001, in what it marks, and
    the comparison of two groups in how: each bit has two secret groups of frequencies of the
    luminance, and the mean logarithm of the magnitudes is brought above, for a 1, or below that of
    the other group by a margin. Phases stay.

    Args:
        bits: of the payload.
        key: integer, the groups' seed.

    Example:

    >>> photo = np.random.default_rng(0).integers(60, 190, (128, 128), np.uint8)
    >>> peer = DFTMagnitude(64)
    >>> peer.read(peer.embed(photo, b"12345678")).payload
    b'12345678'
    """

    name = "DFT magnitude"

    def __init__(self, bits=64, key=0):
        if bits < 1:
            raise ValueError(f"Expected bits from 1. Received: bits={bits}")
        self.bits, self.key = bits, key

    def embed(self, image, payload, strength=1.0):
        groups = self._groups(image)
        if groups is None:
            raise ImageError(
                f"DFT magnitude cannot put {self.bits} bits into a photo of "
                f"{image.shape[1]} x {image.shape[0]} pixels."
            )
        bits = np.unpackbits(np.frombuffer(payload, np.uint8))[: self.bits]
        plane = _plane(image)
        transform = np.fft.rfft2(plane)
        signs = 2.0 * bits - 1
        missing = np.maximum(MARGIN * strength - signs * _differences(transform, groups), 0)
        factors = np.exp(np.stack([-signs * missing, signs * missing], 1) / 2)
        flat = transform.reshape(-1)
        flat[groups] *= factors[..., None]
        change = np.fft.irfft2(transform, plane.shape) - plane
        marked = image + (change if image.ndim == 2 else change[..., None])
        return np.clip(np.rint(marked), 0, 255).astype(np.uint8)

    def read(self, image):
        groups = self._groups(image)
        if groups is None:
            return Reading()
        return Reading.of_bits(_differences(np.fft.rfft2(_plane(image)), groups) > 0)

    def _groups(self, image):
        """Indices `(bits, 2, n)` of a flat half transform; None if there are too few."""
        height, width = image.shape[:2]
        rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
        radius = np.hypot(rows, columns)
        # Those on the vertical axis come in conjugate pairs.
        chosen = np.flatnonzero((radius >= LOW) & (radius <= HIGH) & (columns > 0))
        count = len(chosen) // (2 * self.bits)
        if count < LEAST:
            return None
        order = np.random.default_rng(self.key).permutation(chosen)
        return order[: 2 * self.bits * count].reshape(self.bits, 2, count)


def _plane(image):
    return image.astype(np.float64) if image.ndim == 2 else image.mean(-1)


def _differences(transform, groups):
    """By how much the second group's logarithms are above the first's, for each bit."""
    means = np.log(np.abs(transform.reshape(-1)[groups]) + 1e-6).mean(-1)
    return means[:, 1] - means[:, 0]
