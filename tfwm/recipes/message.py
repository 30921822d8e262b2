"""Recipes for networks that carry bits: one path from settings to the exported network."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from tfwm import losses, metrics
from tfwm.evaluation import Photos, load_suite, run_suite
from tfwm.evaluation.figures import FIGURES
from tfwm.export import package_network
from tfwm.files import read_csv
from tfwm.images.drawing import new_figure, save_figure
from tfwm.networks import KerasNetwork
from tfwm.recipes import parts
from tfwm.recipes.card import recipe_card
from tfwm.recipes.config import refuse
from tfwm.recipes.fit import fit
from tfwm.recipes.registry import Recipe
from tfwm.training import ConfigError, TellSkipped, WatermarkTrainer


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageRecipe(Recipe):
    """A recipe for an embedder and an extractor.

    Args:
        networks: function of a config and whether the networks are for training (or for the
            exported network) to embedder and extractor.
        card: function of a config to the arguments `description` (without its end, the attacks of
            the training), `paper`, `geometry`, `guidance` and `limits` of `recipe_card`.
        channels: channels of the images that the networks take.
        critic: function of a config to the critic for an `adversarial_weight` above 0.
        hold_psnr: function of a config to a `HoldPSNR`, or to `None`.
        balance: function of a config to a `LossBalance`, or to `None`.
        alignment: function of a config to an `AlignmentLoss` or its like, or to `None`.
        phases: function of a config to a `RandomPhases`, or to `None`.
        stream: function of a config to its `CropStream`.
        cut: function of a config and a source to the crops to validate on.
        callbacks: function of a config to more Keras callbacks.
        figures: names of `tfwm.evaluation.figures.FIGURES` to draw.
        suite_arguments: function of a config to arguments of `run_suite` that differ.
    """

    networks: Callable
    card: Callable
    channels: int = 3
    critic: Callable | None = None
    hold_psnr: Callable = parts.build_hold_psnr
    balance: Callable = lambda config: None
    alignment: Callable = lambda config: None
    phases: Callable = lambda config: None
    stream: Callable = parts.build_stream
    cut: Callable = parts.cut_source
    callbacks: Callable = lambda config: []
    figures: tuple[str, ...] = ()
    suite_arguments: Callable = lambda config: {}

    def check_config(self, config):
        super().check_config(config)
        load_suite(config.suite)
        if config.channels != self.channels:
            raise ConfigError(
                f"Expected channels={self.channels}, which {self.name} takes. "
                f"Received: {config.channels}"
            )
        if not config.validation_photos:
            names = ("patience", "validation_attacks")
            refuse(config, names, "has no effect without validation_photos")
        if not (self.critic and config.adversarial_weight):
            if not self.critic:
                refuse(config, ("adversarial_weight",), f"has no effect in {self.name}: no critic")
            refuse(config, parts.CRITIC, "has no effect without a critic")

    def build_model(self, config: Any) -> keras.Model:
        """Return the compiled trainer, whose networks compute in the config's precision."""
        self.check_config(config)
        adversary, weight = None, config.adversarial_weight
        with parts.precision(config):
            embedder, extractor = self.networks(config, True)
            critic = self.critic(config) if weight else None
        balance, validation = self.balance(config), config.validation_attacks
        if weight:
            ramp = {}
            if isinstance(balance, losses.RampedWeights):  # StegaStamp's critic waits and rises too
                ramp = {"start": balance.message_only, "ramp_steps": balance.ramp["image"]}
            adversary = losses.AdversarialLoss(critic, weight, config.critic_loss, **ramp)
        embedder.trainable = config.train_embedder
        trainer = WatermarkTrainer(
            embedder,
            extractor,
            message_shape=self._message_shape(config),
            attack=parts.build_attack(config, config.attacks, config.attack_per),
            validation_attack=parts.build_attack(config, validation, "slice")
            if validation
            else None,
            hold_psnr=self.hold_psnr(config),
            adversary=adversary,
            balance=balance,
            phases=self.phases(config),
            alignment=self.alignment(config),
            strength=config.strength,
            seed=config.seed,
        )
        terms = {}
        if balance is None:
            terms["logits"] = losses.MessageLoss(config.message_loss), config.message_weight
            if config.image_weight:
                kinds = {"ssim": losses.SSIMLoss, "mse": keras.losses.MeanSquaredError}
                terms["watermarked"] = kinds[config.image_loss](), config.image_weight
        trainer.compile(
            optimizer=parts.build_optimizer(config, adversary),
            loss={name: loss for name, (loss, _) in terms.items()} or None,
            loss_weights={name: weight for name, (_, weight) in terms.items()} or None,
            metrics={"watermarked": [metrics.PSNR()], "logits": [metrics.BitErrorRate()]},
            jit_compile=parts.with_xla(config),
        )
        return trainer

    def networks_of(self, trainer: keras.Model, config: Any) -> tuple[keras.Model, keras.Model]:
        """Return the trained embedder and extractor for export, in float32."""
        networks = self.networks(config, False)
        for network, trained in zip(networks, (trainer.embedder, trainer.extractor), strict=True):
            network.set_weights(trained.get_weights())
        return networks

    def run(self, config):
        stream = self.stream(config)
        return fit(
            lambda: self.build_model(config),
            (config.batch_size, config.crop_size, config.crop_size, config.channels),
            config,
            Path(config.output),
            stream.dataset,
            lambda: parts.build_validation_data(config, self.cut),
            [TellSkipped(stream), *self.callbacks(config), *parts.early_stopping(config)],
        )

    def _message_shape(self, config):
        """The shape of a crop's message; where a crop is smaller than a block, it is one."""
        geometry = self.card(config)["geometry"]
        grid = config.crop_size // min(geometry["block"][0], config.crop_size)
        return grid, grid, geometry.get("bits", 1)

    def make_card(self, config: Any, recipe: str) -> dict:
        """Return the card of the network; `recipe` is a label, see `registry.label`."""
        card = self.card(config)
        attacks = ", ".join(parts.attack_names(config.attacks)) or "none"
        card["description"] += f"; trained against {attacks}."
        return recipe_card(config, self.name, recipe, **card)

    def finish(self, trainer, config, recipe):
        """Evaluate, plot and export the trained network; return the text to print."""
        networks = self.networks_of(trainer, config)
        output, card = Path(config.output), self.make_card(config, recipe)
        measured = {config.name: KerasNetwork(*networks, config.name, card)}
        suite = load_suite(config.suite)
        photos = Photos.of(config.test_photos, suite.color)
        command = card["training"]["command"]
        more = self.suite_arguments(config)
        result = run_suite(measured, photos, suite, output, command=command, **more)
        plots = output / "plots"
        plots.mkdir(exist_ok=True)
        save_figure(_training_figure(read_csv(output / "log.csv")), plots, "training")
        for name in self.figures:
            FIGURES[name](measured, photos, plots / f"{name}.png")
        folder = package_network(*networks, output / config.name, card)
        return (
            f"{suite.table(result.rows)}\n"
            f"{result.line}. Report {result.html}, plots {plots}, network {folder}"
        )


def _training_figure(rows):
    figure = new_figure(8, 3.2)
    panels = {"watermarked_psnr": "PSNR, dB", "logits_bit_error_rate": "Bit error rate, attacked"}
    for axis, (key, name) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        axis.plot([row["epoch"] + 1 for row in rows], [row[key] for row in rows])
        axis.set(xlabel="epoch", ylabel=name)
        axis.grid(alpha=0.3)
    return figure
