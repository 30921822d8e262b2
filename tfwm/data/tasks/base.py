"""What a task is: it makes a pair of input and target from a photo."""

import dataclasses

import tensorflow as tf

from tfwm.data.sources import read_photos


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

    def _set(self, **values):
        """Sets fields to their checked values in `__post_init__`."""
        for key, value in values.items():
            object.__setattr__(self, key, value)


@dataclasses.dataclass(frozen=True)
class Restoration(Task):
    """Base class of tasks whose target is the photo itself, gray or colour.

    Args:
        channels: 1 for gray photos, 3 for colour.
    """

    channels: int = 3

    def __post_init__(self):
        if self.channels not in (1, 3):
            raise ValueError(f"Expected 1 or 3. Received: channels={self.channels!r}")

    @property
    def channels_in(self):
        return self.channels

    @property
    def channels_out(self):
        return self.channels
