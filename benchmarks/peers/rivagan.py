"""RivaGAN, a network inside the package invisible-watermark, as a marker."""

import importlib
from importlib import util
from pathlib import Path

import numpy as np

from peers.registry import peer
from tfwm.evaluation.messages.marker import Marker, Reading

THRESHOLD = 0.52


@peer("RivaGAN")
class RivaGAN(Marker):
    """RivaGAN (Zhang et al. 2019), the network inside `invisible-watermark`: 32 bits.

    Runs the package's two ONNX files. It has no strength: the difference to the photo is
    multiplied. Needs onnxruntime.

    Args:
        bits: not used, since the network has 32.
    """

    name = "RivaGAN"
    package = "invisible-watermark"
    payload_bits = 32

    def __init__(self, bits=32):
        runtime = importlib.import_module("onnxruntime")
        package = util.find_spec("imwatermark")
        if package is None:
            raise ImportError("No module named 'imwatermark'")
        folder = Path(package.origin).parent
        self._encoder, self._decoder = (
            runtime.InferenceSession(
                folder / f"rivagan_{part}.onnx", providers=["CPUExecutionProvider"]
            )
            for part in ("encoder", "decoder")
        )

    def prepare(self, image, payload):
        """Returns a function from a strength to the marked photo; the network runs once."""
        bits = np.unpackbits(np.frombuffer(payload, np.uint8)).astype(np.float32)
        inputs = {"frame": _frame(image), "data": bits[None]}
        marked = self._encoder.run(None, inputs)[0][0, :, 0].transpose(1, 2, 0)[..., ::-1]
        change = (np.clip(marked, -1, 1) + 1) * 127.5 - image

        def apply(strength):
            return np.clip(np.rint(image + strength * change), 0, 255).astype(np.uint8)

        return apply

    def embed(self, image, payload, strength=1.0):
        return self.prepare(image, payload)(strength)

    def read(self, image):
        return Reading.of_bits(self._decoder.run(None, {"frame": _frame(image)})[0][0] > THRESHOLD)


def _frame(image):
    """`(1, 3, 1, H, W)` in [-1, 1], BGR as the package feeds it."""
    frame = image[..., ::-1].astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(frame.transpose(2, 0, 1))[None, :, None]
