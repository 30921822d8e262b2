"""MBRS (Jia et al., 2021): its networks and their own layers.

The docstring of `tfwm.models.mbrs.network` says where the paper and this code differ.
"""

from tfwm.models.mbrs.layers import MessageSpread, SqueezeExcite
from tfwm.models.mbrs.network import build_embedder, build_extractor

__all__ = ["MessageSpread", "SqueezeExcite", "build_embedder", "build_extractor"]
