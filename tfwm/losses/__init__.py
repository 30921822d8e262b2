from tfwm.losses.message_loss import MessageLoss
from tfwm.losses.psnr_loss import PSNRLoss
from tfwm.losses.ssim_loss import SSIMLoss

__all__ = ["MessageLoss", "PSNRLoss", "SSIMLoss"]
