"""Trained networks: what they are (card), where they lie, and how they are run."""

from tfwm.networks.card import check_card, make_card, read_card, redmark_geometry, write_card
from tfwm.networks.endpoints import make_endpoints
from tfwm.networks.keras_files import find_keras_models, read_keras_models
from tfwm.networks.keras_network import KerasNetwork
from tfwm.networks.loading import ExportedNetwork, list_networks, load_network, network_directory
from tfwm.networks.manifest import changed_files, read_manifest, write_manifest
from tfwm.networks.network import Network
from tfwm.networks.tflite_network import TFLiteNetwork

__all__ = [
    "ExportedNetwork",
    "KerasNetwork",
    "Network",
    "TFLiteNetwork",
    "changed_files",
    "check_card",
    "find_keras_models",
    "list_networks",
    "load_network",
    "make_card",
    "make_endpoints",
    "network_directory",
    "read_card",
    "read_keras_models",
    "read_manifest",
    "redmark_geometry",
    "write_card",
    "write_manifest",
]
