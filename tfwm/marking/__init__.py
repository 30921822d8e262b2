"""Where a mark lies in a photo, how it is found again, and how a marked file is checked."""

from tfwm.marking.canvas import WORKING_PIXELS, Alignment, Canvas, natural_scale
from tfwm.marking.check import Check, EmbedOptions, FileReport
from tfwm.marking.earlier import EarlierMark, MarkedError
from tfwm.marking.judge import Extraction, Judge
from tfwm.marking.mark import Mark
from tfwm.marking.reader import Reader
from tfwm.marking.search import STAGES, candidates
from tfwm.marking.tiling import Tiling, tiling_of

__all__ = [
    "STAGES",
    "WORKING_PIXELS",
    "Alignment",
    "Canvas",
    "Check",
    "EarlierMark",
    "EmbedOptions",
    "Extraction",
    "FileReport",
    "Judge",
    "Mark",
    "MarkedError",
    "Reader",
    "Tiling",
    "candidates",
    "natural_scale",
    "tiling_of",
]
