"""A barrier's photos: the owner's, the attacker's, and those for the report."""

import math

from tfwm import data
from tfwm.data.tasks import build_task
from tfwm.training import ConfigError

# Shares of the photos; neither trains with the other's.
OWNER, ATTACKER = (0.0, 0.5), (0.5, 1.0)


def task_of(config):
    """Returns the task of a config."""
    try:
        task = build_task(config.task)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if task.name == "BoneSuppression" and (not config.whole or config.crops_per_photo > 1):
        raise ConfigError(
            "BoneSuppression finds the lungs in the middle of a whole radiograph: set whole=true, "
            f"and leave out crops_per_photo. Received: whole={str(config.whole).lower()}, "
            f"crops_per_photo={config.crops_per_photo}"
        )
    if config.task_specific and task.channels_in != task.channels_out:
        raise ConfigError(
            "Expected with task_specific a task whose input has the channels of its target. "
            f"Received: {task.name}, {task.channels_in} and {task.channels_out}"
        )
    return task


def training_crops(config, part):
    """Returns crops of the owner's or the attacker's part of the photos."""
    per_photo = config.crops_per_photo or None
    return _crops(config, config.photos, per_photo, part)


def test_crops(config, per_photo, photos=None):
    """Returns crops of the test photos, or of some that were read from them."""
    return _crops(config, config.test_photos if photos is None else photos, per_photo)


def test_pairs(config):
    """Returns inputs and targets of `test_images` crops of test photos, two float32 arrays."""
    return _test(config, config.test_images)


def clean_targets(config):
    """Returns the targets of `clean_images` crops of test photos."""
    return _test(config, config.clean_images)[1]


def _test(config, count):
    """Up to so many pairs, as many of each photo; of radiographs one each."""
    task = task_of(config)
    photos = task.read(config.test_photos)[:count]
    per_photo = 1 if task.name == "BoneSuppression" else math.ceil(count / len(photos))
    crops = test_crops(config, per_photo, photos)[:count]
    return data.all_pairs(crops, task, config.seed)


def _crops(config, source, per_photo, part=(0.0, 1.0)):
    task, side = task_of(config), config.crop_size
    return data.task_crops(source, task, side, config.seed, per_photo, config.whole, part)
