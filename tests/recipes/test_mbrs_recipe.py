import csv

import keras
import numpy as np
import pytest

from tfwm.export import package_network
from tfwm.networks import load_network
from tfwm.recipes import mbrs, parts
from tfwm.recipes.registry import config_files

recipe = mbrs.RECIPE
FILES = config_files("mbrs")
SMALL = [
    'photos=["bundled:train"]',
    "crop_size=32",
    "patches_per_photo=4",
    "batch_size=4",
    "width=16",
    "depth=1",
    "block_size=4",
    "steps=4",
    "steps_per_epoch=2",
]


def config_of(file, output, *words):
    return recipe.load(file, [*SMALL, f"output={output}", f"name={output.name}", *words])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_is_sound(file):
    config = recipe.load(file)
    assert config.output.split("/")[-1] == config.name
    attack = parts.build_attack(config, config.attacks, config.attack_per)
    assert len(attack.attacks[0].attacks) == len(config.attacks)
    for table in config.validation_attacks:
        parts.build_attack(config, [table], "slice")
    diffused = config.diffusion != "none"
    side = config.tile_size if diffused else config.block_size
    assert config.crop_size % side == 0 or config.diffusion == "repeat"


def test_defaults_are_the_paper(tmp_path):
    config = recipe.load("mbrs")
    assert (config.width, config.depth, config.crop_size, config.batch_size) == (64, 4, 128, 16)
    # Errors of pixels in [-1, 1] are four times those in [0, 1].
    assert (config.image_weight, config.message_weight) == (4.0, 10.0)
    assert config.psnr == 0 and config.learning_rate == 1e-3
    methods = [a.get("method", a["name"]) for a in config.attacks]
    assert methods == ["mask", "JPEG", "Identity"] and config.attack_per == "batch"


@pytest.mark.slow
def test_papers_losses_train_all_three_networks(tmp_path):
    config = config_of("mbrs", tmp_path / "run")
    trainer = recipe.build_model(config)
    parts = (trainer.embedder, trainer.extractor, trainer.adversary.critic)
    before = [[w.numpy() for w in part.trainable_variables] for part in parts]
    trainer.fit(np.random.default_rng(0).random((8, 32, 32, 3), np.float32), batch_size=4)
    for part, weights in zip(parts, before, strict=True):
        now = part.trainable_variables
        moved = [np.abs(w - v.numpy()).max() for w, v in zip(weights, now, strict=True)]
        assert np.mean(np.array(moved) > 0) > 0.9


@pytest.mark.slow
def test_second_stage_freezes_the_embedder_with_its_statistics(tmp_path):
    config = config_of("table6-tsr-1", tmp_path / "first")
    networks = recipe.networks_of(recipe.build_model(config), config)
    (tmp_path / "first").mkdir()
    for network in networks:
        network.save(tmp_path / "first" / f"{network.name}.keras")
    config = config_of("table6-tsr", tmp_path / "second", f"initial={tmp_path / 'first'}")
    trained = recipe.networks_of(recipe.train(config), config)
    embedders, extractors = zip(networks, trained, strict=True)
    for old, new in zip(*(model.get_weights() for model in embedders), strict=True):
        np.testing.assert_array_equal(old, new)
    changed = [(a != b).any() for a, b in zip(*(m.get_weights() for m in extractors), strict=True)]
    assert np.mean(changed) > 0.9


def test_initial_must_fit(tmp_path):
    config = config_of("table6-tsr", tmp_path / "run", "initial=photo")
    with pytest.raises(ValueError, match="same layers and width. Received: 'photo'"):
        recipe.train(config)


@pytest.mark.slow
def test_validation_is_logged_and_stops(tmp_path):
    config = config_of("table6-oeds", tmp_path / "run", "steps=20", "patience=1", "learning_rate=0")
    trainer = recipe.train(config)
    with open(tmp_path / "run" / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) < 10 and {"val_logits_bit_error_rate", "val_watermarked_psnr"} <= set(rows[0])
    assert type(trainer.validation_attack.attacks[0].attacks[0]).__name__ == "JPEG"


@pytest.mark.slow
def test_mixed_precision_is_exported_as_float32(tmp_path):
    config = config_of("cpu", tmp_path / "run")
    trainer = recipe.build_model(config)
    assert trainer.embedder.get_layer("image_conv").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"
    networks = recipe.networks_of(trainer, config)
    folder = package_network(
        *networks, tmp_path / "run" / config.name, recipe.make_card(config, "cpu.toml")
    )
    network = load_network(folder)
    image = np.full((1, 64, 96, 3), 0.5, np.float32)
    assert network.extract(image).shape == (1, 16, 24, 1)
    assert (network.channels, network.bits, network.patch_shape) == (3, 1, (4, 4))
    assert keras.saving.load_model(folder / "embedder.keras").compute_dtype == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("file, block_size", [("mbrs", 16), ("diffusion", 8)])
def test_papers_full_setting_runs(file, block_size, tmp_path):
    words = ["width=64", "depth=4", f"block_size={block_size}", "crop_size=128"]
    words += ["batch_size=2", "steps=3"]
    trainer = recipe.train(config_of(file, tmp_path / "run", *words))
    assert int(trainer.optimizer.iterations) == 3


@pytest.mark.parametrize(
    "words, message",
    [
        (["crop_size=30"], "multiple of the side of a message, 4"),
        (["diffusion=dense"], "multiple of the side of a message, 128"),
        (["diffusion=wide", "crop_size=128"], "diffusion='wide'"),
        (["block_size=12", "crop_size=48"], "block_size of 2, 4, 8"),
        (["message_loss=hinge"], "kind='hinge'"),
        (["image_loss=l1"], "Expected an image_loss of ssim, mse"),
    ],
)
def test_bad_settings_are_refused(words, message, refuses):
    refuses(recipe, [*SMALL, *words], message, "mbrs")


def test_no_attack_and_no_rounding(tmp_path):
    config = config_of("mbrs", tmp_path / "run", "attacks=[]", "rounding_noise=0")
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    attack = recipe.build_model(config).attack
    np.testing.assert_array_equal(attack(image), image)
