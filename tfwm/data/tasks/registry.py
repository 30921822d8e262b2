import dataclasses
import difflib

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
    known = {key.lower(): key for key in tasks.__all__ if key not in ("Task", "build_task")}
    if name not in known.values():
        near = difflib.get_close_matches(str(name).lower(), known, 1, 0.0)[0]
        raise ValueError(f"Unknown task {name!r}; the nearest is {known[near]!r}")
    task = getattr(tasks, name)
    fields = [field.name for field in dataclasses.fields(task)]
    for key in arguments:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, 0.4)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            known = ", ".join(fields) or "none"
            raise ValueError(f"Task {name}: unknown argument {key!r}; known: {known}{hint}")
    try:
        return task(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Task {name}: {error}") from error
