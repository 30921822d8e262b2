"""Keras layers that the networks of several papers share; a model's own layers lie beside it."""

from tfwm.startup import need_tensorflow

need_tensorflow()

from tfwm.layers.normalization import FusedBatchNormalization, InstanceNormalization
from tfwm.layers.phases import RandomPhases
from tfwm.layers.rearrange import DepthToSpace, PatchesToSpace, SpaceToDepth, SpaceToPatches
from tfwm.layers.seeded import RandomMessage, SeededLayer

__all__ = [
    "DepthToSpace",
    "FusedBatchNormalization",
    "InstanceNormalization",
    "PatchesToSpace",
    "RandomMessage",
    "RandomPhases",
    "SeededLayer",
    "SpaceToDepth",
    "SpaceToPatches",
]
