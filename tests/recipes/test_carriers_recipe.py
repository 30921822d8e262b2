import numpy as np
import pytest

from tfwm.networks import load_network
from tfwm.recipes import carriers, parts
from tfwm.recipes.fit import _begin_with
from tfwm.recipes.registry import config_files

recipe = carriers.RECIPE
FILES = config_files("carriers")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_is_sound(file):
    config = recipe.load(file)
    assert config.output.split("/")[-1] == config.name
    attack = parts.build_attack(config, config.attacks, config.attack_per)
    assert len(attack.attacks[0].attacks) == len(config.attacks)
    assert sum(a.get("weight", 1) for a in config.attacks) <= config.batch_size


def test_the_embedder_holds_the_error_alone():
    config = recipe.load("quick", ["steps=10", "psnr=40", "psnr_start=30", "psnr_ramp=0.5"])
    trainer = recipe.build_model(config)
    assert trainer.hold_psnr is None and trainer.alignment.layer == "registration"
    held = trainer.embedder.get_layer("held")
    assert (held.target, held.start, held.ramp_steps) == (40, 30, 5)


def test_initial_weights_leave_the_steps_of_their_training(tmp_path):
    config = recipe.load("quick", ["crop_size=128", "width=8", f"output={tmp_path}"])
    first, second = (recipe.build_model(config) for _ in range(2))
    first.embedder.get_layer("held").step.assign(600.0)
    for network in (first.embedder, first.extractor):
        network.save(tmp_path / f"{network.name}.keras")
    _begin_with(second, tmp_path)
    assert float(second.embedder.get_layer("held").step) == 0
    for a, b in zip(first.trainable_weights, second.trainable_weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_quick_reads_crops_after_a_minute(tmp_path):
    """From the start, as a user types it: 32 bits, nearly all right at once."""
    config = recipe.load("quick", [f"output={tmp_path}"])
    text = recipe.finish(recipe.train(config), config, "quick")
    network = load_network(tmp_path / config.name)
    assert "network" in text and network.card["geometry"]["whole"]
    rng = np.random.default_rng(0)
    cover = next(iter(recipe.stream(config).dataset()))[:4]
    bits = rng.integers(0, 2, (4, 1, 1, 32)).astype("float32")
    marked = np.clip(network.embed(cover, bits), 0, 1)
    assert np.mean((network.extract(marked) > 0) == bits) > 0.98
