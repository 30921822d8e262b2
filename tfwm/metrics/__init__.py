from tfwm.metrics.bit_error_rate import BitErrorRate
from tfwm.metrics.psnr import PSNR

__all__ = ["PSNR", "BitErrorRate"]
