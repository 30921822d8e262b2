import csv

import keras
import numpy as np
import pytest

from tfwm import losses
from tfwm.losses import RampedWeights, SelfAdaptiveWeights
from tfwm.networks import load_network
from tfwm.recipes import parts, stegastamp
from tfwm.recipes.registry import config_files
from tfwm.training import ConfigError
from tfwm.watermarker import Watermarker

recipe = stegastamp.RECIPE
FILES = config_files("stegastamp")
SUITES = ("stegastamp", "stegastamp-fig2", "stegastamp-fig3")
SMALL = [
    'photos=["bundled:train"]',
    "crop_size=64",
    "patches_per_photo=2",
    "batch_size=4",
    "width=4",
    "message_length=50",
    "precision=float32",
    "perceptual=offline",
    'attacks=[{name="Identity"}]',
    'validation_attacks=[{name="Identity"}]',
    "suite=stegastamp-fig2",
    "steps=4",
    "steps_per_epoch=2",
]


def config_of(file, output, *words):
    return recipe.load(file, [*SMALL, f"output={output}", f"name={output.name}", *words])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_is_sound(file):
    config = recipe.load(file)
    assert config.suite in SUITES and config.output.split("/")[-1] == config.name
    parts.build_attack(config, config.attacks, config.attack_per)
    parts.build_attack(config, config.validation_attacks or config.attacks, "slice")
    assert config.perceptual in ("offline", "alex")


def test_defaults_are_the_successors_paper():
    config = recipe.load("crop")
    assert (config.crop_size, config.message_length, config.width) == (400, 100, 32)
    assert (config.normalization, config.last_normalization) == ("instance", True)
    assert (config.image_output, config.balance) == ("sigmoid", "self_adaptive")
    assert (config.batch_size, config.learning_rate, config.optimizer) == (12, 1e-4, "adam")
    assert config.balance_initial == {"image": 1.0, "perceptual": 1.0, "message": 0.1}
    assert config.adversarial_weight == 0


def test_original_is_stegastamps():
    config = recipe.load("original")
    assert (config.crop_size, config.message_length, config.batch_size) == (400, 100, 4)
    assert (config.normalization, config.image_output, config.balance) == ("none", "sum", "ramped")
    assert (config.message_only, config.loss_ramp, config.edge_start) == (1500, 15_000, 80_000)
    assert (config.learning_rate, config.steps, config.adversarial_weight) == (1e-4, 140_000, 0.5)


def test_a_held_residual_needs_no_multiplier(tmp_path):
    config = config_of(
        "cpu-original", tmp_path / "run", "psnr=35", "psnr_ramp=0.5", "validation_attacks=[]"
    )
    trainer = recipe.build_model(config)
    held = trainer.embedder.get_layer("held")
    assert trainer.hold_psnr is None and (held.target, held.ramp_steps) == (35, 2)
    with pytest.raises(ConfigError, match="psnr_rate"):
        stegastamp.check(config_of("cpu-original", tmp_path / "run", "psnr_rate=0.1"))


def test_critic_of_the_original_is_the_codes():
    """Wasserstein, RMSProp at 1e-5, gradients to 0.25, weights to 0.01; it waits and rises."""
    words = [*SMALL, "message_only=3", "validation_attacks=[]"]
    config = recipe.load("original", words)
    trainer = recipe.build_model(config)
    adversary, optimizer = trainer.adversary, trainer.optimizer.critic_optimizer
    assert (adversary.kind, adversary.weight) == ("wasserstein", 0.5)
    assert (adversary.start, adversary.ramp_steps) == (3, 15_000)
    assert adversary.critic.get_layer("conv1").kernel_constraint.limit == 0.01
    assert isinstance(optimizer, keras.optimizers.RMSprop) and optimizer.clipvalue == 0.25
    settings = (optimizer.rho, optimizer.momentum, optimizer.centered, optimizer.epsilon)
    assert settings == (0.9, 0, False, 1e-10)  # the defaults of TensorFlow 1
    assert float(optimizer.learning_rate) == pytest.approx(1e-5)
    assert float(trainer.optimizer.learning_rate) == pytest.approx(1e-4)


def test_balances():
    config = recipe.load(None, SMALL)
    adaptive = stegastamp.build_balance(config)
    assert isinstance(adaptive, SelfAdaptiveWeights) and adaptive.initial["message"] == 0.1
    assert adaptive.terms["image"].edge_gain == 0
    config.balance = "ramped"
    ramped = stegastamp.build_balance(config)
    assert isinstance(ramped, RampedWeights) and ramped.terms["image"].edge_gain == 10
    assert isinstance(ramped.terms["perceptual"], losses.PerceptualLoss)
    config.balance = "none"
    assert stegastamp.build_balance(config) is None
    config.balance = "adaptive"
    with pytest.raises(ConfigError, match="Received: balance='adaptive'"):
        recipe.check_config(config)


@pytest.mark.slow
def test_original_trains_and_logs_what_the_figures_need(tmp_path):
    config = config_of("fig6-ramped", tmp_path / "run", "log_gradients=true", "steps=2")
    recipe.train(config)
    (row,) = _log(tmp_path / "run")
    columns = {
        *(f"{k}_{n}" for k in ("loss", "weight") for n in ("image", "perceptual", "message")),
        *("gradient_embedder", "gradient_extractor", "val_logits_bit_error_rate"),
    }
    assert columns <= set(row)
    assert all(float(row[name]) > 0 for name in ("gradient_embedder", "gradient_extractor"))


@pytest.mark.slow
def test_trains_resumes_and_exports_a_network_of_whole_photos(compare_networks, tmp_path, photo):
    # At the recipe's rate four steps can leave logits so alike that float16 changes them by 3 %.
    words = ["steps=2", "learning_rate=1e-4", "alignment_weight=1.0"]
    config = config_of("cpu-crop", tmp_path / "run", *words)
    trainer = recipe.train(config)
    before = trainer.embedder.get_weights()
    # The transformer begins at 0 but for its bias, and has learned from where attacks moved.
    assert np.abs(trainer.extractor.get_layer("locate_map").kernel).max() > 0
    assert float(_log(tmp_path / "run")[0]["alignment"]) >= 0
    config.steps = 4
    trainer = recipe.train(config, resume=True)
    assert [row["epoch"] for row in _log(tmp_path / "run")] == ["0", "1"]
    assert not np.array_equal(before[0], trainer.embedder.get_weights()[0])
    line = recipe.finish(trainer, config, "cpu-crop.toml").splitlines()[-1]
    assert line.startswith("run ") and "BER" in line
    network = load_network(tmp_path / "run" / "run")
    assert network.whole and network.patch_shape == (64, 64) and network.bits == 50
    embedded = network.embed(np.full((1, 64, 64, 3), 0.5), np.ones((1, 1, 1, 50)))
    assert network.extract(embedded).shape == (1, 1, 1, 50)
    with pytest.raises(ValueError, match="images of 64 x 64 pixels, photos squeezed"):
        network.extract(np.zeros((1, 64, 128, 3)))
    lite = load_network(tmp_path / "run" / "run" / "run.tflite")
    assert compare_networks(lite, network)["watermarked_max"] < 0.01
    watermarker = Watermarker(network)
    cover = (photo[0, :200] * 255).astype(np.uint8)
    marked = watermarker.embed(cover, b"id", key="k")
    assert marked.shape == cover.shape and (marked != cover).any()
    assert watermarker.extract(marked, search="none").message in (None, b"id")


@pytest.mark.slow
def test_experiment_at_the_papers_width_takes_a_step(tmp_path):
    """The full setting but for LPIPS and the size, 80 x 80 pixels."""
    words = ["crop_size=80", "width=32", "message_length=100", "batch_size=2", "steps=1"]
    attack = 'attacks=[{name="crop_chain"}]'
    config = config_of(
        "crop", tmp_path / "run", *words, "steps_per_epoch=1", attack, "validation_attacks=[]"
    )
    recipe.train(config)
    assert len(_log(tmp_path / "run")) == 1


def _log(folder):
    with open(folder / "log.csv", newline="") as file:
        return list(csv.DictReader(file))
