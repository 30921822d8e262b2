"""Pairs for image-to-image tasks, made from crops by their numbers."""

import tensorflow as tf

from tfwm.ops.random import split_seed


def pair_dataset(crops, task, first_step=0):
    """Return endless batches of pairs for an image-to-image task.

    A photo gets other rain, noise or holes each time that it comes.

    Args:
        crops: a `CropStream` of crops with `task.channels_photo` channels.
        task: a `tfwm.data.tasks.Task`.
        first_step: number of batches to leave out.

    Returns:
        `tf.data.Dataset` of dicts with `"input"` and `"target"`, float32
        `(batch_size, height, width, channels)` in [0, 1].

    Example:

    >>> from tfwm.data.tasks import Derain
    >>> crops = CropStream("bundled:train", 64, batch_size=4, mirror="left-right")
    >>> batch = next(iter(pair_dataset(crops, Derain())))
    >>> batch["input"].shape, batch["target"].shape
    (TensorShape([4, 64, 64, 3]), TensorShape([4, 64, 64, 3]))
    """
    index, workers = crops.worker
    numbers = tf.data.Dataset.counter(first_step * crops.batch_size // workers)
    pairs = tf.data.Dataset.zip(numbers, crops.integers(first_step).unbatch()).map(
        lambda number, crop: _pair(crop, task, [crops.seed, number * workers + index]),
        tf.data.AUTOTUNE,
        deterministic=True,
    )
    pairs = pairs.batch(crops.batch_size, drop_remainder=True).prefetch(2)
    return pairs.with_options(crops.options)


def all_pairs(crops, task, seed=0):
    """Return the pairs of all crops, once, in order and not mirrored.

    Args:
        crops: uint8 array `(n, height, width, task.channels_photo)`, see `task_crops`.
        task: see `pair_dataset`.
        seed: integer.

    Returns:
        Inputs and targets, float32 `(n, height, width, channels)` in [0, 1].

    Example:

    >>> from tfwm.data.tasks import Colorize
    >>> gray, color = all_pairs(np.full((2, 32, 32, 3), 99, np.uint8), Colorize())
    >>> gray.shape, color.shape
    ((2, 32, 32, 1), (2, 32, 32, 3))
    """
    numbered = tf.data.Dataset.range(len(crops)), tf.data.Dataset.from_tensor_slices(crops)
    pairs = tf.data.Dataset.zip(*numbered).map(
        lambda number, crop: _pair(crop, task, [seed, number]), tf.data.AUTOTUNE, deterministic=True
    )
    pair = next(pairs.batch(len(crops)).as_numpy_iterator())
    return pair["input"], pair["target"]


def _pair(crop, task, seed):
    # The first of both was for mirroring, and is so in what was measured.
    _, task_seed = split_seed(seed, 2)
    photo = tf.image.convert_image_dtype(crop, tf.float32)
    return dict(zip(("input", "target"), task.pair(photo, task_seed), strict=True))
