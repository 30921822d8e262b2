"""Measuring networks and markers: suites, figures, peers, and proofs of ownership."""

from tfwm.evaluation.bits.placement import (
    Placement,
    message_placement,
    paper_placement,
    spread_placement,
)
from tfwm.evaluation.bits.protocol import Protocol
from tfwm.evaluation.bits.report import build_report
from tfwm.evaluation.bits.run import evaluate
from tfwm.evaluation.bits.run_suite import run_suite
from tfwm.evaluation.bits.suite import Attack, Suite, list_suites, load_suite
from tfwm.evaluation.bits.suite_result import SuiteResult
from tfwm.evaluation.bits.summary import headline, summarise
from tfwm.evaluation.bits.table import text_table
from tfwm.evaluation.figures.training_run import TrainingRun
from tfwm.evaluation.messages.reading import Reading
from tfwm.evaluation.messages.report import build_message_report
from tfwm.evaluation.messages.run import evaluate_messages
from tfwm.evaluation.messages.table import message_headline, message_table
from tfwm.evaluation.messages.watermarker_marker import WatermarkerMarker
from tfwm.evaluation.photos import Photos
from tfwm.evaluation.statistics import mean_interval, wilson_interval

__all__ = [
    "Attack",
    "Photos",
    "Placement",
    "Protocol",
    "Reading",
    "Suite",
    "SuiteResult",
    "TrainingRun",
    "WatermarkerMarker",
    "build_message_report",
    "build_report",
    "evaluate",
    "evaluate_messages",
    "headline",
    "list_suites",
    "load_suite",
    "mean_interval",
    "message_headline",
    "message_placement",
    "message_table",
    "paper_placement",
    "run_suite",
    "spread_placement",
    "summarise",
    "text_table",
    "wilson_interval",
]
