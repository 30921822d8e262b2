from tfwm.export.base import Network
from tfwm.export.card import check_card, make_card, read_card, redmark_geometry, write_card
from tfwm.export.compare import compare_networks, sample_photos
from tfwm.export.convert import compare_with_golden, convert_redmark, read_redmark_weights
from tfwm.export.golden import make_golden, read_golden, replay_golden, write_golden
from tfwm.export.keras_network import KerasNetwork
from tfwm.export.manifest import changed_files, read_manifest, write_manifest
from tfwm.export.network import (
    ExportedNetwork,
    list_networks,
    load_network,
    network_directory,
)
from tfwm.export.package import package_network
from tfwm.export.read_keras import find_keras_models, read_keras_models
from tfwm.export.results import summarise_results, write_results
from tfwm.export.saved_model import export_saved_model
from tfwm.export.tflite import TFLITE_KINDS, tflite_name, write_tflite
from tfwm.export.tflite_network import TFLiteNetwork
from tfwm.export.verify import VerifyReport, verify

__all__ = [
    "TFLITE_KINDS",
    "ExportedNetwork",
    "KerasNetwork",
    "Network",
    "TFLiteNetwork",
    "VerifyReport",
    "changed_files",
    "check_card",
    "compare_networks",
    "compare_with_golden",
    "convert_redmark",
    "export_saved_model",
    "find_keras_models",
    "list_networks",
    "load_network",
    "make_card",
    "make_golden",
    "network_directory",
    "package_network",
    "read_card",
    "read_golden",
    "read_keras_models",
    "read_manifest",
    "read_redmark_weights",
    "redmark_geometry",
    "replay_golden",
    "sample_photos",
    "summarise_results",
    "tflite_name",
    "verify",
    "write_card",
    "write_golden",
    "write_manifest",
    "write_results",
    "write_tflite",
]
