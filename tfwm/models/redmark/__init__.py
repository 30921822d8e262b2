"""ReDMark (Ahmadi et al., 2020): its networks and their own layers.

The docstring of `tfwm.models.redmark.network` says where the paper and this code differ.
"""

from tfwm.models.redmark.layers import BlockTransform, CircularConv2D, Orthonormal
from tfwm.models.redmark.network import build_embedder, build_extractor

__all__ = ["BlockTransform", "CircularConv2D", "Orthonormal", "build_embedder", "build_extractor"]
