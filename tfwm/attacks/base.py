import contextlib
import contextvars

import keras
import tensorflow as tf

from tfwm.layers import SeededLayer
from tfwm.ops.warp import position_images


@keras.saving.register_keras_serializable(package="tfwm")
class Attack(SeededLayer):
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

    # Whether the attack moves pixels, linearly and alike in all channels.
    moves = False

    def __init__(self, seed=None, **kwargs):
        # Without autocast a mixed precision policy leaves the 1/255 steps of images alone.
        kwargs.setdefault("autocast", False)
        super().__init__(seed=seed, **kwargs)

    def build(self, image_shape, cover_shape=None):
        self.built = True

    def call(self, image, cover=None, training=None):
        if training is not False:
            self.advance()
        return self._attacked(image, cover, self.next_seed())

    def call_with_positions(self, image, cover=None):
        """Attacks like a call in training, and tells where pixels come from.

        Args:
            image: see `Attack`.
            cover: see `Attack`.

        Returns:
            The attacked image, and positions `(batch, height, width, 3)`: `x` and `y` in the
            image from which each pixel comes, both from 0 to 1, and 0.5, or another number
            where a pixel is not of the image. What only changes values changes no position.
        """
        self.advance()
        seed = self.next_seed()
        positions = position_images(tf.shape(image))
        if self.moves:
            with only_moves():
                positions = self.apply(positions, seed, tf.zeros_like(positions))
        return self._attacked(image, cover, seed), positions

    def _attacked(self, image, cover, seed):
        cover = None if cover is None else tf.cast(cover, tf.float32)
        attacked = self.apply(tf.cast(image, tf.float32), seed, cover)
        return tf.cast(attacked, self.compute_dtype)

    def apply(self, image, seed, cover=None):
        """Returns the attacked image: the one method that a subclass implements.

        Args:
            image: float32 tensor `(batch, height, width, channels)`.
            seed: int32 tensor `(2,)` for `tf.random.stateless_*`, another one each call.
            cover: as `image`, or `None`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `apply`.")

    def apply_share(self, image, seed, cover=None, share=1.0):
        """Returns the image attacked with a share of the strength: what `Ramp` calls.

        By default the attacked image fades in. Where a mixture of both images is no weaker
        attack, as with a warp, whose mixture is a double image, a subclass overrides this.

        Args:
            image: see `apply`.
            seed: see `apply`.
            cover: see `apply`.
            share: float32 tensor `()` from 0, nothing, to 1, all of it.
        """
        return image + share * (self.apply(image, seed, cover) - image)

    def advance(self):
        """Counts one step; attacks with a schedule override it."""

    def compute_output_shape(self, image_shape, cover_shape=None):
        return image_shape


_ONLY_MOVES = contextvars.ContextVar("only_moves", default=False)


@contextlib.contextmanager
def only_moves():
    """Within it, attacks inside others are left out unless they move pixels."""
    token = _ONLY_MOVES.set(True)
    try:
        yield
    finally:
        _ONLY_MOVES.reset(token)


def is_left_out(attack):
    """Whether an attack inside another one is left out, see `only_moves`."""
    return _ONLY_MOVES.get() and not getattr(attack, "moves", False)
