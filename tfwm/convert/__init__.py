"""Networks that a paper's authors released, turned into ours."""

from tfwm.convert.redmark import compare_with_golden, convert_redmark, read_redmark_weights

__all__ = [
    "compare_with_golden",
    "convert_redmark",
    "read_redmark_weights",
]
