import keras
import numpy as np
import tensorflow as tf

from tfwm.losses.loss_balance import LossBalance


@keras.saving.register_keras_serializable(package="tfwm")
class SelfAdaptiveWeights(LossBalance):
    """Weighs losses by variances that are learned with the network, by the same optimizer.

    The total is the sum of `L / w + log(w)` over the losses. A variance `w` settles at the
    loss itself, so that each loss is asked to shrink by the same share. A small first `w` of
    the message makes it be learned first. No ramps, no other settings.

    What is trained is `log(w) / speed`, so that no step makes a variance zero or negative;
    and the variances see `L + floor`, so that a loss of 0 does not make its weight grow for
    ever. The network's gradient is that of the plain `L / w`.

    Reference: Kendall et al., CVPR 2018; for StegaStamp, the CropDefender paper, section 3.4,
    whose code trains `w` itself and cuts it off at 0.

    Args:
        terms: see `LossBalance`.
        initial: dict of the first variances; by default 0.1 for `"message"` and 1 for others.
        speed: how many times faster than the learning rate `log(w)` moves under Adam. With
            10 and a learning rate of 1e-4, a variance falls to a tenth in 2,300 steps. With
            plain SGD, whose steps grow with the gradient, take 1.
        floor: dict of the smallest variances, by default 1e-3 for all; no weight exceeds
            `1 / floor`. Without one that stops it in time, an image loss draws the training
            into a perfect image without a message: its logarithm has no end, while a
            message's cross-entropy can only fall from 0.69 to 0, or normalised to 0.31.

    Call arguments:
        inputs, training: see `LossBalance`.

    Example:

    >>> layer = SelfAdaptiveWeights(
    ...     {"image": tfwm.losses.YUVLoss(), "message": tfwm.losses.MessageLoss()}
    ... )
    >>> image, bits = np.full((1, 32, 32, 3), 0.5, "float32"), np.ones((1, 8), "float32")
    >>> total = layer(
    ...     {"watermarked": image, "cover": image, "logits": 0 * bits, "message": bits}
    ... )
    >>> round(float(layer.variance("message")), 3)
    0.1
    """

    def __init__(self, terms, initial=None, speed=10.0, floor=None, **kwargs):
        super().__init__(terms, **kwargs)
        if speed <= 0:
            raise ValueError(f"Expected a speed above 0. Received: speed={speed}")
        defaults = {name: 0.1 if name == "message" else 1.0 for name in self.terms}
        self.initial = self.per_term("initial", initial, defaults)
        self.speed = speed
        self.floor = self.per_term("floor", floor, dict.fromkeys(self.terms, 1e-3))

    def build(self, input_shape=None):
        self.scales = {
            name: self.add_weight(
                name=f"log_variance_{name}",
                shape=(),
                initializer=keras.initializers.Constant(np.log(value) / self.speed),
                dtype="float32",
            )
            for name, value in self.initial.items()
        }

    def variance(self, name):
        """Returns the variance of a loss now, a float32 scalar."""
        return tf.exp(self.speed * tf.convert_to_tensor(self.scales[name]))

    def combine(self, values, training):
        total, weights = 0.0, {}
        for name, loss in values.items():
            variance = self.variance(name)
            total += (loss + self.floor[name]) / variance + tf.math.log(variance)
            weights[name] = 1.0 / variance
        return total, weights

    def get_config(self):
        return {
            **super().get_config(),
            "initial": dict(self.initial),
            "speed": self.speed,
            "floor": dict(self.floor),
        }
