"""Finds the corners of a print or screen in a photo, and makes the picture upright."""

from tfwm.startup import on_first_use

_MODULES = {
    "search": "find_quadrilaterals",
    "projection": "check_corners mean_sides rectify solve_homography",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _MODULES)
