"""Losses: of images, of messages, and the layers that balance or hold them in training."""

from tfwm.losses.adversarial_loss import AdversarialLoss
from tfwm.losses.alignment_loss import AlignmentLoss
from tfwm.losses.hold_psnr import HoldPSNR
from tfwm.losses.loss_balance import LossBalance
from tfwm.losses.lpips import LPIPS
from tfwm.losses.message_loss import MessageLoss
from tfwm.losses.perceptual_loss import PerceptualLoss
from tfwm.losses.psnr_loss import PSNRLoss
from tfwm.losses.ramped_weights import RampedWeights
from tfwm.losses.self_adaptive_weights import SelfAdaptiveWeights
from tfwm.losses.ssim_loss import SSIMLoss
from tfwm.losses.yuv_loss import YUVLoss

__all__ = [
    "AdversarialLoss",
    "AlignmentLoss",
    "HoldPSNR",
    "LPIPS",
    "LossBalance",
    "MessageLoss",
    "PSNRLoss",
    "PerceptualLoss",
    "RampedWeights",
    "SSIMLoss",
    "SelfAdaptiveWeights",
    "YUVLoss",
]
