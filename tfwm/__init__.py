"""Deep image watermarking in TensorFlow and Keras.

`load(name)` opens a trained network: a `Watermarker` for photos, a barrier or a keyed network. The
parts to build, train and measure networks are the sub-packages `layers`, `attacks`, `models`,
`losses`, `metrics`, `data`, `training`, `evaluation` and `export`; they are imported on first use,
as most of them need TensorFlow, which takes seconds to start.
"""

import importlib
import sys

from tfwm.version import __version__

_HOMES = {"Watermarker": "watermarker", "load": "loading"}
_PARTS = (
    "attacks batch convert corners data distortions evaluation export images keys layers losses "
    "marking metrics models networks ops payload protection provenance recipes report training"
).split()

__all__ = ["Watermarker", "__version__", "load", *_PARTS]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"tfwm.{_HOMES[name]}"), name)
    if name in _PARTS:
        try:
            return importlib.import_module(f"tfwm.{name}")
        except ModuleNotFoundError as error:
            from tfwm.startup import told

            raise told(error) from error
    raise AttributeError(f"module 'tfwm' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)


if "keras" in sys.modules:
    # Registers all layers, so that `keras.saving.load_model` reads our files.
    importlib.import_module("tfwm.models")
