"""The package blind-watermark as a marker."""

import importlib
import multiprocessing

import numpy as np

from peers.registry import peer
from tfwm.evaluation.messages.marker import Marker, Reading
from tfwm.images import ImageError

# The package's steps of its two quantizers.
STEPS = (36.0, 20.0)


@peer("blind-watermark")
class BlindWatermark(Marker):
    """`blind-watermark`: bits in the singular values of wavelet blocks of Y, U and V.

    The strength multiplies both of the package's steps. The reader must know it, and the number
    of bits. It is not told the photo's old size, which the package's examples restore after
    scaling and cropping: the finder of a copy does not know it.

    Args:
        bits: of the payload.
        password: the package's two passwords, an integer.
    """

    name = package = "blind-watermark"
    shared_strength = True

    def __init__(self, bits=64, password=1):
        self._package = _import_package()
        self._package.bw_notes.close()
        self.bits, self.password = bits, password

    def embed(self, image, payload, strength=1.0):
        if not self._fits(image):
            raise ImageError(f"blind-watermark cannot put {self.bits} bits into so small a photo.")
        marker = self._marker(strength)
        marker.read_img(img=np.ascontiguousarray(image[..., ::-1]))
        marker.read_wm(np.unpackbits(np.frombuffer(payload, np.uint8)).astype(bool), mode="bit")
        marked = np.clip(np.rint(marker.embed()), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(marked[..., ::-1])

    def read(self, image):
        if not self._fits(image):
            return Reading()
        marker = self._marker(self.strength)
        with np.errstate(all="ignore"):  # its k-means of equal values
            bits = marker.extract(
                embed_img=np.ascontiguousarray(image[..., ::-1]), wm_shape=self.bits, mode="bit"
            )
        return Reading.of_bits(np.asarray(bits) > 0.5)

    def _fits(self, image):
        """Whether there are more blocks than bits, as the package asserts."""
        rows, columns = (-(-n // 2) // 4 for n in image.shape[:2])
        return rows * columns > self.bits

    def _marker(self, strength):
        marker = self._package.WaterMark(password_img=self.password, password_wm=self.password)
        core = marker.bwm_core
        core.d1, core.d2 = (step * strength for step in STEPS)
        return marker


def _import_package():
    """Imports the package, which sets how processes start, for it and everybody else."""
    method = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(None, force=True)
    try:
        return importlib.import_module("blind_watermark")
    finally:
        multiprocessing.set_start_method(method, force=True)
