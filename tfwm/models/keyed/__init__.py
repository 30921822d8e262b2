"""Keyed extraction (Wu et al., 2021): the network that reads a host's mark, and its layers.

The docstring of `tfwm.models.keyed.network` says where the paper and this code differ.
"""

from tfwm.models.keyed.layers import KeyMixing, WrongKeys
from tfwm.models.keyed.network import KEYINGS, build_extractor, key_length

__all__ = ["KEYINGS", "KeyMixing", "WrongKeys", "build_extractor", "key_length"]
