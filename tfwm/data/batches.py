"""Batches for training: what is in a batch depends on the seed and the batch's number only.

A training that is resumed at `first_step` therefore sees the very batches that it would have seen
without the interruption.
"""

import tensorflow as tf

from tfwm.ops.random import split_seed, uniform

# What TensorFlow puts before the two numbers of a seed.
PADDING = 498247692


def patch_dataset(patches, batch_size, seed=0, first_step=0, augment=True):
    """Return endless shuffled batches of patches.

    Every patch comes once in each epoch, in another order each time.

    Args:
        patches: uint8 array `(n, height, width, channels)`.
        batch_size: patches in a batch, over all replicas.
        seed: integer.
        first_step: number of batches to leave out.
        augment: whether to mirror each batch left-right and up-down at random.

    Returns:
        `tf.data.Dataset` of float32 `(batch_size, height, width, channels)` in [0, 1].

    Example:

    >>> batches = patch_dataset(np.zeros((100, 32, 32, 1), "uint8"), batch_size=8)
    >>> next(iter(batches)).shape
    TensorShape([8, 32, 32, 1])
    """
    table = tf.constant(patches)

    def to_batch(step):
        numbers = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        batch = tf.gather(table, _shuffled(numbers, len(patches), seed))
        if augment:
            for axis, flip_seed in zip((1, 2), split_seed([seed, step], 2), strict=True):
                batch = _flipped(batch, axis, flip_seed)
        batch = tf.ensure_shape(batch, (batch_size, *patches.shape[1:]))
        return tf.image.convert_image_dtype(batch, tf.float32)

    steps = tf.data.Dataset.counter(first_step)
    return steps.map(to_batch, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def pair_dataset(crops, task, batch_size, seed=0, first_step=0, repeat=True, flip=True):
    """Return batches of pairs for an image-to-image task.

    A photo gets other rain, noise or holes each time that it comes.

    Args:
        crops: uint8 array `(n, height, width, task.channels_photo)`, see `task_crops`.
        task: a `tfwm.data.tasks.Task`.
        batch_size: see `patch_dataset`, also for `seed` and `first_step`.
        repeat: whether to go on forever, in another order in each epoch, or once, in order.
        flip: whether to mirror each photo left-right at random.

    Returns:
        `tf.data.Dataset` of dicts with `"input"` and `"target"`, float32
        `(batch_size, height, width, channels)` in [0, 1]; without `repeat` the last batch may be
        smaller.

    Example:

    >>> from tfwm.data.tasks import Derain
    >>> crops = task_crops("bundled:train", Derain(), crop_size=64, per_photo=2)
    >>> batch = next(iter(pair_dataset(crops, Derain(), batch_size=4)))
    >>> batch["input"].shape, batch["target"].shape
    (TensorShape([4, 64, 64, 3]), TensorShape([4, 64, 64, 3]))
    """
    table = tf.constant(crops)
    count = len(crops)

    def to_pair(number):
        index = _shuffled(number, count, seed) if repeat else number
        flip_seed, task_seed = split_seed([seed, number], 2)
        photo = tf.image.convert_image_dtype(table[index], tf.float32)
        if flip:
            photo = _flipped(photo, 1, flip_seed)
        photo = tf.ensure_shape(photo, crops.shape[1:])
        return dict(zip(("input", "target"), task.pair(photo, task_seed), strict=True))

    first = first_step * batch_size
    numbers = tf.data.Dataset.counter(first) if repeat else tf.data.Dataset.range(first, count)
    dataset = numbers.map(to_pair, tf.data.AUTOTUNE, deterministic=True)
    return dataset.batch(batch_size, drop_remainder=repeat).prefetch(tf.data.AUTOTUNE)


def all_pairs(crops, task, seed=0):
    """Return the pairs of all crops, once, in order and not mirrored.

    Args:
        crops: see `pair_dataset`, also for `task` and `seed`.

    Returns:
        Inputs and targets, float32 `(n, height, width, channels)` in [0, 1].

    Example:

    >>> from tfwm.data.tasks import Colorize
    >>> gray, color = all_pairs(np.full((2, 32, 32, 3), 99, np.uint8), Colorize())
    >>> gray.shape, color.shape
    ((2, 32, 32, 1), (2, 32, 32, 3))
    """
    pairs = pair_dataset(crops, task, len(crops), seed, repeat=False, flip=False)
    pair = next(pairs.as_numpy_iterator())
    return pair["input"], pair["target"]


def _shuffled(numbers, count, seed):
    """The index of the item with each number: another order of all `count` in each epoch."""
    epochs = numbers // count
    # `tf.random.experimental.index_shuffle` with a vector of seeds, which it cannot pad.
    seeds = tf.stack([PADDING + 0 * epochs, seed + 0 * epochs, epochs], -1)
    return tf.raw_ops.RandomIndexShuffle(
        index=numbers % count, seed=seeds, max_index=tf.constant(count - 1, tf.int64), rounds=4
    )


def _flipped(images, axis, seed):
    return tf.cond(uniform((), seed) < 0.5, lambda: tf.reverse(images, [axis]), lambda: images)
