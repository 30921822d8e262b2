"""From a recipe's settings to a task."""

import dataclasses

from tfwm.checks import nearest
from tfwm.data.tasks.base import Task


def build_task(settings):
    """Returns the task of a recipe's settings.

    Args:
        settings: name of a task, or a dict with its `name` and arguments, as a TOML file has
            them: `task = { name = "Derain", density = "heavy" }`. A `Task` is returned as it is.

    Raises:
        ValueError: unknown name or argument (tells the nearest), or a value that cannot be used.

    Example:

    >>> build_task({"name": "SuperResolve", "factor": 2})
    SuperResolve(channels=3, factor=2, enlarge=True)
    """
    from tfwm.data import tasks

    if isinstance(settings, Task):
        return settings
    arguments = {"name": settings} if isinstance(settings, str) else dict(settings)
    name = arguments.pop("name", None)
    names = [key for key in tasks.__all__ if key not in ("Task", "build_task")]
    task = getattr(tasks, nearest("task", name, names))
    fields = [field.name for field in dataclasses.fields(task)]
    for key in arguments:
        nearest(f"argument of the task {name}", key, fields)
    try:
        return task(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Task {name}: {error}") from error
