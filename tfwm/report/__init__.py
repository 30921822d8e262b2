"""Pages about marked photos, what they survive, and about a network: its conformance."""

from tfwm.report.conformance import ConformanceReport, write_conformance
from tfwm.report.distortions import DistortionResult
from tfwm.report.page import write_report
from tfwm.report.photo_report import PhotoReport, inspect_photo

__all__ = [
    "ConformanceReport",
    "DistortionResult",
    "PhotoReport",
    "inspect_photo",
    "write_conformance",
    "write_report",
]
