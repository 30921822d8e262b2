"""Measuring networks: suites of distortions, figures, other methods, and proofs of ownership."""

import importlib

# Where each name lies. They are imported on first use, since most of them start TensorFlow.
_HOMES = {
    "bits.placement": ["Placement", "message_placement", "paper_placement", "spread_placement"],
    "bits.protocol": ["Protocol"],
    "bits.report": ["headline", "summarize", "text_table"],
    "bits.suite": ["BitSuite"],
    "messages.marker": ["Marker", "Reading", "WatermarkerMarker"],
    "messages.report": ["message_headline", "message_table"],
    "messages.suite": ["MessageSuite"],
    "suite": ["Distortion", "Suite"],
    "suites.loading": ["list_suites", "load_suite"],
    "suites.photos": ["Photos"],
    "suites.run": ["SuiteResult", "evaluate", "run_suite"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__():
    return __all__
