"""MBRS (Jia et al., 2021): its networks and the layers they are made of."""

from tfwm.models.mbrs.layers import MessageSpread, SqueezeExcite
from tfwm.models.mbrs.network import build_embedder, build_extractor

__all__ = ["MessageSpread", "SqueezeExcite", "build_embedder", "build_extractor"]
