"""Networks, one module or package a paper. Importing this registers all their layers with Keras.

`keras.saving.load_model` reads every `.keras` file of ours after `import tfwm.models`.
"""

from tfwm.startup import need_tensorflow

need_tensorflow()

from tfwm.models import (
    barrier,
    carriers,
    critic,
    hidden,
    keyed,
    mbrs,
    photo,
    redmark,
    stegastamp,
    stegastamp_released,
    translators,
)

__all__ = [
    "barrier",
    "carriers",
    "critic",
    "hidden",
    "keyed",
    "mbrs",
    "photo",
    "redmark",
    "stegastamp",
    "stegastamp_released",
    "translators",
]
