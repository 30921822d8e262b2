"""Image-to-image tasks: pairs of an input and a target, made from photos or read from files."""

from tfwm.data.tasks.base import Task
from tfwm.data.tasks.bone_suppression import BoneSuppression
from tfwm.data.tasks.colorize import Colorize
from tfwm.data.tasks.denoise import Denoise
from tfwm.data.tasks.derain import Derain
from tfwm.data.tasks.edges_to_photo import EdgesToPhoto
from tfwm.data.tasks.edit import Edit
from tfwm.data.tasks.paired import Paired
from tfwm.data.tasks.registry import build_task
from tfwm.data.tasks.super_resolve import SuperResolve

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
