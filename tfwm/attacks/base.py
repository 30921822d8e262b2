import keras
import numpy as np
import tensorflow as tf

from tfwm.ops.random import replica_seed


@keras.saving.register_keras_serializable(package="tfwm")
class Attack(keras.layers.Layer):
    """Base class of all attacks: layers that damage a watermarked image.

    An attack acts whenever it is called, in training and in inference. It works in
    float32 inside and returns the layer's compute dtype. Write your own by
    implementing `apply`, a function of its arguments only:

    ```python
    class Darken(tfwm.attacks.Attack):
        def apply(self, image, seed, cover=None):
            return image * tf.random.stateless_uniform((), seed, 0.5, 1.0)
    ```

    Args:
        seed: integer, makes the noise repeatable; `None` for another one each time.
            An attack inside `RandomChoice`, `Chain` or `Ramp` gets its noise from
            the seed of the outermost one. Each replica of a `tf.distribute`
            strategy draws its own noise. The state of the noise is saved with the
            weights, so that a resumed training goes on with fresh noise.

    Call arguments:
        image: the watermarked image, NHWC floats in [0, 1]. It may stray a little
            outside; an attack clips only where the real one does.
        cover: the image before the watermark, of the same shape, for attacks that
            put parts of it back. Optional.
        training: with `False` the counters of `Ramp` stay as they are.

    Output shape:
        That of `image`.
    """

    def __init__(self, seed=None, **kwargs):
        # Without autocast a mixed precision policy leaves the 1/255 steps of images alone.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, image_shape, cover_shape=None):
        self.built = True

    def call(self, image, cover=None, training=None):
        if training is not False:
            self.advance()
        cover = None if cover is None else tf.cast(cover, tf.float32)
        attacked = self.apply(tf.cast(image, tf.float32), self.next_seed(), cover)
        return tf.cast(attacked, self.compute_dtype)

    def apply(self, image, seed, cover=None):
        """Returns the attacked image: the one method that a subclass implements.

        Args:
            image: float32 tensor `(batch, height, width, channels)`.
            seed: int32 tensor `(2,)` for `tf.random.stateless_*`, another one each call.
            cover: as `image`, or `None`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `apply`.")

    def next_seed(self):
        """Returns the seed of this call, int32 `(2,)`, another one on each replica."""
        return replica_seed(self.seed_generator)

    def advance(self):
        """Counts one step; attacks with a schedule override it."""

    def compute_output_shape(self, image_shape, cover_shape=None):
        return image_shape

    # Keras saves the state of seed generators nowhere; a resumed run would replay its noise.
    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["seed_state"] = np.asarray(self.seed_generator.state)

    def load_own_variables(self, store):
        weights = {key: store[key][()] for key in store.keys() if key != "seed_state"}
        super().load_own_variables(weights)
        if "seed_state" in store.keys():
            self.seed_generator.state.assign(store["seed_state"][()])

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
