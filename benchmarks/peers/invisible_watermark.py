"""The package invisible-watermark as a marker."""

import importlib
import sys
import types
from importlib import util

import numpy as np

from peers.registry import peer
from tfwm.evaluation.messages.marker import Marker, Reading
from tfwm.images import ImageError

SCALE = 36.0
# What the package itself asks for.
LEAST_PIXELS = 256 * 256
CHANNELS = {"dwtDct": (0, 1, 1), "dwtDctSvd": (0, 1, 0)}
INNER = {"dwtDct": ("maxDct", "EmbedMaxDct"), "dwtDctSvd": ("dwtDctSvd", "EmbedDwtDctSvd")}
BLOCK = 8  # pixels


class InvisibleWatermark(Marker):
    """`invisible-watermark`: bits in a wavelet band of U, block by block.

    The package's strength is the step of a quantizer, 36 by default, which the reader must
    know. It rounds to 8-bit YUV on the way, which alone leaves 39 to 40 dB of many color
    photos: a mark tuned to 40 dB may be too weak to read. Copies of less than 256 x 256 pixels
    it refuses: nothing is read there, unless `small` goes past that check.

    Args:
        method: `"dwtDct"`, the package's default, or `"dwtDctSvd"`.
        bits: of the payload; the reader must know them.
        tuned: whether the strength follows the PSNR wanted; else it is the package's.
        small: whether photos that the package refuses are marked by its inner classes, as long
            as there is a block of 8 x 8 pixels for each bit.
    """

    package = "invisible-watermark"
    shared_strength = True

    def __init__(self, method="dwtDct", bits=64, tuned=True, small=False):
        if method not in CHANNELS:
            raise ValueError(f"Expected a method of {list(CHANNELS)}. Received: method={method!r}")
        package = import_imwatermark()
        self._encoder, self._decoder = package.WatermarkEncoder, package.WatermarkDecoder
        # The very classes that the package's encoder and decoder hand photos on to.
        module, inner = INNER[method]
        self._inner = getattr(importlib.import_module(f"imwatermark.{module}"), inner)
        self.method, self.bits, self.small = method, bits, small
        self.name = method if tuned else f"{method} as it is"
        self.fixed_strength = None if tuned else 1.0

    def embed(self, image, payload, strength=1.0):
        if not self._fits(image):
            raise ImageError(
                f"invisible-watermark cannot put {self.bits} bits into so small a photo."
                if self.small
                else "invisible-watermark marks photos of 256 x 256 pixels and more only."
            )
        bits, scales = np.unpackbits(np.frombuffer(payload, np.uint8)).tolist(), self._scales
        if _is_small(image):
            inner = self._inner(bits, wmLen=self.bits, scales=scales(strength))
            return _swapped(inner.encode(_swapped(image)))
        encoder = self._encoder()
        encoder.set_watermark("bits", bits)
        return _swapped(encoder.encode(_swapped(image), self.method, scales=scales(strength)))

    def read(self, image):
        if not self._fits(image):
            return Reading()
        scales = self._scales(self.strength)
        if _is_small(image):
            inner = self._inner(wmLen=self.bits, scales=scales)
            return Reading.of_bits(inner.decode(_swapped(image)))
        decoder = self._decoder("bits", self.bits)
        return Reading.of_bits(decoder.decode(_swapped(image), self.method, scales=scales))

    def _fits(self, image):
        blocks = (image.shape[0] // BLOCK) * (image.shape[1] // BLOCK)
        return not _is_small(image) or (self.small and blocks >= self.bits)

    def _scales(self, strength):
        return [used * SCALE * strength for used in CHANNELS[self.method]]


@peer("dwtDct", "dwtDctSvd", "dwtDct as it is", "dwtDctSvd as it is")
def _method(bits, name):
    method = name.removesuffix(" as it is")
    return InvisibleWatermark(method, bits, tuned=method == name)


def _is_small(image):
    return image.shape[0] * image.shape[1] < LEAST_PIXELS


def import_imwatermark():
    """Imports the package without torch, which it loads for a method that is not called."""
    for needed in ("cv2", "pywt"):
        importlib.import_module(needed)
    absent = "torch" not in sys.modules and util.find_spec("torch") is None
    if absent:
        sys.modules["torch"] = types.ModuleType("torch")
    try:
        return importlib.import_module("imwatermark")
    finally:
        if absent:
            del sys.modules["torch"]


def _swapped(image):
    """RGB as BGR and back."""
    return np.ascontiguousarray(image[..., ::-1])
