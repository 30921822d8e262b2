"""Attacks: Keras layers that damage a watermarked image and let gradients through."""

from tfwm.attacks.affine import Affine
from tfwm.attacks.base import Attack
from tfwm.attacks.brightness import Brightness
from tfwm.attacks.chain import Chain
from tfwm.attacks.contrast import Contrast
from tfwm.attacks.crop import Crop
from tfwm.attacks.cropout import Cropout
from tfwm.attacks.dropout import Dropout
from tfwm.attacks.fir_filter import FIRFilter
from tfwm.attacks.frame import Frame
from tfwm.attacks.gamma import Gamma
from tfwm.attacks.gaussian_blur import GaussianBlur
from tfwm.attacks.gaussian_noise import GaussianNoise
from tfwm.attacks.grid_crop import GridCrop
from tfwm.attacks.hue import Hue
from tfwm.attacks.identity import Identity
from tfwm.attacks.jpeg import JPEG
from tfwm.attacks.mean_filter import MeanFilter
from tfwm.attacks.median_filter import MedianFilter
from tfwm.attacks.mirror import Mirror
from tfwm.attacks.motion_blur import MotionBlur
from tfwm.attacks.perspective_warp import PerspectiveWarp
from tfwm.attacks.ramp import Ramp
from tfwm.attacks.random_choice import RandomChoice
from tfwm.attacks.random_resized_crop import RandomResizedCrop
from tfwm.attacks.rectangle_crop import RectangleCrop
from tfwm.attacks.resize import Resize
from tfwm.attacks.salt_and_pepper import SaltAndPepper
from tfwm.attacks.saturation import Saturation
from tfwm.attacks.sets import crop_chain, printed_photo
from tfwm.attacks.sharpen import Sharpen
from tfwm.attacks.uniform_noise import UniformNoise

__all__ = [
    "Affine",
    "Attack",
    "Brightness",
    "Chain",
    "Contrast",
    "Crop",
    "Cropout",
    "Dropout",
    "FIRFilter",
    "Frame",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "GridCrop",
    "Hue",
    "Identity",
    "JPEG",
    "MeanFilter",
    "MedianFilter",
    "Mirror",
    "MotionBlur",
    "PerspectiveWarp",
    "Ramp",
    "RandomChoice",
    "RandomResizedCrop",
    "RectangleCrop",
    "Resize",
    "SaltAndPepper",
    "Saturation",
    "Sharpen",
    "UniformNoise",
    "crop_chain",
    "printed_photo",
]
