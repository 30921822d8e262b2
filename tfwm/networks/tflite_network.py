from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.networks.network import Network


class TFLiteNetwork(Network):
    """A network as one TFLite file, for phones and small machines.

    Uses `ai_edge_litert` where it is installed and TensorFlow's own interpreter elsewhere.

    Args:
        path: the `.tflite` file, as `tfwm.export.write_tflite` makes it.
        name: what reports call it; the file's name by default.
        card: dict.
        num_threads: threads of the interpreter (XNNPACK), 1 to all cores.

    Example:

    >>> network = TFLiteNetwork("saved_models/redmark-mt/redmark-mt.tflite")
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """

    kind = "tflite"

    def __init__(self, path, name=None, card=None, num_threads=1):
        path = Path(path)
        super().__init__(name or path.stem, card)
        if not path.is_file():
            raise FileNotFoundError(f"There is no TFLite file {path}.")
        try:
            interpreter = interpreter_class()(model_path=str(path), num_threads=num_threads)
            self._embed_runner = interpreter.get_signature_runner("embed")
            self._extract_runner = interpreter.get_signature_runner("extract")
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} is not a TFLite file with the signatures embed and extract: "
                f"{str(error).strip().splitlines()[0]}"
            ) from error
        self._interpreter = interpreter
        if "geometry" not in self.card:
            inputs = self._embed_runner.get_input_details()
            shapes = {name: inputs[name]["shape"] for name in ("image", "message")}
            self._find_geometry(*(int(shape[-1]) for shape in shapes.values()))

    def _embed(self, image, message, strength):
        strength = np.array(strength, np.float32)
        out = self._embed_runner(image=image, message=message, strength=strength)
        return out["watermarked"]

    def _extract(self, image):
        return self._extract_runner(image=image)["logits"]


def interpreter_class():
    """Returns the interpreter of TFLite files that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return tf.lite.Interpreter
    return Interpreter
