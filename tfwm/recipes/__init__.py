"""Recipes: trainings that can be run, from settings to an exported and measured network.

`registry` says what a recipe is and finds it; `config` holds the shared settings; `message` is the
path of all networks that carry bits, `fit` the training loop; each other module is one recipe or
its report.
"""

from tfwm.startup import import_tensorflow

import_tensorflow()

from tfwm.recipes.registry import find_recipe, recipe_names, settings_markdown  # noqa: E402

__all__ = ["find_recipe", "recipe_names", "settings_markdown"]
