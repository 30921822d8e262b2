"""Runnable recipes: `python -m tfwm.recipes.redmark`."""

from tfwm.startup import import_tensorflow

import_tensorflow()
