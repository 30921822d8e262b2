"""One HTML page about marked photos: what changed, what is read, what the mark survives."""

from tfwm.report.distortions import DistortionResult
from tfwm.report.page import write_report
from tfwm.report.photo_report import PhotoReport, inspect_photo

__all__ = ["DistortionResult", "PhotoReport", "inspect_photo", "write_report"]
