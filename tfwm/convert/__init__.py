"""Networks that a paper's authors released, turned into ours: from a user's disk, never shipped."""

from tfwm.convert.redmark import compare_with_golden, convert_redmark, read_redmark_weights
from tfwm.convert.stegastamp import convert_stegastamp

__all__ = ["compare_with_golden", "convert_redmark", "convert_stegastamp", "read_redmark_weights"]
