"""Trained networks: what they are (card, kind), where they lie, and how they are opened.

The names below are imported on first use: cards are read without TensorFlow.
"""

import importlib

_MODULES = {
    "card": ("check_card", "make_card", "read_card", "redmark_geometry", "write_card"),
    "endpoints": ("make_endpoints", "make_run_endpoint"),
    "forms": ("FORMS", "TFLITE_FORMATS", "Form", "open_form", "tflite_name"),
    "keras_files": ("find_keras_models", "read_keras_model", "read_keras_models"),
    "keras_network": ("KerasNetwork",),
    "kinds": ("KINDS", "Kind", "kind_of"),
    "loading": ("load_network",),
    "manifest": ("changed_files", "read_manifest", "write_manifest"),
    "network": ("Network",),
    "places": ("list_networks", "network_directory", "search_path"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'tfwm.networks' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tfwm.networks.{_HOMES[name]}"), name)


def __dir__():
    return __all__
