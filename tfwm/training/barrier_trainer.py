"""The trainer of barriers, which mark the outputs of a model."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.training.base import Trainer, build_part
from tfwm.training.carrier import common_part, learnable_part
from tfwm.training.simulated import innocent_outputs

SOURCES = ("target", "input")


@keras.saving.register_keras_serializable(package="tfwm")
class BarrierTrainer(Trainer):
    """Trains a barrier: an embedder that marks a model's outputs, and the mark's extractor.

    It trains on pairs of a model's input A and output B, as in Zhang et al. 2020, section
    "Proposed method":

    * initial stage (Fig. 3): B -> embedder -> B'. B' (`"watermarked"`) is compared with B,
      eq. 6 and 7. What the extractor reads from B' (`"extracted"`) is compared with the
      watermark, eq. 9; what it reads from A and B (`"clean"`) with the blank image; and what it
      reads from all marked images of a batch with its mean (`"consistency"`, half of eq. 10's
      mean over all pairs).
    * adversarial stage: the same with `embedder.trainable = False` and a `surrogate`, a network
      trained on A and B'. What the extractor reads from its outputs B'' (`"surrogate"`) is
      compared with the watermark. With `unrelated` (ours), a network trained on A and B, its
      outputs count as clean too: otherwise the extractor may find the mark in the outputs of
      every network.

    With `"other"` among the inputs (ours), images of other kinds count as clean in both stages:
    otherwise the extractor may find the mark in whatever A and B do not look like.

    Outputs of `innocent` networks (ours) count as clean in both stages, for the same reason.

    With a `period` (ours), the extractor also reads B plus the part of the mark that any surrogate
    can learn (`"copied"`), which is compared with the watermark in both stages. For one watermark
    the embedder makes nearly the same pattern in each image. A convolutional surrogate does not
    know the place in the image, and learns only what repeats at the distance of its strides. With a
    `carrier`, that part follows what each image shows, and what all images have in common all the
    same (`"common"`, compared with 0) can be made small: an attacker finds it as their mean.

    With `source="input"` the embedder is task-specific: it receives A and learns the task and the
    mark together, A -> embedder -> B'.

    Pass a loss and a weight for each of these outputs to `compile`.

    Args:
        embedder: model from `{"image", "message", "strength"}` to the watermarked image.
        extractor: model from an image to the watermark.
        watermark: array `(height, width, 1 or 3)` in [0, 1], of the images' size.
        blank: value of pixels that means "no watermark"; white in the paper's code.
        attack: a `tfwm.attacks.Attack` on all images before the extractor, or `None`.
        surrogate: model from A to B'', which is not trained here, or `None`.
        unrelated: model from A to unmarked outputs, which is not trained here, or `None`.
        adversary: a `tfwm.losses.AdversarialLoss`, or `None`.
        innocent: list of `tfwm.training.Innocent`, networks of others.
        period: distance in pixels at which the learnable part repeats, a divisor of the images'
            sides; 4 for networks that halve twice. `None` for the paper's losses only.
        carrier: a `Carrier` for that part, or `None`.
        source: input of the embedder: `"target"` (B), or `"input"` (A), with as many channels.

    Call arguments:
        inputs: dict of `"input"` (A) and `"target"` (B), `(batch, height, width, channels)`, and
            perhaps `"other"`, unmarked images with the channels of B.

    Returns:
        A dict with `"watermarked"`, `"extracted"`, `"copied"` (only with a period), `"common"`
        (only with a carrier), `"surrogate"` (only with one), `"clean"` (of A, of B, of the
        unrelated network, of the other images; without A if its number of channels differs), and
        `"consistency"`.

    Example:

    >>> from tfwm.models import barrier
    >>> trainer = BarrierTrainer(
    ...     barrier.build_embedder(width=4, depth=2),
    ...     barrier.build_extractor(width=4, dilations=(1, 2)),
    ...     watermark=np.zeros((32, 32, 3)),
    ... )
    >>> trainer.compile("adam", loss={"watermarked": "mse", "extracted": "mse", "clean": "mse"})
    >>> rain, clean = np.random.rand(2, 8, 32, 32, 3)
    >>> history = trainer.fit({"input": rain, "target": clean}, batch_size=4, verbose=0)
    """

    def __init__(
        self,
        embedder,
        extractor,
        watermark,
        blank=1.0,
        attack=None,
        surrogate=None,
        unrelated=None,
        adversary=None,
        innocent=(),
        period=None,
        carrier=None,
        source="target",
        **kwargs,
    ):
        super().__init__(**kwargs)
        one_of("source", source, SOURCES)
        if carrier is not None and period is None:
            raise ValueError("Expected a period, which a carrier's part has. Received: period=None")
        self.embedder = embedder
        self.extractor = extractor
        self.watermark = np.asarray(watermark, np.float32)
        self.blank = float(blank)
        self.attack = attack
        self.surrogate = surrogate
        self.unrelated = unrelated
        self.adversary = adversary
        self.innocent = list(innocent)
        self.period = period
        self.carrier = carrier
        self.source = source
        for network in (surrogate, unrelated):
            if network is not None:
                network.trainable = False

    def build(self, input_shape):
        build_part(self.attack, input_shape["target"])
        build_part(self.carrier, input_shape["target"])
        build_part(self.adversary, [input_shape["target"]] * 2)
        for network in self.innocent:
            build_part(network, input_shape["input"], input_shape["target"])
        super().build(input_shape)

    def call(self, inputs, training=None):
        before, after = inputs["input"], inputs["target"]
        watermarks = _repeat(self.watermark, after)
        frozen = not self.embedder.trainable
        strength = tf.ones_like(after[:, 0, 0, 0])
        watermarked = self.embedder(
            {"image": inputs[self.source], "message": watermarks, "strength": strength},
            training=training and not frozen,
        )
        watermarked = tf.cast(watermarked, after.dtype)
        groups, extra, sign = {"extracted": watermarked}, {}, 1.0
        residual = watermarked - after
        if self.carrier is not None:
            sign = self.carrier(after, training=training)
            common = self.carrier.grown() * common_part(residual, self.period)
            extra["common"] = tf.broadcast_to(common, tf.shape(after))
        if self.period is not None:
            groups["copied"] = after + learnable_part(residual, sign, self.period)
        if self.surrogate is not None:
            groups["surrogate"] = tf.cast(self.surrogate(before, training=False), after.dtype)
        clean = [before, after] if before.shape[-1] == after.shape[-1] else [after]
        if self.unrelated is not None:
            clean.append(tf.cast(self.unrelated(before, training=False), after.dtype))
        if "other" in inputs:
            clean.append(inputs["other"])
        if training and self.innocent:
            clean.append(innocent_outputs(self.innocent, before, after))
        covers = [after] * len(groups) + clean
        groups["clean"] = tf.concat(clean, axis=0)
        sizes = [tf.shape(images)[0] for images in groups.values()]
        images = tf.concat(list(groups.values()), axis=0)
        if self.attack is not None:
            # Clean images as well: otherwise traces of the attack would separate marked from clean.
            images = self.attack(images, cover=tf.concat(covers, axis=0), training=training)
        read = tf.cast(self.extractor(images, training=training), after.dtype)
        outputs = dict(zip(groups, tf.split(read, sizes), strict=True))
        marked = [outputs[key] for key in ("extracted", "copied", "surrogate") if key in outputs]
        marked = tf.concat(marked, axis=0)
        outputs["consistency"] = marked - tf.reduce_mean(marked, axis=0, keepdims=True)
        return {"watermarked": watermarked, **outputs, **extra}

    def penalties(self, inputs, outputs, training):
        """See `Trainer.penalties`: the adversary's."""
        return self.adversary_loss([outputs["watermarked"], inputs["target"]], training)

    def targets(self, inputs, outputs):
        watermark = _repeat(self.watermark, outputs["extracted"])
        targets = {
            "watermarked": inputs["target"],
            "extracted": watermark,
            "copied": watermark,
            "surrogate": watermark,
            "clean": tf.fill(tf.shape(outputs["clean"]), self.blank),
            "consistency": tf.zeros_like(outputs["consistency"]),
            "common": tf.zeros_like(inputs["target"]),
        }
        return {key: targets[key] for key in outputs}


def _repeat(watermark, images):
    """Returns the watermark once for each image of a batch."""
    return tf.repeat(tf.constant(watermark)[None], tf.shape(images)[0], axis=0)
