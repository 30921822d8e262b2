"""Losses: of images, of messages, and the layers that balance or hold them in training."""

from tfwm.startup import need_tensorflow

need_tensorflow()

from tfwm.losses.adversarial import AdversarialLoss
from tfwm.losses.alignment import AlignmentLoss
from tfwm.losses.balance import HoldPSNR, LossBalance, RampedWeights, SelfAdaptiveWeights
from tfwm.losses.image import PerceptualLoss, PSNRLoss, SSIMLoss, VisibleError, YUVLoss
from tfwm.losses.lpips import LPIPS
from tfwm.losses.message import MessageLoss
from tfwm.losses.registration import RegistrationLoss

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
    "RegistrationLoss",
    "SSIMLoss",
    "SelfAdaptiveWeights",
    "VisibleError",
    "YUVLoss",
]
