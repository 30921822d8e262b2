"""Attacks: Keras layers that damage a watermarked image and let gradients through.

A new attack is a class in one of the families below; its name in the family's `__all__` makes
it public, and known to recipes and tests.
"""

from tfwm.startup import need_tensorflow

need_tensorflow()

from tfwm.attacks import base, compose, drop, filters, geometry, jpeg, noise, sets, tone
from tfwm.attacks.base import *  # noqa: F403
from tfwm.attacks.compose import *  # noqa: F403
from tfwm.attacks.drop import *  # noqa: F403
from tfwm.attacks.filters import *  # noqa: F403
from tfwm.attacks.geometry import *  # noqa: F403
from tfwm.attacks.jpeg import *  # noqa: F403
from tfwm.attacks.noise import *  # noqa: F403
from tfwm.attacks.sets import *  # noqa: F403
from tfwm.attacks.tone import *  # noqa: F403

_FAMILIES = (base, compose, drop, filters, geometry, jpeg, noise, sets, tone)
__all__ = sorted(name for family in _FAMILIES for name in family.__all__)
