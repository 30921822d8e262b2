"""The trainer of plain image-to-image networks: tasks and surrogates."""

import keras

from tfwm.training.base import Trainer, build_part


@keras.saving.register_keras_serializable(package="tfwm")
class TranslationTrainer(Trainer):
    """Trains an image-to-image network on pairs: a model's task, or a surrogate of it.

    Pass the task's loss to `compile` (L1, L2, `tfwm.losses.PerceptualLoss`, or your own) and
    pairs to `fit`. With an adversary, a critic is trained as well, which tells the pairs'
    targets from the network's outputs.

    Args:
        network: `keras.Model` from an image to an image, both in [0, 1].
        adversary: a `tfwm.losses.AdversarialLoss`, or `None`.

    Call arguments:
        inputs: dict of `"input"` and `"target"`, images `(batch, height, width, channels)`.

    Returns:
        A dict with the `"output"`, of the target's shape.

    Example:

    >>> from tfwm.models import translators
    >>> trainer = TranslationTrainer(translators.build_unet(width=4, depth=2))
    >>> trainer.compile("adam", loss={"output": "mse"})
    >>> rain, clean = np.random.rand(2, 8, 32, 32, 3)
    >>> history = trainer.fit({"input": rain, "target": clean}, batch_size=4, verbose=0)
    """

    def __init__(self, network, adversary=None, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.adversary = adversary

    def build(self, input_shape):
        if self.adversary is not None:
            build_part(self.adversary, [input_shape["target"]] * 2)
        super().build(input_shape)

    def call(self, inputs, training=None):
        return {"output": self.network(inputs["input"], training=training)}

    def penalties(self, inputs, outputs, training):
        """See `Trainer.penalties`: the adversary's."""
        return self.adversary_loss([outputs["output"], inputs["target"]], training)

    def targets(self, inputs, outputs):
        return {"output": inputs["target"]}
