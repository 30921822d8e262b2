import csv

import numpy as np
import pytest

from tfwm import losses
from tfwm.export import compare_networks, load_network
from tfwm.layers import RampedWeights, SelfAdaptiveWeights
from tfwm.recipes import build
from tfwm.recipes import stegastamp as recipe
from tfwm.recipes.finish import package
from tfwm.resources import resource_directory
from tfwm.training import ConfigError, load_config
from tfwm.watermarker import Watermarker

FOLDER = resource_directory("recipes") / "stegastamp"
FILES = sorted(FOLDER.glob("*.toml"))
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
    words = [*SMALL, f"output={output}", f"name={output.name}", *words]
    return load_config(recipe.Config, FOLDER / f"{file}.toml", words)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_is_sound(file):
    config = load_config(recipe.Config, file)
    assert config.suite in SUITES and config.output.split("/")[-1] == config.name
    build.build_attack(config, config.attacks, config.attack_per)
    build.build_attack(config, config.validation_attacks or config.attacks, "slice")
    assert config.perceptual in ("offline", "alex")


def test_defaults_are_the_successors_paper():
    config = load_config(recipe.Config, FOLDER / "crop.toml")
    assert (config.crop_size, config.message_length, config.width) == (400, 100, 32)
    assert (config.normalization, config.last_normalization) == ("instance", True)
    assert (config.image_output, config.balance) == ("sigmoid", "self_adaptive")
    assert (config.batch_size, config.learning_rate, config.optimizer) == (12, 1e-4, "adam")
    assert config.balance_initial == {"image": 1.0, "perceptual": 1.0, "message": 0.1}
    assert config.adversarial_weight == 0


def test_original_is_stegastamps():
    config = load_config(recipe.Config, FOLDER / "original.toml")
    assert (config.crop_size, config.message_length, config.batch_size) == (400, 100, 4)
    assert (config.normalization, config.image_output, config.balance) == ("none", "sum", "ramped")
    assert (config.message_only, config.loss_ramp, config.edge_start) == (1500, 15_000, 80_000)
    assert (config.learning_rate, config.steps, config.adversarial_weight) == (1e-4, 140_000, 0.5)


def test_balances():
    config = load_config(recipe.Config, None, SMALL)
    adaptive = recipe.build_balance(config)
    assert isinstance(adaptive, SelfAdaptiveWeights) and adaptive.initial["message"] == 0.1
    assert adaptive.terms["image"].edge_gain == 0
    config.balance = "ramped"
    ramped = recipe.build_balance(config)
    assert isinstance(ramped, RampedWeights) and ramped.terms["image"].edge_gain == 10
    assert isinstance(ramped.terms["perceptual"], losses.PerceptualLoss)
    config.balance = "none"
    assert recipe.build_balance(config) is None
    config.balance = "adaptive"
    with pytest.raises(ConfigError, match="Received: 'adaptive'"):
        recipe.build_balance(config)


@pytest.mark.parametrize("file", ["cpu-original", "cpu-crop"])
def test_trains_logs_resumes_and_exports(file, tmp_path):
    config = config_of(file, tmp_path / "run", "log_gradients=true")
    trainer = recipe.train(config)
    rows = _log(tmp_path / "run")
    assert [row["epoch"] for row in rows] == ["0", "1"]
    columns = {
        *(f"{k}_{n}" for k in ("loss", "weight") for n in ("image", "perceptual", "message")),
        *("gradient_embedder", "gradient_extractor", "val_logits_bit_error_rate"),
    }
    assert columns <= set(rows[0])
    assert all(float(rows[-1][name]) > 0 for name in ("gradient_embedder", "gradient_extractor"))
    config.steps = 6
    before = [w.copy() for w in trainer.embedder.get_weights()]
    trainer = recipe.train(config, resume=True)
    assert [row["epoch"] for row in _log(tmp_path / "run")] == ["0", "1", "2"]
    assert not np.array_equal(before[0], trainer.embedder.get_weights()[0])
    line = recipe.report(trainer, config, f"{file}.toml").splitlines()[-1]
    assert line.startswith("run ") and "BER" in line
    network = load_network(tmp_path / "run" / "run")
    assert network.whole and network.patch_shape == (64, 64) and network.bits == 50
    embedded = network.embed(np.full((1, 64, 64, 3), 0.5), np.ones((1, 1, 1, 50)))
    assert network.extract(embedded).shape == (1, 1, 1, 50)
    with pytest.raises(ValueError, match="images of 64 x 64 pixels, photos squeezed"):
        network.extract(np.zeros((1, 64, 128, 3)))
    lite = load_network(tmp_path / "run" / "run" / "run.tflite")
    assert compare_networks(lite, network)["watermarked_max"] < 0.01


def test_exported_network_marks_photos_of_any_size(tmp_path, photo):
    config = config_of("cpu-crop", tmp_path / "run")
    trainer = recipe.build_model(config)
    package(*recipe.networks_of(trainer, config), config, _card(config))
    watermarker = Watermarker(load_network(tmp_path / "run" / "run"))
    cover = (photo[0, :200] * 255).astype(np.uint8)
    marked = watermarker.embed(cover, b"id", key="k")
    assert marked.shape == cover.shape and (marked != cover).any()
    assert watermarker.extract(marked, search="none").message in (None, b"id")


@pytest.mark.slow
def test_experiment_at_the_papers_width_takes_a_step(tmp_path):
    """The full setting but for LPIPS and the size, 80 x 80 pixels."""
    words = ["crop_size=80", "width=32", "message_length=100", "batch_size=2", "steps=1"]
    attack = 'attacks=[{name="crop_chain"}]'
    config = config_of("crop", tmp_path / "run", *words, "steps_per_epoch=1", attack)
    recipe.train(config)
    assert len(_log(tmp_path / "run")) == 1


def _card(config):
    return recipe.make_stegastamp_card(config, "cpu-crop.toml")


def _log(folder):
    with open(folder / "log.csv", newline="") as file:
        return list(csv.DictReader(file))
