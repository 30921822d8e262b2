"""One form of a network, opened: its signatures as functions of arrays."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tfwm.startup import check_fork


@dataclasses.dataclass(eq=False)
class Form:
    """One form of a network, opened.

    Args:
        name: `"keras"`, `"saved_model"` or `"tflite"`.
        functions: dict of signature names and functions from arrays, given by name, to a dict.
        inputs: dict of signature names and their inputs, name to shape; `None` is a free side.
        runtime: what runs them, kept alive with them.
        parallel: how many calls at once, from several threads, are faster than one after another.

    Call it with a signature's name and its inputs by name: `form("extract", image=image)`. It
    returns a dict of arrays. A `strength` may be one number or one for each image: forms that take
    a single number, as all did once, are run for each image.
    """

    name: str
    functions: dict[str, Callable]
    inputs: dict[str, dict]
    runtime: object = None
    parallel: int = 1

    def __call__(self, signature, **inputs):
        check_fork()
        if "strength" not in inputs:
            return self._run(signature, inputs)
        strength = np.float32(inputs["strength"])
        if self.inputs[signature]["strength"]:
            strength = np.broadcast_to(strength, len(inputs["image"]))
        elif strength.size > 1 and (strength != strength[:1]).any():
            singles = [
                self(signature, **{key: x[n : n + 1] for key, x in inputs.items()})
                for n in range(len(strength))
            ]
            return {key: np.concatenate([one[key] for one in singles]) for key in singles[0]}
        elif strength.ndim:
            strength = strength[0]
        return self._run(signature, {**inputs, "strength": strength})

    def _run(self, signature, inputs):
        return {key: np.asarray(x) for key, x in self.functions[signature](**inputs).items()}
