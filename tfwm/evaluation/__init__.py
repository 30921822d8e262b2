"""Measuring networks: suites of distortions, figures, other methods, and proofs of ownership."""

from tfwm.startup import on_first_use

# Where each name lies. They are imported on first use, since most of them start TensorFlow.
_HOMES = {
    "bits.placement": "Placement message_placement paper_placement spread_placement",
    "bits.protocol": "Protocol",
    "bits.report": "headline summarize text_table",
    "bits.suite": "BitSuite",
    "messages.marker": "Marker Reading WatermarkerMarker",
    "messages.report": "message_headline message_table",
    "messages.suite": "MessageSuite",
    "suite": "Distortion Suite",
    "suites.loading": "list_suites load_suite",
    "suites.photos": "Photos",
    "suites.run": "SuiteResult evaluate run_suite",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _HOMES)
