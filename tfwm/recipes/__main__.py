"""`python -m tfwm.recipes`: lists the recipes and their configs."""

from tfwm.console import say
from tfwm.recipes.registry import config_files, find_recipe, first_line, recipe_names


def main():
    """Print each recipe with its configs."""
    for name in recipe_names():
        say(f"tfwm train {name}\n    {find_recipe(name).summary}")
        for path in config_files(name):
            say(f"    --config {path.stem:<22} {first_line(path)}")


if __name__ == "__main__":
    main()
