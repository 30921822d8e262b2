from tfwm.evaluation.distortions import DISTORTIONS, distort
from tfwm.evaluation.files import write_csv
from tfwm.evaluation.photos import Photos
from tfwm.evaluation.placement import (
    Placement,
    message_placement,
    paper_placement,
    spread_placement,
)
from tfwm.evaluation.protocol import Protocol
from tfwm.evaluation.quality import psnr, ssim
from tfwm.evaluation.report import build_report
from tfwm.evaluation.run import evaluate
from tfwm.evaluation.run_suite import SuiteResult, run_suite
from tfwm.evaluation.suite import Attack, Suite, list_suites, load_suite
from tfwm.evaluation.summary import headline, summarise
from tfwm.evaluation.table import text_table

__all__ = [
    "DISTORTIONS",
    "Attack",
    "Photos",
    "Placement",
    "Protocol",
    "Suite",
    "SuiteResult",
    "build_report",
    "distort",
    "evaluate",
    "headline",
    "list_suites",
    "load_suite",
    "message_placement",
    "paper_placement",
    "psnr",
    "run_suite",
    "spread_placement",
    "ssim",
    "summarise",
    "text_table",
    "write_csv",
]
