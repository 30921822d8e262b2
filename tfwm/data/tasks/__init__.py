"""Image-to-image tasks: pairs of an input and a target, made from photos or read from files."""

from tfwm.data.tasks.base import Task, build_task
from tfwm.data.tasks.bone_suppression import BoneSuppression
from tfwm.data.tasks.paired import Paired
from tfwm.data.tasks.restoration import Denoise, Derain, Edit, SuperResolve
from tfwm.data.tasks.translation import Colorize, EdgesToPhoto

__all__ = [
    "BoneSuppression",
    "Colorize",
    "Denoise",
    "Derain",
    "EdgesToPhoto",
    "Edit",
    "Paired",
    "SuperResolve",
    "Task",
    "build_task",
]
