import keras
import tensorflow as tf


class LossBalance(keras.layers.Layer):
    """Base of layers that weigh several losses against each other while they train.

    Derive from it and write `combine`. Each loss and each weight is a metric, `loss_<name>`
    and `weight_<name>`, means over the epoch. Everything is computed in float32.

    Args:
        terms: dict of names to Keras losses, of which the mean over the batch is taken. The
            one named `"message"` compares logits with bits, the others watermarked images
            with covers; by custom `"image"` and `"perceptual"`.

    Call arguments:
        inputs: dict of `"watermarked"` and `"cover"`, `(batch, height, width, channels)` in
            [0, 1], and of `"logits"` and `"message"`, `(batch, ...)`.
        training: state moves only if `True`; the loss is added always.

    Returns:
        The combined loss, a scalar, which is added to the model's as well.
    """

    def __init__(self, terms, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if "message" not in terms or not all(
            isinstance(loss, keras.losses.Loss) for loss in terms.values()
        ):
            raise ValueError(
                'Expected a dict of Keras losses, with one named "message". '
                f"Received: terms={terms!r}"
            )
        self.terms = dict(terms)
        self.trackers = {
            f"{kind}_{name}": keras.metrics.Mean(name=f"{kind}_{name}")
            for name in self.terms
            for kind in ("loss", "weight")
        }

    def combine(self, values, training):
        """Weighs the losses.

        Args:
            values: dict of names to losses, float32 scalars.
            training: whether state may move.

        Returns:
            The total, and a dict of names to what each loss is multiplied by.
        """
        raise NotImplementedError

    def measure(self, loss, truth, prediction):
        """Computes one loss, for classes that change its settings as they go."""
        # Called as a whole it divides by the number of replicas, and `add_loss` does so again.
        return tf.reduce_mean(loss.call(truth, prediction))

    def call(self, inputs, training=None):
        values = {}
        for name, loss in self.terms.items():
            pair = ("message", "logits") if name == "message" else ("cover", "watermarked")
            values[name] = tf.cast(self.measure(loss, *(inputs[key] for key in pair)), tf.float32)
        total, weights = self.combine(values, training)
        for name in self.terms:
            self.trackers[f"loss_{name}"].update_state(values[name])
            self.trackers[f"weight_{name}"].update_state(weights[name])
        self.add_loss(total)
        return total

    def compute_output_shape(self, input_shape):
        return ()

    def per_term(self, argument, given, defaults):
        """Returns a dict with a positive number for each term, from an argument of that name."""
        given = given or {}
        values = {name: given.get(name, defaults.get(name)) for name in self.terms}
        if set(given) - set(values) or not all(value and value > 0 for value in values.values()):
            raise ValueError(
                f"Expected {argument} to have a number above 0 for each of {list(self.terms)}. "
                f"Received: {argument}={given}"
            )
        return values

    def get_config(self):
        terms = {name: keras.losses.serialize(loss) for name, loss in self.terms.items()}
        return {**super().get_config(), "terms": terms}

    @classmethod
    def from_config(cls, config):
        terms = {name: keras.losses.deserialize(loss) for name, loss in config["terms"].items()}
        return cls(**{**config, "terms": terms})
