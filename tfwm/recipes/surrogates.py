"""Surrogates: what an attacker trains on a model's inputs and the outputs that it let out."""

import dataclasses

import tensorflow as tf

from tfwm import data, losses, metrics
from tfwm.models import translators
from tfwm.recipes import parts
from tfwm.recipes.fit import fit
from tfwm.training import ConfigError, TranslationTrainer

# Zhang et al., section "Robustness to the attack from surrogate models".
STRUCTURES = ("cnet", "res9", "res16", "unet")
LOSSES = ("l1", "l2", "perceptual")
BLOCKS = {"cnet": 0, "res9": 9, "res16": 16}
ADVERSARIAL_WEIGHT = 0.01
# The trained network, in a stage's folder.
NETWORK = "network.keras"


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

    def build_loss(self):
        """Return the Keras loss."""
        return {"l1": "mae", "l2": "mse"}.get(self.loss) or losses.PerceptualLoss()


def train_surrogate(surrogate, config, task, crops, mark, folder, source="target"):
    """Train a surrogate; return the network in float32.

    Args:
        surrogate: a `Surrogate`.
        config: settings, with those of surrogates.
        task: a `tfwm.data.tasks.Task`.
        crops: uint8 array, the attacker's photos.
        mark: function of a batch of images to what the protected model puts out for them.
        folder: where checkpoints, log and `network.keras` go.
        source: which image of a pair `mark` takes, `"target"` or `"input"`.
    """
    settings = dataclasses.replace(
        config,
        steps=config.surrogate_steps,
        learning_rate=config.surrogate_learning_rate,
    )
    sizes = config.surrogate_width, config.surrogate_depth

    def build_adversary():
        weight = ADVERSARIAL_WEIGHT if surrogate.adversarial else 0.0
        return parts.build_patch_adversary(
            settings, task.channels_out, config.surrogate_width, weight
        )

    def let_out(pair):
        # What is let out has 8 bits.
        return {**pair, "target": tf.round(255 * mark(pair[source])) / 255}

    return train_translator(
        lambda: surrogate.build(task.channels_in, task.channels_out, *sizes),
        lambda: ([surrogate.build_loss()], [1.0]),
        build_adversary,
        settings,
        task,
        crops,
        folder,
        let_out,
    )


def train_translator(
    build_network, build_losses, build_adversary, settings, task, crops, folder, let_out=None
):
    """Train an image-to-image network; return it in float32.

    Args:
        build_network: function without arguments to the untrained network.
        build_losses: the same to a list of losses and a list of their weights.
        build_adversary: the same to an `AdversarialLoss` or `None`.
        settings: of its training.
        task: a `tfwm.data.tasks.Task`.
        crops: uint8 array, photos.
        folder: where checkpoints, log and `network.keras` go.
        let_out: function of a pair to the pair that is trained on.
    """

    def build_trainer():
        with parts.precision(settings):
            network = build_network()
        adversary = build_adversary()
        trainer = TranslationTrainer(network, adversary)
        terms, weights = build_losses()
        trainer.compile(
            parts.build_optimizer(settings, adversary),
            loss={"output": terms},
            loss_weights={"output": weights},
            metrics={"output": [metrics.PSNR()]},
            jit_compile=parts.with_xla(settings),
        )
        return trainer

    def make_data(first_epoch):
        step = first_epoch * settings.steps_per_epoch
        pairs = data.pair_dataset(crops, task, settings.batch_size, settings.seed + 1, step)
        return pairs.map(let_out) if let_out else pairs

    side = settings.crop_size
    channels = {"input": task.channels_in, "target": task.channels_out}
    shape = {name: (settings.batch_size, side, side, n) for name, n in channels.items()}
    trainer = fit(build_trainer, shape, settings, folder, make_data)
    network = build_network()
    network.set_weights(trainer.network.get_weights())
    network.save(folder / NETWORK)
    return network
