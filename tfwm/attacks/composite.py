import keras

from tfwm.attacks.base import Attack, is_left_out


class CompositeAttack(Attack):
    """Base of the attacks that are made of attacks. Not public.

    Their own seeds and counters move on outside of any branch, so that branches are
    pure functions, which XLA and `tf.distribute` need.
    """

    moves = True

    def __init__(self, attacks, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        attacks = list(attacks)
        if not attacks or not all(isinstance(attack, keras.Layer) for attack in attacks):
            raise ValueError(
                "Expected a list of at least one Keras layer, such as [Identity(), JPEG(50)]. "
                f"Received: attacks={attacks}"
            )
        self.attacks = attacks

    def build(self, image_shape, cover_shape=None):
        for attack in self.attacks:
            if not attack.built:
                attack.build(image_shape)
        self.built = True

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover, None)

    def advance(self):
        for attack in self.attacks:
            if isinstance(attack, Attack):
                attack.advance()

    def get_config(self):
        attacks = [keras.saving.serialize_keras_object(attack) for attack in self.attacks]
        return {**super().get_config(), "attacks": attacks}

    @classmethod
    def from_config(cls, config):
        attacks = [keras.saving.deserialize_keras_object(attack) for attack in config["attacks"]]
        return cls(**{**config, "attacks": attacks})


def output_shape(attack, image_shape):
    """Returns the shape that an attack makes; other Keras layers must keep it."""
    shape = attack.compute_output_shape(image_shape) if isinstance(attack, Attack) else image_shape
    return tuple(shape)


def check_size_is_kept(owner, attacks):
    """Raises ValueError if one of the attacks changes the size of images."""
    probe = (1, 64, 64, 3)
    for attack in attacks:
        if output_shape(attack, probe) != probe:
            raise ValueError(
                f"{owner} needs attacks that keep the size of images; those that change it go "
                f"into a Chain or RandomChoice(per='batch'). Received: {attack!r}"
            )


def run_attack(attack, image, seed, cover, share=None):
    """Calls an attack, or any other Keras layer, on float32 images.

    With a `share` it has that share of its strength; see `Attack.apply_share`.
    """
    if is_left_out(attack):
        return image
    if isinstance(attack, Attack):
        if share is None:
            return attack.apply(image, seed, cover)
        return attack.apply_share(image, seed, cover, share)
    attacked = keras.ops.cast(attack(image), image.dtype)
    return attacked if share is None else image + share * (attacked - image)
