import dataclasses
import tomllib

import numpy as np
import pytest
import tensorflow as tf

from tfwm.data import tasks
from tfwm.data.tasks import build_task

ALL = [
    tasks.BoneSuppression(),
    tasks.BoneSuppression(cut=True),
    tasks.Colorize(),
    tasks.Denoise(),
    tasks.Derain(),
    tasks.EdgesToPhoto(),
    tasks.Edit(),
    tasks.SuperResolve(),
    tasks.Denoise(channels=1),
    tasks.Derain(channels=1),
    tasks.EdgesToPhoto(channels=1),
    tasks.SuperResolve(channels=1),
    tasks.Paired(channels_in=1),
]


def photo_for(task, photo, gray_photo):
    parts = {1: [gray_photo], 2: [gray_photo, 1 - gray_photo], 3: [photo], 4: [gray_photo, photo]}[
        task.channels_photo
    ]
    return np.concatenate(parts, -1)[0, :128, :96]


@pytest.mark.parametrize("task", ALL, ids=repr)
def test_pairs_in_a_dataset_and_eagerly(task, photo, gray_photo):
    image = photo_for(task, photo, gray_photo)
    seeds = tf.data.Dataset.from_tensor_slices([[0, 1], [0, 2]])
    dataset = seeds.map(lambda seed: task.pair(image, seed))
    shapes = [spec.shape for spec in dataset.element_spec]
    assert shapes == [(128, 96, task.channels_in), (128, 96, task.channels_out)]
    for seed, pair in zip(([0, 1], [0, 2]), dataset, strict=True):
        for value, again in zip(pair, task.pair(image, seed), strict=True):
            assert value.dtype == tf.float32 and 0 <= np.min(value) and np.max(value) <= 1
            np.testing.assert_allclose(value, again, atol=1e-4)
        assert np.asarray(pair[0]).std() > 0.02  # an image, and another one than the target
        assert task.channels_in != task.channels_out or np.abs(pair[0] - pair[1]).mean() > 1e-3


@pytest.mark.parametrize("task", ALL, ids=repr)
def test_settings_make_the_task_again(task):
    assert build_task(task.get_config()) == task
    assert build_task(task) is task


def test_random_tasks_draw_by_the_seed(photo):
    for task in (tasks.Denoise(), tasks.Derain(), tasks.Edit()):
        one, other = (np.asarray(task.pair(photo[0], (0, seed))[0]) for seed in (1, 2))
        assert np.abs(one - other).mean() > 1e-3


def test_photos_of_any_size_in_a_graph(photo):
    signature = [tf.TensorSpec((None, None, 3)), tf.TensorSpec((2,), tf.int32)]
    for task in (tasks.Derain(), tasks.SuperResolve(), tasks.EdgesToPhoto(), tasks.Edit()):
        pair = tf.function(task.pair, input_signature=signature)
        for height, width in ((64, 32), (40, 72)):
            made, target = pair(photo[0, :height, :width], [3, 4])
            assert made.shape[:2] == target.shape[:2] == (height, width)


def test_from_toml():
    table = tomllib.loads('task = { name = "Derain", density = "heavy", angle = [-5, 5] }')["task"]
    task = build_task(table)
    assert task.name == "Derain" and task.density == (0.25, 0.45) and task.angle == (-5.0, 5.0)
    assert build_task("Colorize") == tasks.Colorize()
    assert "name" in table  # left as it was


@pytest.mark.parametrize(
    "settings, words",
    [
        ("Derian", "did you mean 'Derain'"),
        ({"density": 1}, "Unknown task None"),
        ({"name": "task"}, "Unknown task 'task'"),
        ({"name": "Derain", "densty": 0.1}, "'densty'.* did you mean 'density'"),
        ({"name": "Colorize", "width": 3}, "'width'. Known: none"),
        ({"name": "Derain", "density": "hevy"}, "Task Derain: .*heavy.*density='hevy'"),
        ({"name": "Derain", "angle": [9, 1]}, r"angle=\[9, 1\]"),
        ({"name": "Derain", "width": 0.5}, "width=0.5"),
        ({"name": "Derain", "blend": "multiply"}, "blend='multiply'"),
        ({"name": "Denoise", "channels": 2}, "channels=2"),
        ({"name": "Denoise", "stddev": -1}, "stddev=-1"),
        ({"name": "SuperResolve", "factor": 1}, "factor=1"),
        ({"name": "SuperResolve", "enlarge": "no"}, "enlarge='no'"),
        ({"name": "BoneSuppression", "strength": 2}, "strength=2"),
        ({"name": "BoneSuppression", "strength": "all"}, "Task BoneSuppression"),
        ({"name": "BoneSuppression", "cut": "no"}, "cut='no'"),
        ({"name": "Edit", "parts": 0}, "parts=0"),
        ({"name": "Edit", "fill": 2}, "fill=2"),
        ({"name": "EdgesToPhoto", "thresholds": 0.1}, "pair"),
        ({"name": "EdgesToPhoto", "sigma": -1}, "sigma=-1"),
        ({"name": "Paired", "layout": "zip"}, "layout='zip'"),
        ({"name": "Paired", "channels_in": 2}, "channels_in=2"),
    ],
)
def test_settings_that_cannot_be_used(settings, words):
    with pytest.raises(ValueError, match=words):
        build_task(settings)


def test_wrong_photos(photo):
    with pytest.raises(ValueError, match=r"Colorize expects one photo .*\(1, 256, 256, 3\)"):
        tasks.Colorize().pair(photo, (0, 1))
    with pytest.raises(ValueError, match="BoneSuppression expects"):
        tasks.BoneSuppression().pair(photo[0], (0, 1))
    with pytest.raises(ValueError, match="multiples of 4"):
        tasks.SuperResolve().pair(photo[0, :30], (0, 1))


def test_a_task_of_ones_own(photo):
    @dataclasses.dataclass(frozen=True)
    class Lighten(tasks.Task):
        share: float = 0.5

        def pair(self, photo, seed):
            photo = self.checked(photo)
            return photo * self.share, photo

    dark, target = Lighten(0.25).pair(photo[0], (0, 1))
    np.testing.assert_allclose(dark, target / 4)
    assert Lighten().get_config() == {"name": "Lighten", "share": 0.5}
    with pytest.raises(NotImplementedError, match="Task must implement"):
        tasks.Task().pair(photo[0], (0, 1))
