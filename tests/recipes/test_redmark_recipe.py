import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tfwm.recipes import parts, redmark
from tfwm.recipes.registry import config_files
from tfwm.training import Checkpoint, ConfigError

recipe = redmark.RECIPE
FILES = config_files("redmark")
SMALL = [
    'photos=["bundled:test"]',
    "crop_size=32",
    "patches_per_photo=16",
    "per_deviation_bin=0",
    "batch_size=8",
    "width=8",
    "steps=4",
    "steps_per_epoch=2",
    "jit_compile=false",
    "watermarks=1",
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_builds(file):
    config = recipe.load(file)
    trainer = recipe.build_model(dataclasses.replace(config, width=8))
    assert trainer.attack.attacks
    assert file.stem.removeprefix("cpu-") in config.name


def test_paper_settings():
    """Table 1; loss weights 3 : 1 are its gamma of 0.75."""
    mt, gt, jt = (recipe.load(n) for n in ("mt", "gt", "jt"))
    for config in (mt, gt, jt):
        assert (config.patch_size, config.block_size, config.learning_rate) == (32, 8, 1e-4)
        assert (config.momentum, config.optimizer, config.batch_size) == (0.98, "sgd", 32)
    assert (mt.steps, gt.steps, jt.steps) == (2_000_000, 1_000_000, 1_000_000)
    shares = [c.image_weight / (c.image_weight + c.message_weight) for c in (mt, gt, jt)]
    assert shares == [0.5, 0.75, 0.75]
    names = [[attack["name"] for attack in c.attacks] for c in (mt, gt, jt)]
    assert names == [
        ["SaltAndPepper", "GaussianNoise", "JPEG", "MeanFilter"],
        ["GaussianNoise"],
        ["JPEG"],
    ]
    assert recipe.config(output=mt.output).attacks[0] == mt.attacks[0]


@pytest.mark.slow  # at the paper's width; the next test trains narrower
@pytest.mark.parametrize("name", ["mt", "gt", "jt"])
def test_paper_recipe_trains_a_few_steps(name, tmp_path):
    words = [f"output={tmp_path}", 'photos=["bundled:test"]', "steps=3", "steps_per_epoch=3"]
    words += ["jit_compile=false", "patches_per_photo=64", "per_deviation_bin=20"]
    config = recipe.load(name, words)
    trainer = recipe.train(config)
    assert int(trainer.optimizer.iterations) == 3
    assert trainer.count_params() > 120_000


def test_run_ends_with_report_network_and_one_line(tmp_path, capsys):
    output = tmp_path / "run"
    words = [*SMALL, f"output={output}", "name=tiny", "suite=redmark-table5"]
    assert recipe.main(words) == 0
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line.startswith("tiny ") and "dB" in line and "BER" in line
    assert (output / "redmark-table5-bundled-test.html").read_text().count("data:image/") > 5
    assert {p.name for p in (output / "plots").iterdir()} >= {"training.png", "redmark-fig6.png"}
    assert (output / "tiny" / "1" / "saved_model.pb").is_file()
    assert json.loads((output / "environment.json").read_text())["seed"] == 0
    with open(output / "log.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    assert list((output / "tensorboard").rglob("events*"))
    assert recipe.load(output / "config.toml").name == "tiny"

    assert recipe.main([*SMALL, f"output={output}"]) == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.slow  # in this process, and at the worst moment: see the next test
def test_goes_on_after_a_kill(tmp_path):
    output = tmp_path / "run"
    words = [*SMALL, f"output={output}", "steps=1000", "steps_per_epoch=2"]
    command = [sys.executable, "-m", "tfwm.recipes.redmark", *words]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline, folder = time.time() + 120, output / "checkpoints"
    while time.time() < deadline and len(list(folder.glob("step-*[89].json"))) < 1:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    epoch = int(max(folder.glob("step-*.json")).stem[-9:]) // 2
    assert epoch > 3
    config = recipe.load("quick", [*words, f"steps={2 * epoch + 4}"])
    trainer = recipe.train(config, resume=True)
    assert int(trainer.optimizer.iterations) == 2 * epoch + 4
    with open(output / "log.csv", newline="") as file:
        epochs = [int(row["epoch"]) for row in csv.DictReader(file)]
    assert epochs[-1] == epoch + 1 and set(range(epoch + 2)) == set(epochs)


@pytest.mark.slow
def test_a_kill_at_a_checkpoint_loses_no_line_of_the_log(tmp_path, monkeypatch):
    config = recipe.load(None, [*SMALL, f"output={tmp_path}"])
    save = Checkpoint.on_epoch_end

    def save_and_die(*args):
        save(*args)
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Checkpoint, "on_epoch_end", save_and_die)
        recipe.train(config)
    recipe.train(config, resume=True)
    with open(tmp_path / "log.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]


def test_data_goes_on_with_other_patches(tmp_path):
    config = recipe.load(None, SMALL)
    first, later = (next(iter(redmark.build_stream(config).dataset(step))) for step in (0, 3))
    assert (first.numpy() != later.numpy()).any()


@pytest.mark.parametrize(
    "words, message",
    [
        (["stps=3"], "did you mean 'steps'"),
        (['attacks=[{name="Jpeg"}]'], "did you mean 'JPEG'"),
        (['attacks=[{name="JPEG", quality=200}]'], "from 1 to 100"),
        (["crop_size=40"], "multiple of patch_size"),
        (["optimizer=lion"], "sgd"),
        (["steps=-1"], "steps above 0"),
        (["schedule=step"], "cosine"),
        (['photos=["nowhere"]'], "no such folder"),
    ],
)
def test_bad_settings_give_one_line(words, message, refuses):
    refuses(recipe, [*SMALL, *words], message)


def test_released_transform_trains():
    config = recipe.load(None, [*SMALL, "release_transform=true"])
    trainer = recipe.build_model(config)
    assert trainer.embedder.get_layer("transform") is trainer.extractor.get_layer("transform")
    assert "transform" in " ".join(w.path for w in trainer.trainable_weights)


def test_unknown_attack_error_is_a_config_error():
    with pytest.raises(ConfigError, match="Unknown attack"):
        parts.build_attack(recipe.config(), [{"quality": 3}], "batch")


def test_paper_data_through_tensorflow_datasets():
    """The real loaders, on images that TensorFlow Datasets makes up: nothing is downloaded."""
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=3):
        config = recipe.config(batch_size=4, photos=["tfds:cifar10:train"])
        batch = next(iter(redmark.build_stream(config).dataset()))
    assert tuple(batch.shape) == (4, 32, 32, 1)
