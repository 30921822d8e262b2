"""Trained networks: what they are (card, kind), where they lie, and how they are opened.

The names below are imported on first use: cards are read without TensorFlow.
"""

from tfwm.startup import on_first_use

_MODULES = {
    "card": "KINDS Kind check_card kind_of make_card read_card redmark_geometry write_card",
    "fit": "check_fit check_signature",
    "form": "Form",
    "forms": "FORMS RUNTIMES TFLITE_FORMATS open_form tflite_name",
    "keras_files": "find_keras_models read_keras_model read_keras_models",
    "keras_network": "KerasNetwork",
    "lazy": "LazyNetwork lazy_network",
    "loading": "load_network",
    "manifest": "changed_files shipped_networks read_manifest write_manifest",
    "network": "Network",
    "network_files": "NetworkFiles",
    "places": "list_networks network_directory network_names search_path",
    "signing": "sign_network signers_file",
    "tensorflow_forms": "make_endpoints make_run_endpoint open_keras",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _MODULES)
