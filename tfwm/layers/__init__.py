from tfwm.layers.block_transform import BlockTransform
from tfwm.layers.cell_synthesis import CellSynthesis
from tfwm.layers.circular_conv2d import CircularConv2D
from tfwm.layers.depth_to_space import DepthToSpace, SpaceToDepth
from tfwm.layers.enlarge import Enlarge
from tfwm.layers.fused_batch_normalization import FusedBatchNormalization
from tfwm.layers.instance_normalization import InstanceNormalization
from tfwm.layers.key_mixing import KeyMixing
from tfwm.layers.message_spread import MessageSpread
from tfwm.layers.orthonormal import Orthonormal
from tfwm.layers.patches import PatchesToSpace, SpaceToPatches
from tfwm.layers.random_message import RandomMessage
from tfwm.layers.reflection_padding import ReflectionPadding
from tfwm.layers.seeded import SeededLayer
from tfwm.layers.spatial_transformer import SpatialTransformer
from tfwm.layers.squeeze_excite import SqueezeExcite
from tfwm.layers.wrong_keys import WrongKeys

__all__ = [
    "BlockTransform",
    "CellSynthesis",
    "CircularConv2D",
    "DepthToSpace",
    "Enlarge",
    "FusedBatchNormalization",
    "InstanceNormalization",
    "KeyMixing",
    "MessageSpread",
    "Orthonormal",
    "PatchesToSpace",
    "RandomMessage",
    "ReflectionPadding",
    "SeededLayer",
    "SpaceToDepth",
    "SpaceToPatches",
    "SpatialTransformer",
    "SqueezeExcite",
    "WrongKeys",
]
