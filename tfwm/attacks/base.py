"""The base class of all attacks, and what its subclasses share."""

import contextlib
import contextvars
import dataclasses

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers import SeededLayer
from tfwm.ops.filters import PADDINGS
from tfwm.ops.warp import position_images

__all__ = ["Attack"]


@keras.saving.register_keras_serializable(package="tfwm")
class Attack(SeededLayer):
    """Base class of all attacks: layers that damage a watermarked image.

    An attack acts whenever it is called, in training and in inference. It computes in
    float32 and returns the layer's compute dtype. To write your own, implement `apply`, a
    function of its arguments only:

    ```python
    class Darken(tfwm.attacks.Attack):
        def apply(self, image, seed, cover=None):
            return image * tf.random.stateless_uniform((), seed, 0.5, 1.0)
    ```

    An attack with arguments keeps each of them as an attribute of the same name, so that
    `get_config` finds it.

    Args:
        seed: integer that makes the noise repeatable, or `None` for new noise in each
            process. An attack inside `RandomChoice`, `Chain` or `Ramp` gets its noise from
            the seed of the outermost one. Each replica of a `tf.distribute` strategy
            draws its own noise. The state of the noise is saved with the weights, so that
            a resumed training continues with new noise.

    Call arguments:
        image: the watermarked image, NHWC floats in [0, 1]. Values slightly outside are
            allowed; an attack clips only where the real distortion does.
        cover: the image before the watermark, of the same shape, for attacks that
            put parts of it back. Optional.
        training: if `False`, the counters of `Ramp` do not advance.

    Output shape:
        That of `image`.

    Attributes:
        moves: whether the attack moves pixels, linearly and equally in all channels.
        twins: tuple of `Twin`, the real distortions that the attack stands for.
    """

    moves = False
    twins = ()

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
        """Attacks as a call in training does, and returns where pixels come from.

        Args:
            image: see `Attack`.
            cover: see `Attack`.

        Returns:
            The attacked image, and positions `(batch, height, width, 3)`: `x` and `y` of the
            place in the image from which each pixel comes, both from 0 to 1, then 0.5, or
            another number where a pixel does not come from the image. An attack that only
            changes values changes no position.
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
        """Returns the attacked image; the one method that a subclass must implement.

        Args:
            image: float32 tensor `(batch, height, width, channels)`.
            seed: int32 tensor `(2,)` for `tf.random.stateless_*`, different in each call.
            cover: tensor like `image`, or `None`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `apply`.")

    def apply_share(self, image, seed, cover=None, share=1.0):
        """Returns the image attacked with a share of the strength; `Ramp` calls this.

        By default the attacked image fades in. Override this where a mixture of both images
        is not a weaker attack: the mixture of an image and a warped one is a double image.

        Args:
            image: see `apply`.
            seed: see `apply`.
            cover: see `apply`.
            share: float32 tensor `()` from 0 (no attack) to 1 (full strength).
        """
        return image + share * (self.apply(image, seed, cover) - image)

    def advance(self):
        """Counts one step; attacks with a schedule override it."""

    def compute_output_shape(self, image_shape, cover_shape=None):
        return image_shape


@dataclasses.dataclass(frozen=True)
class Twin:
    """The real distortion that an attack stands for, and how closely the two agree.

    A test compares every attack with its twins on photos. Attacks that have no twin, or one
    that cannot be compared, say why.

    Args:
        distortion: its name in `tfwm.distortions`, or `None` if there is none.
        level: the level at which the two are compared.
        make: function that takes the level and returns the attack; by default the attack's
            class is called with the level.
        tolerance: largest mean absolute difference of the two results, gray levels of 255.
            Where the distortion is random, both are sorted first: the changes of pixels, or
            the pixels themselves if the size changes.
        border: share of the sides at each edge that is not compared.
        differs: why the two are not compared, or `None`.
    """

    distortion: str | None = None
    level: float | None = None
    make: object = None
    tolerance: float = 0.0
    border: float = 0.0
    differs: str | None = None

    def attack(self, kind):
        """Returns the attack at the level, for the class `kind` that names this twin."""
        if self.make:
            return self.make(self.level)
        return kind() if self.level is None else kind(self.level)


def padding_name(value):
    """Returns the name of a border treatment, or raises ValueError."""
    return one_of("padding", value, PADDINGS)


def needed_cover(attack, cover):
    """Returns `cover`, or raises ValueError if it is `None`."""
    if cover is None:
        raise ValueError(
            f"{type(attack).__name__} puts parts of the cover back, so it must be called as "
            "`attack(image, cover=cover)`. Received: cover=None"
        )
    return cover


_ONLY_MOVES = contextvars.ContextVar("only_moves", default=False)


@contextlib.contextmanager
def only_moves():
    """Leaves out, within this context, attacks inside others unless they move pixels."""
    token = _ONLY_MOVES.set(True)
    try:
        yield
    finally:
        _ONLY_MOVES.reset(token)


def is_left_out(attack):
    """Returns whether an attack inside another one is left out; see `only_moves`."""
    return _ONLY_MOVES.get() and not getattr(attack, "moves", False)


def edge_fill():
    """Returns what is beyond an edge that repeats: `None`, or among positions 0, no position."""
    return 0.0 if _ONLY_MOVES.get() else None
