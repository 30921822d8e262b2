import tensorflow as tf


def patch_dataset(patches, batch_size, seed=0, augment=True):
    """Endless shuffled batches of patches, repeatable by seed.

    Args:
        patches: uint8 array `(n, height, width, channels)`.
        batch_size: patches a batch, over all replicas.
        seed: integer; start a resumed training with another one.
        augment: also mirror each batch left-right and up-down at random.

    Returns:
        `tf.data.Dataset` of float32 `(batch_size, height, width, channels)` in [0, 1].

    Example:

    >>> batches = patch_dataset(np.zeros((100, 32, 32, 1), "uint8"), batch_size=8)
    >>> next(iter(batches)).shape
    TensorShape([8, 32, 32, 1])
    """
    table = tf.constant(patches)

    def to_batch(indices, draw):
        batch = tf.gather(table, indices)
        if augment:
            flips = tf.random.stateless_uniform((2,), draw) < 0.5
            batch = tf.cond(flips[0], lambda: tf.reverse(batch, [1]), lambda: batch)
            batch = tf.cond(flips[1], lambda: tf.reverse(batch, [2]), lambda: batch)
        batch = tf.ensure_shape(batch, (batch_size, *patches.shape[1:]))
        return tf.image.convert_image_dtype(batch, tf.float32)

    indices = tf.data.Dataset.range(len(patches))
    indices = indices.shuffle(len(patches), seed=seed, reshuffle_each_iteration=True)
    indices = indices.repeat().batch(batch_size, drop_remainder=True)
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=False).batch(2)
    dataset = tf.data.Dataset.zip(indices, draws).map(to_batch)
    return dataset.prefetch(tf.data.AUTOTUNE)
