"""Trained networks: what they are (card, kind), where they lie, and how they are opened.

The names below are imported on first use: cards are read without TensorFlow.
"""

import importlib

_MODULES = {
    "card": "KINDS Kind check_card kind_of make_card read_card redmark_geometry write_card",
    "forms": "FORMS TFLITE_FORMATS Form find_keras_models make_endpoints make_run_endpoint "
    "open_form read_keras_model read_keras_models tflite_name",
    "loading": "KerasNetwork load_network",
    "manifest": "changed_files read_manifest write_manifest",
    "network": "Network",
    "places": "list_networks network_directory search_path",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'tfwm.networks' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tfwm.networks.{_HOMES[name]}"), name)


def __dir__():
    return __all__
