from tfwm.losses.lpips import LPIPS
from tfwm.losses.message_loss import MessageLoss
from tfwm.losses.perceptual_loss import PerceptualLoss
from tfwm.losses.psnr_loss import PSNRLoss
from tfwm.losses.ssim_loss import SSIMLoss
from tfwm.losses.yuv_loss import YUVLoss

__all__ = ["LPIPS", "MessageLoss", "PSNRLoss", "PerceptualLoss", "SSIMLoss", "YUVLoss"]
