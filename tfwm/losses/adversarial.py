"""The loss of a critic that is trained beside an embedder."""

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers.base import Configured, add_number


@keras.saving.register_keras_serializable(package="tfwm")
class AdversarialLoss(Configured, keras.layers.Layer):
    """Trains a critic beside an embedder, and the embedder to mislead it.

    The layer returns the sum of two losses: the critic's, for which the image is a constant, and
    `weight` times the embedder's, for which the critic is a constant. So one ordinary training
    step with one optimizer trains both, under any strategy. MBRS, section 3.3
    (its code updates the critic first, with a separate optimizer; as Adam's steps do not depend
    on a loss's scale, the critic's steps are the same here).

    Args:
        critic: `keras.Model` from images to a logit, positive for a cover.
        weight: weight of the embedder's loss.
        kind: `"logistic"`, cross-entropies of the logit; or `"wasserstein"`, for a critic
            with clipped weights: the difference of its mean outputs, as in StegaStamp (whose
            critic has the opposite sign, and RMSProp with a tenth of the learning rate).
        start: step of training, from 0, before which neither the critic nor the embedder sees
            this loss; 1,500 in StegaStamp.
        ramp_steps: steps from 0 until the embedder's loss has its whole weight, to which it rises
            linearly; 15,000 in StegaStamp, 0 for all at once.

    Call arguments:
        inputs: `[watermarked, cover]`, both `(batch, height, width, channels)` in [0, 1].
        training: steps are counted, and the statistics of the critic's normalization change,
            only if `True`.

    Returns:
        The loss, a float32 scalar.

    Example:

    >>> from tfwm.models.critic import build_critic
    >>> layer = AdversarialLoss(build_critic(width=8), weight=1e-4)
    >>> image = np.full((2, 32, 32, 3), 0.5, "float32")
    >>> layer([image + 0.1, image], training=True).shape
    TensorShape([])
    """

    def __init__(self, critic, weight=1e-4, kind="logistic", start=0, ramp_steps=0, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if min(start, ramp_steps) < 0:
            raise ValueError(
                "Expected start and ramp_steps of at least 0. "
                f"Received: start={start}, ramp_steps={ramp_steps}"
            )
        self.kind = one_of("kind", kind, KINDS)
        self.critic = critic
        self.weight = weight
        self.start = start
        self.ramp_steps = ramp_steps
        self.step = add_number(self, "step")

    def build(self, input_shape):
        if not self.critic.built:
            self.critic(keras.KerasTensor(input_shape[0]))
        self.built = True

    def call(self, inputs, training=None):
        watermarked, cover = inputs
        step = tf.convert_to_tensor(self.step)
        began = tf.cast(step >= self.start, tf.float32)
        share = tf.minimum(step / self.ramp_steps, 1.0) if self.ramp_steps else 1.0
        if training:
            self.step.assign(step + 1.0)
        loss = self.critic_loss(watermarked, cover, training)
        return began * (loss + self.weight * share * self.embedder_loss(watermarked))

    def critic_loss(self, watermarked, cover, training=None):
        """Returns what the critic minimizes, a scalar; the images are constants."""
        # Both in one batch: separate batch statistics would reveal which is which.
        images = tf.concat([cover, tf.stop_gradient(watermarked)], axis=0)
        real, marked = tf.split(self.critic(images, training=training), 2)
        cost = KINDS[self.kind]
        return cost(True, real) + cost(False, marked)

    def embedder_loss(self, watermarked):
        """Returns what the embedder minimizes, a scalar; the critic is a constant."""
        fixed = [tf.stop_gradient(v.value) for v in self.critic.trainable_variables]
        states = [v.value for v in self.critic.non_trainable_variables]
        logits, _ = self.critic.stateless_call(fixed, states, watermarked, training=False)
        return KINDS[self.kind](True, logits)

    def compute_output_shape(self, input_shape):
        return ()


def _cross_entropy(is_cover, logits):
    labels = tf.fill(tf.shape(logits), float(is_cover))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


def _mean_output(is_cover, logits):
    return tf.reduce_mean(-logits if is_cover else logits)


KINDS = {"logistic": _cross_entropy, "wasserstein": _mean_output}
