"""Surrogates: what an attacker trains on a model's inputs and the outputs that it let out."""

import dataclasses

import tensorflow as tf

from tfwm.data.tasks import build_task
from tfwm.models import translators
from tfwm.recipes.translation import LOSSES, build_task_loss, train_translator
from tfwm.training import ConfigError

# Zhang et al., section "Robustness to the attack from surrogate models".
STRUCTURES = ("cnet", "res9", "res16", "unet")
BLOCKS = {"cnet": 0, "res9": 9, "res16": 16}
ADVERSARIAL_WEIGHT = 0.01


@dataclasses.dataclass(frozen=True)
class Surrogate:
    """How a surrogate is made: `"unet-l2"`, `"cnet-l1-adv"`, ...

    Args:
        structure: one of `STRUCTURES`.
        loss: one of `LOSSES`.
        adversarial: whether a critic tells its outputs from those that it copies.
    """

    structure: str
    loss: str = "l2"
    adversarial: bool = False

    @classmethod
    def of(cls, name):
        """Return the surrogate of a name."""
        structure, _, rest = str(name).partition("-")
        loss, _, adversarial = (rest or "l2").partition("-")
        if structure not in STRUCTURES or loss not in LOSSES or adversarial not in ("", "adv"):
            raise ConfigError(
                f"Expected a surrogate such as unet-l2 or cnet-l1-adv, of {', '.join(STRUCTURES)} "
                f"and {', '.join(LOSSES)}. Received: {name!r}"
            )
        return cls(structure, loss, bool(adversarial))

    def __str__(self):
        return f"{self.structure}-{self.loss}" + "-adv" * self.adversarial

    def build(self, channels_in, channels_out, width, depth):
        """Return the untrained network."""
        residual = channels_in == channels_out
        if self.structure == "unet":
            return translators.build_unet(
                channels_in, channels_out, width, depth, residual=residual
            )
        return translators.build_resnet(
            BLOCKS[self.structure], channels_in, channels_out, width, residual=residual
        )


def train_surrogate(surrogate, config, crops, mark, folder):
    """Train a surrogate; return the network in float32.

    Args:
        surrogate: a `Surrogate`.
        config: settings, with those of surrogates.
        crops: the attacker's photos, see `open_crops`.
        mark: function of a batch of pairs to what the protected model puts out for them.
        folder: where checkpoints, log and `network.keras` go.
    """
    task = build_task(config.task)
    settings = dataclasses.replace(
        config,
        steps=config.surrogate_steps,
        learning_rate=config.surrogate_learning_rate,
        width=config.surrogate_width,
        adversarial_weight=ADVERSARIAL_WEIGHT if surrogate.adversarial else 0.0,
    )
    sizes = task.channels_in, task.channels_out, config.surrogate_width, config.surrogate_depth
    return train_translator(
        lambda: surrogate.build(*sizes),
        lambda: ([build_task_loss(surrogate.loss)], [1.0]),
        settings,
        folder,
        crops,
        # What is let out has 8 bits.
        lambda pair: {**pair, "target": tf.round(255 * mark(pair)) / 255},
        config.seed + 1,
    )
