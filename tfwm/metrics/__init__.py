"""Keras metrics of images, messages and watermarks."""

from tfwm.metrics.image import LPIPS, PSNR
from tfwm.metrics.message import BitErrorRate
from tfwm.metrics.watermark import (
    NormalizedCorrelation,
    normalized_correlation,
    watermark_similarity,
)

__all__ = [
    "LPIPS",
    "PSNR",
    "BitErrorRate",
    "NormalizedCorrelation",
    "normalized_correlation",
    "watermark_similarity",
]
