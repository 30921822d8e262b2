from tfwm.evaluation.confidence import mean_interval, wilson_interval
from tfwm.evaluation.distortions import DISTORTIONS, distort
from tfwm.evaluation.files import write_csv
from tfwm.evaluation.message_report import build_message_report
from tfwm.evaluation.message_table import message_headline, message_table
from tfwm.evaluation.messages import evaluate_messages
from tfwm.evaluation.photos import Photos
from tfwm.evaluation.placement import (
    Placement,
    message_placement,
    paper_placement,
    spread_placement,
)
from tfwm.evaluation.protocol import Protocol
from tfwm.evaluation.quality import psnr, ssim
from tfwm.evaluation.reading import Reading
from tfwm.evaluation.report import build_report
from tfwm.evaluation.run import evaluate
from tfwm.evaluation.run_suite import run_suite
from tfwm.evaluation.suite import Attack, Suite, list_suites, load_suite
from tfwm.evaluation.suite_result import SuiteResult
from tfwm.evaluation.summary import headline, summarise
from tfwm.evaluation.table import text_table
from tfwm.evaluation.training_run import TrainingRun
from tfwm.evaluation.watermarker_marker import WatermarkerMarker

__all__ = [
    "DISTORTIONS",
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
    "distort",
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
    "psnr",
    "run_suite",
    "spread_placement",
    "ssim",
    "summarise",
    "text_table",
    "wilson_interval",
    "write_csv",
]
