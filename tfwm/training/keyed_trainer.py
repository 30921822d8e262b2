"""The trainer of hosts whose outputs carry a mark that only a key reads."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.base import add_number
from tfwm.models.keyed import WrongKeys
from tfwm.training.base import Trainer, build_part
from tfwm.training.simulated import innocent_outputs


@keras.saving.register_keras_serializable(package="tfwm")
class KeyedTrainer(Trainer):
    """Trains a host network to do its task and mark its outputs, with the mark's extractor.

    Wu et al. 2020, section II: the host G is any image-to-image network. Its `"output"` G(x)
    is compared with the target (the task's loss). What the extractor reads is compared as well:

    * from G(x) with the key (`"marked"`): with the watermark, eq. 1;
    * from images that the host did not make (`"unmarked"`): with the blank watermark, eq. 2;
    * from G(x) with a key that differs in 1 to `flipped_bits` bits (`"wrong_key"`): with the
      blank watermark, eq. 3;
    * with `fine_tuned`, from a host that somebody trained further (`"fine_tuned"`): with the
      watermark (ours);
    * with `innocent` networks, from their outputs (`"innocent"`): with the blank watermark (ours).

    Pass a loss and a weight for each output to `compile`. The paper has 1 for the task, and
    L1 with the weights 1, 0.5 and 0.5 for these three.

    Args:
        host: `keras.Model` from an image to an image in [0, 1].
        extractor: model from `{"image", "key"}` to the watermark.
        watermark: array `(height, width, 1 or 3)` in [0, 1].
        key: array of 0 and 1, the bits of the secret key.
        attack: a `tfwm.attacks.Attack` on images before the extractor, or `None`.
        adversary: a `tfwm.losses.AdversarialLoss` on the host's outputs, or `None`.
        fine_tuned: a `tfwm.training.FineTuned` of the host, or `None`.
        innocent: list of `tfwm.training.Innocent`, networks of others.
        flipped_bits: the paper's T_d.
        blank: value of pixels that means "no watermark", the middle of the range.
        gain: initial factor on the gradients from the mark's losses to the host (ours); it falls
            to 1 linearly. The task's loss needs a large weight to keep outputs unharmed, and
            without a gain, host and extractor then need long to agree on any mark.
        gain_steps: number of steps in which the gain falls to 1.
        seed: integer for the flipped bits.

    Call arguments:
        inputs: dict of `"input"` and `"target"`, images; and optionally `"unmarked"`, images
            that the host did not make, the targets by default.

    Returns:
        A dict with `"output"`, `"marked"`, `"unmarked"` and `"wrong_key"`.
    """

    def __init__(
        self,
        host,
        extractor,
        watermark,
        key,
        attack=None,
        adversary=None,
        fine_tuned=None,
        innocent=(),
        flipped_bits=8,
        blank=0.5,
        gain=1.0,
        gain_steps=1,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.host = host
        self.extractor = extractor
        self.watermark = np.asarray(watermark, np.float32)
        self.key = np.asarray(key, np.float32)
        if self.key.ndim != 1 or not np.isin(self.key, (0, 1)).all():
            raise ValueError(
                f"Expected a key of 0 and 1, (bits,). Received: key of shape {self.key.shape}"
            )
        self.attack = attack
        self.adversary = adversary
        self.fine_tuned = fine_tuned
        self.innocent = list(innocent)
        self.flipped_bits = int(flipped_bits)
        self.blank = float(blank)
        if gain < 1 or gain_steps < 1:
            raise ValueError(
                "Expected gain and gain_steps of at least 1. "
                f"Received: gain={gain}, gain_steps={gain_steps}"
            )
        self.gain = float(gain)
        self.gain_steps = int(gain_steps)
        self.seed = seed
        self.wrong_keys = WrongKeys(self.flipped_bits, seed=seed)

    def build(self, input_shape):
        build_part(self.attack, input_shape["target"])
        build_part(self.adversary, [input_shape["target"]] * 2)
        build_part(self.wrong_keys, None)
        for part in (self.fine_tuned, *self.innocent):
            build_part(part, input_shape["input"], input_shape["target"])
        self.step = add_number(self, "step")
        super().build(input_shape)

    def call(self, inputs, training=None):
        output = self.host(inputs["input"], training=training)
        output = tf.cast(output, inputs["target"].dtype)
        seen = {
            "marked": self._amplify(output) if training else output,
            "unmarked": inputs.get("unmarked", inputs["target"]),
        }
        pair = inputs["input"], inputs["target"]
        if training and self.fine_tuned is not None:
            seen["fine_tuned"] = self.fine_tuned(*pair)
        if training and self.innocent:
            seen["innocent"] = innocent_outputs(self.innocent, *pair)
        read = self._read(seen, training)
        # Outside training nobody else trains, and losses expect all outputs.
        if self.fine_tuned is not None:
            read.setdefault("fine_tuned", read["marked"])
        if self.innocent:
            read.setdefault("innocent", read["unmarked"])
        return {"output": output, **read}

    def _read(self, seen, training):
        """Returns what the key reads from each batch, and a wrong key from the marked one."""
        batches = tf.concat(list(seen.values()), axis=0)
        if self.attack is not None:
            batches = self.attack(batches, training=training)
        batches = tf.split(batches, len(seen))
        right = tf.repeat(tf.constant(self.key)[None], tf.shape(batches[0])[0], axis=0)
        keys = tf.concat([right] * len(seen) + [self.wrong_keys(right)], axis=0)
        images = tf.concat([*batches, batches[0]], axis=0)
        read = self.extractor({"image": images, "key": keys}, training=training)
        read = tf.cast(read, images.dtype)
        names = (*seen, "wrong_key")
        return dict(zip(names, tf.split(read, len(names)), strict=True))

    def _amplify(self, output):
        """Returns the output itself, but multiplies the gradients through it."""
        step = tf.convert_to_tensor(self.step)
        self.step.assign(step + 1.0)
        more = (self.gain - 1) * (1 - tf.minimum(step / self.gain_steps, 1.0))
        return output + more * (output - tf.stop_gradient(output))

    def penalties(self, inputs, outputs, training):
        """See `Trainer.penalties`: the adversary's."""
        return self.adversary_loss([outputs["output"], inputs["target"]], training)

    def targets(self, inputs, outputs):
        blank = tf.fill(tf.shape(outputs["marked"]), self.blank)
        watermark = tf.repeat(tf.constant(self.watermark)[None], tf.shape(blank)[0], axis=0)
        marked = ("marked", "fine_tuned")
        read = {name: watermark if name in marked else blank for name in outputs}
        return {**read, "output": inputs["target"]}
