"""Where a picture comes from: marks, manifests and what both say."""

from tfwm.startup import on_first_use

_HOMES = {
    "stamp": "Stamp",
    "stamp_layer": "StampLayer",
    "stamper": "Stamped Stamper",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _HOMES)
