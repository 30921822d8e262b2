"""The trainer of networks that carry a message."""

import keras
import tensorflow as tf

from tfwm.attacks import Attack, Chain
from tfwm.checks import number_or_range
from tfwm.layers import RandomMessage
from tfwm.ops.random import draw_strength
from tfwm.training.base import Trainer, build_part


@keras.saving.register_keras_serializable(package="tfwm")
class WatermarkTrainer(Trainer):
    """Trains an embedder and an extractor together, with an attack between them.

    Cover -> embedder -> attack -> extractor -> logits. It is a plain `keras.Model`. Pass the
    losses of `"watermarked"` (compared with the cover) and `"logits"` (compared with the
    message) to `compile`, and covers to `fit`. Any callback, metric, optimizer or
    `tf.distribute` strategy works.

    Args:
        embedder: model from `{"image", "message", "strength"}` to the watermarked image.
        extractor: model from an image to the logits.
        message_shape: shape of one message, for instance `(4, 4, 1)`.
        attack: a `tfwm.attacks.Attack`, or any Keras layer that keeps the image's shape.
            None by default.
        validation_attack: the attack outside training, `attack` by default.
        hold_psnr: a `tfwm.losses.HoldPSNR`, the image's loss with its own multiplier, or `None`
            for the losses of `compile` only.
        adversary: a `tfwm.losses.AdversarialLoss`, or `None`.
        balance: a `tfwm.losses.LossBalance`, which holds and weighs the losses, or `None`. With
            it, `compile` needs no losses; losses of `compile` are added.
        phases: a `tfwm.layers.RandomPhases`, whose filters stand between photos and networks, so
            that marks can be read with one key only, or `None`.
        alignment: a `tfwm.losses.AlignmentLoss`, which teaches the extractor's spatial transformer
            where the attack moved the image, or `None`. It needs an attack.
        strength: factor on the mark in training, or a pair `(low, high)` to draw one per image, so
            that the extractor learns weaker marks as well. It is 1 in validation.
        seed: integer for the random messages and strengths.

    Call arguments:
        inputs: covers `(batch, height, width, channels)` in [0, 1], or a dict
            `{"image": covers, "message": messages}` to choose the messages.

    Returns:
        A dict with `"watermarked"`, `"attacked"`, `"logits"` and `"message"`; in training with an
        `alignment` also its `"parameters"` and `"positions"`.

    Example:

    >>> trainer = WatermarkTrainer(
    ...     tfwm.models.redmark.build_embedder(),
    ...     tfwm.models.redmark.build_extractor(),
    ...     message_shape=(4, 4, 1),
    ...     attack=tfwm.attacks.GaussianNoise(3 / 255),
    ... )
    >>> trainer.compile(
    ...     optimizer="adam",
    ...     loss={"watermarked": tfwm.losses.SSIMLoss(), "logits": tfwm.losses.MessageLoss()},
    ...     loss_weights={"watermarked": 3.0, "logits": 1.0},
    ... )
    >>> history = trainer.fit(np.random.rand(64, 32, 32, 1), batch_size=32, verbose=0)
    """

    def __init__(
        self,
        embedder,
        extractor,
        message_shape,
        attack=None,
        validation_attack=None,
        hold_psnr=None,
        adversary=None,
        balance=None,
        phases=None,
        alignment=None,
        strength=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.embedder = embedder
        self.extractor = extractor
        self.message_shape = tuple(message_shape)
        self.attack = _as_attack(attack)
        self.validation_attack = _as_attack(validation_attack)
        self.hold_psnr = hold_psnr
        self.adversary = adversary
        self.balance = balance
        self.phases = phases
        self.alignment = alignment
        self.strength = number_or_range("strength", strength)
        self.seed = seed
        self.random_message = RandomMessage(self.message_shape, seed=seed)
        if alignment is not None:
            if attack is None:
                raise ValueError(
                    "Expected an attack, from whose moves `alignment` learns. Received: None"
                )
            if phases is not None:
                raise ValueError(
                    "Expected phases or an alignment, which reads unfiltered images. Received: both"
                )
            parameters = keras.tree.flatten(extractor.get_layer(alignment.layer).output)[0]
            self.reader = keras.Model(extractor.input, [extractor.output, parameters])

    def build(self, input_shape):
        shape = input_shape["image"] if isinstance(input_shape, dict) else input_shape
        build_part(self.attack, shape)
        build_part(self.validation_attack, shape)
        build_part(self.random_message, shape)
        build_part(self.hold_psnr, [shape, shape])
        build_part(self.adversary, [shape, shape])
        build_part(self.balance, None)
        build_part(self.phases, shape)
        build_part(self.alignment, None)
        super().build(input_shape)

    def call(self, inputs, training=None):
        if isinstance(inputs, dict):
            cover, message = inputs["image"], inputs["message"]
        else:
            cover, message = inputs, self.random_message(inputs)
        strength = tf.ones_like(cover[:, 0, 0, 0])
        if training and self.strength not in (1.0, (1.0, 1.0)):
            seed = self.random_message.next_seed()
            strength *= draw_strength(self.strength, seed, tf.shape(cover)[0])
        filters = None if self.phases is None else self.phases(cover)
        watermarked = self._embedded(cover, message, strength, filters, training)
        attack = self.attack if training else self.validation_attack or self.attack
        learned = {}
        if training and self.alignment is not None:
            attacked, learned["positions"] = attack.call_with_positions(watermarked, cover)
            logits, learned["parameters"] = self.reader(attacked, training=True)
        else:
            attacked = watermarked
            if attack is not None:
                attacked = attack(watermarked, cover=cover, training=training)
            seen = attacked if filters is None else self.phases.apply(attacked, filters)
            logits = self.extractor(seen, training=training)
        return {
            "watermarked": watermarked,
            "attacked": attacked,
            "logits": logits,
            "message": message,
            **learned,
        }

    def _embedded(self, cover, message, strength, filters, training):
        seen = cover if filters is None else self.phases.apply(cover, filters)
        inputs = {"image": seen, "message": message, "strength": strength}
        watermarked = self.embedder(inputs, training=training)
        return (
            watermarked
            if filters is None
            else cover + self.phases.undo(watermarked - seen, filters)
        )

    def penalties(self, inputs, outputs, training):
        """See `Trainer.penalties`: of what holds, misleads, balances and aligns."""
        cover = _cover(inputs)
        images = [outputs["watermarked"], cover]
        terms = self.adversary_loss(images, training)
        if training and self.hold_psnr is not None:
            terms.append(self.hold_psnr(images, training=True))
        if training and self.alignment is not None:
            terms.append(self.alignment([outputs["parameters"], outputs["positions"]]))
        if self.balance is not None:
            compared = {key: outputs[key] for key in ("watermarked", "logits", "message")}
            terms.append(self.balance({**compared, "cover": cover}, training=training))
        return terms

    def targets(self, inputs, outputs):
        """See `Trainer.targets`. Covers and the drawn messages are the truth."""
        return {"watermarked": _cover(inputs), "logits": outputs["message"]}


def _cover(inputs):
    return inputs["image"] if isinstance(inputs, dict) else inputs


def _as_attack(attack):
    return attack if attack is None or isinstance(attack, Attack) else Chain([attack])
