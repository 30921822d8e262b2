"""What all servers of tfwm stand on: one HTTP server, turns, limits, and errors of one line."""

from tfwm.web.app import NotFound, make_app
from tfwm.web.limits import check_claim
from tfwm.web.turns import Busy, Gate, Room, Turns

__all__ = ["Busy", "Gate", "NotFound", "Room", "Turns", "check_claim", "make_app"]
