"""Finds the corners of a print or screen in a photo, and makes the picture upright."""

from tfwm.corners.find_quadrilaterals import find_quadrilaterals
from tfwm.corners.rectify import check_corners, mean_sides, rectify, solve_homography

__all__ = ["check_corners", "find_quadrilaterals", "mean_sides", "rectify", "solve_homography"]
