"""Writing networks of every kind: SavedModel, TFLite, golden tensors; and verifying all of it."""

from tfwm.export.golden import make_golden, read_golden, replay_golden, write_golden
from tfwm.export.package import export_again, package_network
from tfwm.export.verify import VerifyReport, verify
from tfwm.export.write import export_saved_model, write_tflite

__all__ = [
    "VerifyReport",
    "export_again",
    "export_saved_model",
    "make_golden",
    "package_network",
    "read_golden",
    "replay_golden",
    "verify",
    "write_golden",
    "write_tflite",
]
