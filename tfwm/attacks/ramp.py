import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.attacks.composite import check_size_is_kept, run_attack


@keras.saving.register_keras_serializable(package="tfwm")
class Ramp(Attack):
    """Lets an attack grow from nothing over a number of calls.

    At call number `n`, from 0, the attack has the share `s = min(n / steps, 1)` of its
    strength. The result is `image + s * (attacked - image)`, which works for any attack; but
    `Affine`, `GaussianNoise`, `JPEG`, `PerspectiveWarp` and `RandomResizedCrop` have their
    drawn parameters scaled by `s` instead: a mixture of an image and a warped one is a
    double image. A ramp of a `Chain` or `RandomChoice` holds for each attack in it.

    StegaStamp trains so, over 1,000 steps, or 10,000 for the warp. The number of calls
    is a weight: it is saved, and goes on when a training is resumed. Calls with
    `training=False` are not counted.

    Args:
        attack: an attack or another Keras layer.
        steps: number of calls after which the attack has its full strength.
        seed: see `Attack`.

    Example:

    >>> attack = Ramp(GaussianNoise(0.02), steps=1000)
    >>> attack(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    moves = True

    def __init__(self, attack, steps, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not isinstance(attack, keras.Layer):
            raise ValueError(f"Expected a Keras layer. Received: attack={attack!r}")
        if int(steps) < 1:
            raise ValueError(f"Expected a positive number of calls. Received: steps={steps}")
        check_size_is_kept("Ramp", [attack])
        self.attack = attack
        self.steps = int(steps)

    def build(self, image_shape, cover_shape=None):
        if not self.attack.built:
            self.attack.build(image_shape)
        self.step = self.add_weight(
            shape=(),
            dtype="float32",
            initializer="zeros",
            trainable=False,
            autocast=False,
            name="step",
        )
        self.built = True

    def advance(self):
        self.step.assign_add(1.0)
        if isinstance(self.attack, Attack):
            self.attack.advance()

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        # `advance` has already counted this call.
        own = tf.clip_by_value((self.step - 1) / self.steps, 0, 1)
        return run_attack(self.attack, image, seed, cover, own * share)

    def get_config(self):
        attack = keras.saving.serialize_keras_object(self.attack)
        return {**super().get_config(), "attack": attack, "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        attack = keras.saving.deserialize_keras_object(config["attack"])
        return cls(**{**config, "attack": attack})
