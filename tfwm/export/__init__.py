"""Writing networks: SavedModel, TFLite, golden tensors, checksums; and checking all of it."""

from tfwm.export.compare import compare_networks, sample_photos
from tfwm.export.golden import make_golden, read_golden, replay_golden, write_golden
from tfwm.export.package import package_network
from tfwm.export.results import summarise_results, write_results
from tfwm.export.saved_model import export_saved_model
from tfwm.export.tflite import TFLITE_KINDS, tflite_name, write_tflite
from tfwm.export.verify import VerifyReport, verify

__all__ = [
    "TFLITE_KINDS",
    "VerifyReport",
    "compare_networks",
    "export_saved_model",
    "make_golden",
    "package_network",
    "read_golden",
    "replay_golden",
    "sample_photos",
    "summarise_results",
    "tflite_name",
    "verify",
    "write_golden",
    "write_results",
    "write_tflite",
]
