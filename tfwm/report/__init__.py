"""One HTML page about marked photos: what changed, what is read, what it survives."""

from tfwm.report.edits import EditResult
from tfwm.report.page import write_report
from tfwm.report.photo_report import PhotoReport, inspect_photo, read_photo_report

__all__ = ["EditResult", "PhotoReport", "inspect_photo", "read_photo_report", "write_report"]
