"""Random numbers that are repeatable by seed and differ between replicas."""

import tensorflow as tf

# The automatic choice gives the same numbers on a CPU, but is 30 times slower under XLA.
ALGORITHM = "philox"


def uniform(shape, seed, low=0.0, high=1.0, dtype=tf.float32):
    """Returns uniform numbers in [low, high) for a stateless seed `(2,)`."""
    return tf.random.stateless_uniform(shape, seed, low, high, dtype, alg=ALGORITHM)


def normal(shape, seed):
    """Returns standard normal float32 numbers for a stateless seed `(2,)`."""
    return tf.random.stateless_normal(shape, seed, alg=ALGORITHM)


def replica_seed(seed_generator):
    """Returns the next stateless seed of a generator, different on every replica.

    A `keras.random.SeedGenerator` counts the same on each replica of a `tf.distribute`
    strategy, so all replicas would draw the same noise. If there are several, their numbers
    are mixed into the seed.

    Args:
        seed_generator: a `keras.random.SeedGenerator`.

    Returns:
        int32 tensor `(2,)` for `tf.random.stateless_*`.
    """
    seed = tf.cast(seed_generator.next(), tf.int32)
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return seed
    return tf.random.fold_in(seed, context.replica_id_in_sync_group, alg=ALGORITHM)


def split_seed(seed, num):
    """Returns a list of `num` independent seeds from one seed `(2,)`."""
    return tf.unstack(tf.random.split(seed, num, alg=ALGORITHM))


def draw_strength(strength, seed, batch_size):
    """Draws one number per image.

    Args:
        strength: a number, or a pair `(low, high)`.
        seed: int32 tensor `(2,)`.
        batch_size: number of images.

    Returns:
        float32 tensor: `()` for a number, `(batch,)`, uniform in `[low, high)`, for a pair.
    """
    if not isinstance(strength, tuple):
        return tf.constant(strength, tf.float32)
    low, high = strength
    return uniform((batch_size,), seed, low, high)


def draw_integer(strength, seed, batch_size):
    """Draws one integer per image, from `low` to `high` inclusive; see `draw_strength`."""
    if not isinstance(strength, tuple):
        return tf.constant(strength, tf.int32)
    low, high = strength
    return uniform((batch_size,), seed, low, high + 1, tf.int32)


def per_image(value):
    """Reshapes one value per image `(batch,)` to multiply NHWC images; a scalar is unchanged."""
    return value if value.shape.rank == 0 else tf.reshape(value, (-1, 1, 1, 1))
