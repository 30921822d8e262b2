from tfwm.layers.block_transform import BlockTransform
from tfwm.layers.cell_synthesis import CellSynthesis
from tfwm.layers.circular_conv2d import CircularConv2D
from tfwm.layers.hold_psnr import HoldPSNR
from tfwm.layers.orthonormal import Orthonormal
from tfwm.layers.patches import PatchesToSpace, SpaceToPatches
from tfwm.layers.random_message import RandomMessage
from tfwm.layers.seeded import SeededLayer

__all__ = [
    "BlockTransform",
    "CellSynthesis",
    "CircularConv2D",
    "HoldPSNR",
    "Orthonormal",
    "PatchesToSpace",
    "RandomMessage",
    "SeededLayer",
    "SpaceToPatches",
]
