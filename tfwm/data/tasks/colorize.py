"""Colorization: gray photos to color."""

import dataclasses

from tfwm.data.tasks.base import Task
from tfwm.ops.color import rgb_to_gray


@dataclasses.dataclass(frozen=True)
class Colorize(Task):
    """Gives a gray photo its colours: the input is the BT.601 luma of the target.

    Reference:
        Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR
        2017 (there in Lab); Wu et al., "Watermarking neural networks with watermarked images",
        2020, Table I.

    Example:

    >>> gray, colour = Colorize().pair(tf.zeros((32, 48, 3)), seed=(0, 1))
    >>> gray.shape
    TensorShape([32, 48, 1])
    """

    channels_in = 1

    def pair(self, photo, seed):
        photo = self.checked(photo)
        return rgb_to_gray(photo), photo
