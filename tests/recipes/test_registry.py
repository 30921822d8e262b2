"""What all recipes share: how they are found, run, refused and explained."""

import csv

import keras
import numpy as np
import pytest

from tfwm import recipes
from tfwm.batch.lock import only_run
from tfwm.recipes import parts
from tfwm.recipes.registry import (
    config_files,
    find_config,
    find_recipe,
    first_line,
    label,
    recipe_names,
)
from tfwm.resources import resource_directory
from tfwm.training import Checkpoint, ConfigError, save_config

NAMES = ["barrier", "carriers", "hidden", "keyed", "mbrs", "photo", "redmark", "stegastamp"]
BITS = ["carriers", "hidden", "mbrs", "photo", "redmark", "stegastamp"]
TINY = {
    "carriers": ["crop_size=128", "message_length=16", "smallest_crop=0.95"],
    "hidden": ["crop_size=32", "message_length=6"],
    "mbrs": ["crop_size=32", "block_size=4", "depth=1"],
    "photo": ["crop_size=48", "depth=1"],
    "redmark": ["per_deviation_bin=0", "watermarks=1"],
    "stegastamp": ["crop_size=64", "message_length=20", "perceptual=offline"],
}
SHARED = [
    "photos=bundled:train",
    "patches_per_photo=4",
    "batch_size=4",
    "width=8",
    "attacks=Identity",
    "steps=4",
    "steps_per_epoch=1",
    "jit_compile=false",
]
# The papers' own: MBRS, section 4.1, and HiDDeN's and StegaStamp's codes take Adam's defaults; the
# code of "Model watermarking" and pix2pix, whose beta_1 the keyed networks' authors took.
ADAM, PIX2PIX = (0.9, 0.999, 1e-8, 0.0), (0.5, 0.999, 1e-8, 0.0)
PAPERS = {
    "mbrs": (ADAM, ["mbrs", "large", "noises", "diffusion"]),
    "hidden": (ADAM, ["combined", "crop", "cropout", "dropout", "jpeg", "resize"]),
    "stegastamp": (ADAM, ["original", "crop"]),
    "barrier": (PIX2PIX, ["derain", "xray"]),
    "keyed": (PIX2PIX, ["colorize", "derain", "edges", "edit", "super-resolve"]),
}


def tiny(name, output, *words):
    return find_recipe(name).load(
        None, [*SHARED, *TINY[name], f"output={output}", "name=tiny", *words]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_explained(name):
    recipe = find_recipe(name)
    assert recipe.name == name and recipe_names() == NAMES
    settings = recipe.settings()
    assert all(text for _, _, text in settings)
    help = recipe.help()
    assert all(f"  {setting} = {default}" in help for setting, default, _ in settings)
    page = recipes.settings_markdown(name)
    assert page.count("\n| `") == 1 + len(settings) + len(config_files(name))
    assert all(f"| `{file.stem}` |" in page for file in config_files(name))
    assert page.count("|\n") == page.count("\n|")


@pytest.mark.parametrize("name", BITS)
def test_no_config_has_a_setting_without_effect(name):
    recipe = find_recipe(name)
    for file in config_files(name):
        recipe.check_config(recipe.load(file.stem))


@pytest.mark.parametrize("name", PAPERS)
def test_papers_recipes_have_the_papers_optimizer(name):
    expected, stems = PAPERS[name]
    for stem in stems:
        config = find_recipe(name).load(stem)
        found = config.beta_1, config.beta_2, config.epsilon, config.clip_norm
        assert (config.optimizer, found) == ("adam", expected), stem
        optimizer = parts.build_optimizer(config)
        assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == expected[:3]
        assert optimizer.global_clipnorm is None


@pytest.mark.parametrize(
    "name",
    [n if n in ("photo", "redmark") else pytest.param(n, marks=pytest.mark.slow) for n in BITS],
)
def test_precision_works_in_every_recipe(name, tmp_path):
    """Trains in bfloat16; pixels are read in float32, and so is what is exported."""
    recipe = find_recipe(name)
    config = tiny(name, tmp_path, "precision=mixed_bfloat16", "steps=1")
    trainer = recipe.train(config)
    for network in (trainer.embedder, trainer.extractor):
        assert "bfloat16" in {layer.compute_dtype for layer in network.layers}
        assert network.output.dtype == "float32"
    networks = recipe.networks_of(trainer, config)
    assert all(layer.compute_dtype == "float32" for model in networks for layer in model.layers)
    assert all(np.isfinite(weights).all() for weights in networks[1].get_weights())


def test_config_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packaged = resource_directory("recipes") / "redmark" / "cpu-mt.toml"
    for name in ("cpu-mt", "cpu-mt.toml", "redmark/cpu-mt", "recipes/redmark/cpu-mt.toml"):
        assert find_config("redmark", name) == packaged
    assert label("redmark", packaged) == "recipes/redmark/cpu-mt.toml"
    (tmp_path / "cpu-mt.toml").write_text("steps = 3\n")
    assert find_config("redmark", "cpu-mt.toml").read_text() == "steps = 3\n"
    assert label("redmark", tmp_path / "cpu-mt.toml") == "cpu-mt.toml"
    for name, message in (
        ("cpu-mtt", "did you mean 'cpu-mt'"),
        ("none.toml", "No such file"),
        ("mbrs/cpu", "belongs to `tfwm train mbrs`"),
    ):
        with pytest.raises(ConfigError, match=message):
            find_config("redmark", name)
    with pytest.raises(ValueError, match="did you mean 'redmark'"):
        find_recipe("redmrk")


def test_killed_and_resumed_training_is_that_without_a_pause(tmp_path, monkeypatch):
    """The same patches, messages and attacks: the same weights, bit by bit."""
    recipe = find_recipe("photo")
    noise = 'attacks={name="GaussianNoise", stddev=0.02}'
    whole = recipe.train(tiny("photo", tmp_path / "whole", noise))
    config = tiny("photo", tmp_path / "parts", noise)
    save = Checkpoint.on_epoch_end

    def save_and_die(checkpoint, epoch, logs=None):
        save(checkpoint, epoch, logs)
        if epoch == 1:
            raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Checkpoint, "on_epoch_end", save_and_die)
        recipe.train(config)
    resumed = recipe.train(config, resume=True)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_steps_that_fill_no_epoch_are_trained_too(tmp_path):
    """Gone on with to more steps, it is the training that has them at once."""
    recipe, output = find_recipe("photo"), tmp_path / "parts"
    noise = 'attacks={name="GaussianNoise", stddev=0.02}'
    # Neither the PSNR nor the learning rate follows the share of the steps.
    words = [noise, "steps_per_epoch=2", "psnr=0", "schedule=constant"]
    whole = recipe.train(tiny("photo", tmp_path / "whole", *words, "steps=5"))
    for steps in (3, 5, 5):
        trained = recipe.train(tiny("photo", output, *words, f"steps={steps}"), steps == 5)
        assert Checkpoint(output / "checkpoints").exists()
        assert sorted((output / "checkpoints").glob("*.npz"))[-1].stem == f"step-{steps:09d}"
    for a, b in zip(whole.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_resume_of_the_previous_checkpoint(tmp_path, monkeypatch, capsys):
    """Of the stage whose last one is damaged, or else of the one that was written last."""
    recipe, model = (
        find_recipe("photo"),
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
    )
    model.compile("sgd", "mse")
    for stage in ("first", "second"):
        checkpoint = Checkpoint(tmp_path / stage / "checkpoints")
        model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=2, verbose=0, callbacks=[checkpoint])
    save_config(tiny("photo", tmp_path), tmp_path / "config.toml")
    monkeypatch.setattr(type(recipe), "run", lambda self, config: "runs")
    monkeypatch.setattr(type(recipe), "finish", lambda self, *arguments: "finished")

    def lasts():
        files = [sorted(tmp_path.glob(f"{stage}/*/*.json")) for stage in ("first", "second")]
        return [int(found[-1].stem.removeprefix("step-")) for found in files]

    assert recipe.main(["--resume", f"output={tmp_path}"]) == 0 and lasts() == [2, 2]
    assert recipe.main(["--resume=previous", f"output={tmp_path}"]) == 0 and lasts() == [2, 1]
    damaged = tmp_path / "first/checkpoints/step-000000002.npz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert recipe.main(["--resume=previous", f"output={tmp_path}"]) == 0 and lasts() == [1, 1]
    assert recipe.main(["--resume=previous", f"output={tmp_path}"]) == 2
    assert "Expected two checkpoints" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        recipe.main(["--resume=before", f"output={tmp_path}"])


def test_settings_after_resume(tmp_path, capsys):
    """Without --config, a run goes on with its own settings, and those after --resume."""
    output = tmp_path / "run"
    recipe = find_recipe("photo")
    recipe.train(tiny("photo", output, "steps=2"))
    words = ["--resume", f"output={output}", "steps=3"]
    options = recipe._options(words, "x")
    assert recipe._config_path(options) == output / "config.toml"
    assert recipe.main([*words, "test_photos=nowhere"]) == 2
    assert "nowhere, no such folder" in capsys.readouterr().err
    config = recipe.load(str(output / "config.toml"), words[1:])
    assert (config.width, config.steps) == (8, 3)
    recipe.train(config, resume=True)
    with open(output / "log.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2"]


@pytest.mark.parametrize("name", NAMES)
def test_missing_photos_are_told_before_training(name, refuses):
    for source in ("photos", "test_photos"):
        refuses(find_recipe(name), [f"{source}=nowhere"], "nowhere, no such folder")


@pytest.mark.parametrize("name", ["keyed", "photo"])
def test_a_name_that_no_network_can_have_is_told_before_training(name, refuses):
    refuses(find_recipe(name), ["name=my/network"], "Expected a name of 1 to 200 characters")


@pytest.mark.parametrize("name", NAMES)
def test_a_begun_run_needs_resume(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Checkpoint, "exists", lambda self: True)
    assert find_recipe(name).main([f"output={tmp_path}"]) == 2
    assert "add --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, words, message",
    [
        ("photo", ["channels=3"], "Expected channels=1, which photo takes"),
        ("mbrs", ["channels=1"], "Expected channels=3"),
        ("photo", ["adversarial_weight=0.1"], "in photo: no critic"),
        ("mbrs", ["adversarial_weight=0", "critic_optimizer=adam"], "without a critic"),
        ("mbrs", ["critic_learning_rate=0.1"], "without a critic_optimizer"),
        ("mbrs", ["patience=2"], "without validation_photos"),
        ("mbrs", ["momentum=0.9"], 'no effect with optimizer = "adam"'),
        ("redmark", ["optimizer=sgd", "beta_2=0.9"], 'no effect with optimizer = "sgd"'),
        ("stegastamp", ["image_weight=2"], 'unless balance = "none"'),
        ("stegastamp", ["edge_gain=2"], 'unless balance = "ramped"'),
        ("carriers", ["psnr_rate=0.1"], "the embedder itself holds the error"),
        ("carriers", ["crop_size=200"], "multiple of the grid of cells, 128"),
        ("photo", ["precision=float16"], "precision='float16'"),
        ("photo", ["suite=nosuch"], "nosuch"),
        ("barrier", ["critic_loss=wasserstein"], "without an adversarial_weight"),
        ("keyed", ["critic_loss=wasserstein"], "without an adversarial_weight"),
    ],
)
def test_a_setting_without_effect_is_refused(name, words, message, refuses):
    refuses(find_recipe(name), words, message)


@pytest.mark.parametrize(
    "name, words, message",
    [
        ("mbrs", ["learning_rate=nan"], "Expected learning_rate of 0 or more"),
        ("mbrs", ["learning_rate=0"], "Expected learning_rate above 0"),
        ("photo", ["psnr=-5"], "Expected psnr of 0 or more. Received: psnr=-5.0"),
        ("photo", ["psnr_rate=inf"], "Expected psnr_rate of 0 or more"),
        ("mbrs", ["psnr_ramp=1.5"], "Expected psnr_ramp of 0 to 1."),
        ("mbrs", ["strength=[1, -1]"], "Expected strength of 0 or more"),
        ("redmark", ["seed=-1"], "Expected seed of 0 to 4294967295"),
        ("keyed", ["beta_2=1"], "Expected beta_2 of 0 to 0.99"),
        ("barrier", ["clean_weight=-1"], "Expected clean_weight of 0 or more"),
        ("carriers", ["photos="], "Expected a source of photos"),
    ],
)
def test_numbers_out_of_range_are_refused(name, words, message, refuses):
    refuses(find_recipe(name), words, message)


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_an_output_that_is_a_file_is_refused(place, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert find_recipe("mbrs").main([f"output={tmp_path / place}"]) == 2
    assert "Expected as output a folder that can be made" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_saved_settings_are_loaded_again(tmp_path):
    for name in NAMES:
        config = find_recipe(name).load("quick")
        save_config(config, tmp_path / "config.toml")
        assert find_recipe(name).load(str(tmp_path / "config.toml")) == config


def test_first_paragraph_of_a_config_describes_it(tmp_path):
    (tmp_path / "a.toml").write_text("# One sentence\n# on two lines.\n#\n# More.\nsteps = 1\n")
    assert first_line(tmp_path / "a.toml") == "One sentence on two lines."
    (tmp_path / "a.toml").write_text("steps = 1\n# No head.\n")
    assert first_line(tmp_path / "a.toml") == ""
    for text in (find_recipe("keyed").help(), recipes.settings_markdown("keyed")):
        assert "efaults" in text and "quick" in text and "by default, replaces some" in text
        assert "what `tfwm train keyed` runs." in text


def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path, refuses):
    refuses(find_recipe("mbrs"), ["validation_photos=nowhere"], "nowhere, no such folder")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").write_bytes(b"no picture")
    with pytest.raises(FileNotFoundError, match="1 files, none could be read"):
        find_recipe("photo").train(tiny("photo", tmp_path / "run", f"photos={tmp_path / 'photos'}"))
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_checkpoint_goes_on(tmp_path, monkeypatch):
    config = tiny("photo", tmp_path / "run")
    monkeypatch.setattr(type(find_recipe("photo")), "run", lambda self, config: "runs")
    with pytest.raises(ConfigError, match="leave out --resume"):
        find_recipe("photo").train(config, resume=True)
    (tmp_path / "run").mkdir()
    save_config(config, tmp_path / "run/config.toml")
    assert find_recipe("photo").train(config, resume=True) == "runs"


def test_one_training_at_a_time_writes_into_a_folder(tmp_path):
    recipe, config = find_recipe("redmark"), tiny("redmark", tmp_path / "run")
    (tmp_path / "run").mkdir()
    with only_run(tmp_path / "run"), pytest.raises(ValueError, match="Another run is writing"):
        recipe.train(config)
    with pytest.raises(ConfigError, match="There is no run in"):
        recipe.train(config, resume=True)
    assert not (tmp_path / "run").exists()  # empty, and so gone again
