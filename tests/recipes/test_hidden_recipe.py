import itertools

import numpy as np
import pytest

from tfwm.networks import load_network
from tfwm.recipes import hidden, parts
from tfwm.recipes.registry import config_files
from tfwm.training import ConfigError

recipe = hidden.RECIPE
FILES = config_files("hidden")
SMALL = [
    'photos=["bundled:train"]',
    "crop_size=32",
    "tile_size=32",
    "patches_per_photo=4",
    "batch_size=4",
    "width=4",
    "message_length=6",
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
    if config.validation_attacks:
        parts.build_attack(config, config.validation_attacks, "slice")


def test_defaults_are_the_paper():
    config = recipe.load("combined")
    assert (config.width, config.crop_size, config.message_length) == (64, 128, 30)
    assert (config.batch_size, config.learning_rate, config.optimizer) == (12, 1e-3, "adam")
    # 0.7 of the error of pixels in [-1, 1], which is four times that in [0, 1].
    assert config.image_weight == pytest.approx(4 * 0.7)
    assert (config.message_weight, config.adversarial_weight) == (1.0, 1e-3)
    names = [attack["name"] for attack in config.attacks]
    assert names == ["Identity", "Crop", "Cropout", "Dropout", "Resize", "JPEG"]
    assert config.attack_per == "batch" and config.psnr == 0


def test_losses_are_the_papers():
    """1 message + 0.7 image, pixels in [-1, 1] and bits 0 and 1, beside the adversary's."""
    trainer = recipe.build_model(recipe.load(None, [*SMALL, "adversarial_weight=0"]))
    cover = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    message = np.random.default_rng(1).integers(0, 2, (4, 1, 1, 6)).astype("float32")
    given = {"image": cover, "message": message}
    outputs = trainer(given, training=False)
    signal = [2 * np.asarray(image) - 1 for image in (outputs["watermarked"], cover)]
    bits = np.asarray(outputs["logits"]) + 0.5  # the threshold of the paper is 1/2
    expected = np.mean((bits - message) ** 2) + 0.7 * np.mean((signal[0] - signal[1]) ** 2)
    trainer.run_eagerly = True  # one batch: cheaper than its graph
    logs = trainer.evaluate(given, batch_size=4, verbose=0, return_dict=True)
    assert float(logs["loss"]) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["crop", "combined"])
def test_trains_against_attacks_that_change_the_size(file, tmp_path):
    config = config_of(file, tmp_path / "run", "steps=8", "steps_per_epoch=8")
    trainer = recipe.train(config)
    assert int(trainer.optimizer.iterations) == 8
    assert (trainer.adversary is None) == (config.adversarial_weight == 0)
    logs = trainer.get_metrics_result()
    assert all(np.isfinite(value) for value in logs.values())


@pytest.mark.slow
def test_run_ends_with_a_network_for_images_of_many_tiles(tmp_path, capsys):
    output = tmp_path / "tiny"
    words = [*SMALL, f"output={output}", "name=tiny"]
    assert recipe.main(words) == 0
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line.startswith("tiny ") and "dB" in line
    network = load_network(output / "tiny")
    assert (network.channels, network.bits, network.patch_shape) == (3, 6, (32, 32))
    image = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    message = np.random.default_rng(1).integers(0, 2, (1, 2, 3, 6)).astype("float32")
    marked = network.embed(image, message)
    assert network.extract(marked).shape == message.shape
    config = recipe.load("quick", [*words, "steps=6"])
    trainer = recipe.train(config, resume=True)
    assert int(trainer.optimizer.iterations) == 6
    assert (trainer.adversary is None) == (config.adversarial_weight == 0)


def test_exported_networks_are_the_trained_ones(tmp_path):
    config = config_of("quick", tmp_path / "run")
    trainer = recipe.build_model(config)
    embedder, extractor = recipe.networks_of(trainer, config)
    image = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    assert extractor(image).shape == (1, 2, 3, 6)
    assert trainer.extractor(image).shape == (1, 1, 1, 6)
    assert extractor.compute_dtype == embedder.compute_dtype == "float32"
    tile = image[:, :32, :32]
    np.testing.assert_allclose(extractor(tile), trainer.extractor(tile), atol=1e-2)  # bfloat16


def test_crops_may_be_parts_of_a_tile(tmp_path):
    config = config_of("quick", tmp_path / "run", "tile_size=64")
    _, extractor = recipe.networks_of(recipe.build_model(config), config)
    image = np.random.default_rng(0).random((1, 64, 128, 3), np.float32)
    assert extractor(image).shape == (1, 1, 2, 6)
    assert recipe.card(config)["geometry"]["block"] == [64, 64]
    with pytest.raises(ConfigError, match="crop_size of at most tile_size"):
        recipe.build_model(config_of("quick", tmp_path / "run", "crop_size=64"))


@pytest.mark.slow
def test_papers_full_setting_runs(tmp_path):
    words = [
        "width=64",
        "crop_size=128",
        "tile_size=128",
        "message_length=30",
        "steps=6",
        "steps_per_epoch=6",
    ]
    trainer = recipe.train(config_of("combined", tmp_path / "run", *words))
    assert int(trainer.optimizer.iterations) == 6
    assert trainer.embedder.count_params() > 160_000


def test_noise_on_crops_fades_and_is_a_function_of_seed_and_step(tmp_path):
    words = ["cover_noise=0.04", "cover_noise_steps=4"]
    stream = recipe.stream(config_of("quick", tmp_path / "run", *words))
    plain = stream.stream.dataset()
    pairs = list(zip(stream.dataset(), plain, range(6), strict=False))
    spread = [float(np.std(noisy - crops)) for noisy, crops, _ in pairs]
    # All of it, 3/4, 1/2 and 1/4; black and white cut some off.
    assert spread[:4] == pytest.approx([0.04, 0.03, 0.02, 0.01], rel=0.15)
    assert spread[4:] == [0.0, 0.0]
    later = next(iter(stream.dataset(first_step=2)))
    np.testing.assert_array_equal(later, pairs[2][0])
    other = next(
        iter(recipe.stream(config_of("quick", tmp_path / "a", *words, "seed=1")).dataset())
    )
    assert not np.array_equal(other, pairs[0][0])


def test_noise_on_the_crops_of_each_worker_is_its_own(tmp_path):
    config = config_of("quick", tmp_path / "run", "cover_noise=0.04", "cover_noise_steps=4")
    noisy = recipe.stream(config)
    crops, noise = np.full((1, 8, 8, 3), 0.5, "float32"), []
    for worker in ((0, 1), (0, 2), (1, 2)):
        noisy.stream.worker = worker
        noise += [np.asarray(noisy._noisy(np.int64(step), crops)) for step in (0, 1)]
    alone, *several = noise[0], *noise[2:]
    np.testing.assert_array_equal(alone, several[0])
    assert all(np.any(a != b) for a, b in itertools.combinations(several, 2))


@pytest.mark.parametrize(
    "words, message",
    [
        (["cover_noise=0.1"], "cover_noise_steps above 0"),
        (["cover_noise_steps=5"], "no effect without cover_noise"),
        (["message_length=0"], "message_length above 0"),
        (['attack_per="slice"', 'attacks=[{name="Crop", fraction=0.5, fill="none"}]'], "size"),
        (['attacks=[{name="Cropuot"}]'], "did you mean 'Cropout'"),
        (["image_loss=l1"], "Expected an image_loss of ssim, mse"),
    ],
)
def test_bad_settings_are_refused(words, message, refuses):
    refuses(recipe, [*SMALL, *words], message, "crop")
