"""What a task is: it makes a pair of input and target from a photo; tasks by their names."""

import dataclasses
import functools

import tensorflow as tf

from tfwm.checks import nearest, one_of
from tfwm.data.sources import open_photos, read_photos

# Classes by name, as recipes write it: each class that implements `pair`.
TASKS = {}


def checked_field(default, check, **limits):
    """Return a field of a task, set to what `check(name, value, **limits)` returns for it."""
    check = functools.partial(check, **limits)
    return dataclasses.field(default=default, metadata={"check": check})


def number(name, value, low=0.0, high=1.0):
    """Return `value` if it is a number from `low` to `high`, or raise ValueError."""
    if not low <= value <= high:
        raise ValueError(f"Expected {low:g} to {high:g}. Received: {name}={value!r}")
    return value


@dataclasses.dataclass(frozen=True)
class Task:
    """Base class of all tasks: what a network is given, and what it is to make of it.

    A task makes a pair of images, input and target, from a photo. Write your own as a frozen
    dataclass that implements `pair`, a function of its arguments only:

    ```python
    @dataclasses.dataclass(frozen=True)
    class Lighten(tfwm.data.tasks.Task):
        share: float = 0.5

        def pair(self, photo, seed):
            photo = self.checked(photo)
            return photo * self.share, photo
    ```

    Attributes:
        name: name of the class, as recipes write it.
        channels_in: channels of the input, 1 gray or 3 colour.
        channels_out: channels of the target.
        channels_photo: channels of the photo that `pair` takes.
    """

    channels_in = 3
    channels_out = 3

    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        if "pair" in vars(cls):
            TASKS[cls.__name__] = cls

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if check := field.metadata.get("check"):
                value = check(field.name, getattr(self, field.name))
                object.__setattr__(self, field.name, value)

    @property
    def name(self):
        return type(self).__name__

    @property
    def channels_photo(self):
        return self.channels_out

    def pair(self, photo, seed):
        """Returns input and target.

        Args:
            photo: float `(height, width, channels_photo)` in [0, 1].
            seed: two integers or a tensor `(2,)`; the same seed draws the same again.

        Returns:
            float32 `(height, width, channels_in)` and `(height, width, channels_out)`.
        """
        raise NotImplementedError(f"{self.name} must implement `pair`.")

    def read(self, source):
        """Returns the photos of a source, as `read_photos` does, with the task's channels."""
        return read_photos(source, self.channels_photo)

    def open(self, source):
        """Returns the same without reading them, a `PhotoSequence`."""
        return open_photos(source, self.channels_photo)

    def get_config(self):
        """Returns a dict from which `build_task` makes the task again."""
        return {"name": self.name, **dataclasses.asdict(self)}

    def checked(self, photo):
        """Returns the photo as a float32 tensor, or raises ValueError."""
        photo = tf.convert_to_tensor(photo, tf.float32)
        if photo.shape.rank != 3 or photo.shape[-1] not in (None, self.channels_photo):
            raise ValueError(
                f"{self.name} expects one photo (height, width, {self.channels_photo}). "
                f"Received: shape={tuple(photo.shape)}"
            )
        return tf.ensure_shape(photo, (None, None, self.channels_photo))


@dataclasses.dataclass(frozen=True)
class Restoration(Task):
    """Base class of tasks whose target is the photo itself, gray or colour.

    Args:
        channels: 1 for gray photos, 3 for colour.
    """

    channels: int = checked_field(3, one_of, choices=(1, 3))

    @property
    def channels_in(self):
        return self.channels

    @property
    def channels_out(self):
        return self.channels


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
    if isinstance(settings, Task):
        return settings
    arguments = {"name": settings} if isinstance(settings, str) else dict(settings)
    name = arguments.pop("name", None)
    task = TASKS[nearest("task", name, TASKS)]
    fields = [field.name for field in dataclasses.fields(task)]
    for key in arguments:
        nearest(f"argument of the task {name}", key, fields)
    try:
        return task(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Task {name}: {error}") from error
