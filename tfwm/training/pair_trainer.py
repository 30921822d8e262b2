import keras


class PairTrainer(keras.Model):
    """Base of trainers on pairs of input and target, which tell themselves what is compared.

    Derive from it, name in `PARTS` the arguments that are Keras objects, and write `call`, which
    returns a dict of outputs, and `targets`.
    """

    PARTS = ()

    def targets(self, inputs, outputs):
        """Returns what `compile`'s losses and metrics compare outputs with.

        Args:
            inputs: dict of `"input"` and `"target"`, images `(batch, height, width, channels)`.
            outputs: dict, as `call` returns it.

        Returns:
            A dict with the keys of `outputs`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `targets`.")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, self.targets(x, y_pred), y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, self.targets(x, y_pred), y_pred, sample_weight)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {"name": self.name, **{key: serialize(getattr(self, key)) for key in self.PARTS}}

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{**config, **{key: deserialize(config[key]) for key in cls.PARTS}})
