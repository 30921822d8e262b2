from tfwm.metrics.bit_error_rate import BitErrorRate
from tfwm.metrics.lpips import LPIPS
from tfwm.metrics.normalized_correlation import NormalizedCorrelation, normalized_correlation
from tfwm.metrics.psnr import PSNR
from tfwm.metrics.watermark_similarity import watermark_similarity

__all__ = [
    "LPIPS",
    "PSNR",
    "BitErrorRate",
    "NormalizedCorrelation",
    "normalized_correlation",
    "watermark_similarity",
]
