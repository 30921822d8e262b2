import csv

import barrier_tables
import numpy as np
import pytest

from tfwm.data.tasks import build_task
from tfwm.evaluation.runs import BarrierRun
from tfwm.networks.card import check_card
from tfwm.protection import Barrier, load_barrier
from tfwm.recipes import barrier as stages
from tfwm.recipes.barrier_report import report
from tfwm.recipes.registry import config_files
from tfwm.recipes.surrogates import Surrogate
from tfwm.training import ConfigError

recipe = stages.RECIPE
FILES = config_files("barrier")
TINY = [
    'photos=["bundled:train"]',
    "crop_size=32",
    "crops_per_photo=2",
    "batch_size=4",
    "width=4",
    "depth=2",
    "extractor_width=4",
    "surrogate_width=4",
    "surrogate_depth=2",
    "perceptual_weight=0",
    "steps=2",
    "steps_per_epoch=1",
    "surrogate_steps=2",
    "adversarial_steps=2",
    "test_images=8",
    "clean_images=8",
    'surrogates=["cnet-l2"]',
    'innocent=["cnet-l2"]',
    "precision=float32",
]


def config_of(*words):
    return recipe.load("quick", [*TINY, *words])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_is_sound(file):
    config = recipe.load(file)
    assert config.output.split("/")[-1] == config.name
    assert build_task(config.task).channels_out in (1, 3)
    assert all(str(Surrogate.of(name)) == name for name in config.surrogates)
    for size in (config.depth, config.surrogate_depth):
        assert config.crop_size % 2**size == 0
    for steps in (config.steps, config.surrogate_steps, config.adversarial_steps):
        assert steps % config.steps_per_epoch == 0


def test_full_recipes_have_the_papers_settings():
    derain, xray = (recipe.load(n) for n in ("derain", "xray"))
    for config, images in ((derain, 6000), (xray, 3000)):
        assert config.crop_size == 256 and config.width == 64 and config.extractor_width == 128
        assert config.batch_size * config.steps == 200 * images == 16 * config.adversarial_steps
        assert config.batch_size * config.surrogate_steps == 300 * images
        assert (config.residual_limit, config.extractor_output, config.blank) == (0, "relu", 1)
        names = ["cnet-l2", "res9-l2", "res16-l2", "unet-l2"]
        assert config.surrogates == names and config.precision == "float32"
    assert (derain.watermark_channels, xray.watermark_channels) == (3, 1)
    # The paper's weights, to which the code's are no nearer, are the defaults.
    plain = recipe.config()
    weights = [getattr(plain, f"{n}_weight") for n in ("image", "perceptual", "adversarial")]
    assert weights == [1.0, 1.0, 0.01]


@pytest.mark.parametrize("task_specific", [False, True])
def test_report(task_specific, tmp_path, monkeypatch):
    """Of untrained networks, without the package's files: the tables, the page and the card."""
    monkeypatch.setattr(Barrier, "package", lambda barrier, folder: check_card(barrier.card))
    flag = f"task_specific={str(task_specific).lower()}"
    config = config_of(f"output={tmp_path}", "name=tiny", flag)
    trainer = stages.build_trainer(config)
    barrier = Barrier(trainer.embedder, trainer.extractor, trainer.watermark, "tiny")
    inputs, targets = np.random.default_rng(0).random((2, 8, 32, 32, 3)).astype("float32")
    copies = {"cnet-l2": lambda image: image}
    innocent = {"unet-l2": lambda image: 1 - image}
    unmarked = (lambda image: 0.5 * image) if task_specific else None
    pairs = inputs, targets
    text = report(
        config, "quick.toml", barrier, barrier, copies, innocent, pairs, targets, unmarked
    )
    assert text.splitlines()[-1].startswith("tiny PSNR ")
    with open(tmp_path / "quality.csv", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        psnr = {row["images_of"]: float(row["psnr"]) for row in rows}
    names = ["marked", "cnet-l2", "inputs", *["unmarked network"] * task_specific]
    names.append("innocent unet-l2")
    assert list(psnr) == names and psnr["inputs"] == psnr["cnet-l2"] < 10
    # Untrained, the network hardly changes what it takes.
    assert (psnr["marked"] > 30) != task_specific
    page = (tmp_path / "report.html").read_text()
    assert page.count("of 8 images, clean outputs") == 2
    assert page.count("of 8 images, innocent unet-l2") == 2 and page.count("data:image/png") >= 24
    assert ("learned the task alone" in page) == task_specific
    assert ("does its task" in barrier.card["limits"][-1]) == task_specific


@pytest.mark.slow
def test_whole_run(tmp_path, capsys):
    """All stages, the report, the tables and the package; then it is gone on with."""
    output = tmp_path / "tiny"
    words = [*TINY, f"output={output}", "name=tiny", 'clean_photos=["bundled:test"]']
    assert recipe.main(words) == 0
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line.startswith("tiny PSNR ") and "report.html" in line
    run = BarrierRun.load(output)
    assert run.surrogates == ["cnet-l2"] and run.config["watermark"] == "flower"
    groups = ["marked", "cnet-l2", "unmarked", "inputs", "innocent cnet-l2", "clean outputs"]
    assert [row["images_of"] for row in run.ownership] == 2 * groups
    assert run.row("initial", "clean outputs")["images"] == 8
    assert run.row("initial", "marked")["images"] == 8
    assert [row["images_of"] for row in run.quality] == groups[:2] + groups[3:5]
    page = (output / "report.html").read_text()
    assert (
        "False claims after the adversarial stage: of 8 images" in page and "data:image/png" in page
    )
    tables = {
        name.removeprefix("barrier-"): table([run])
        for name, table in barrier_tables.BARRIER_TABLES.items()
    }
    assert [row["adversarial_stage"] for row in tables["table1"]] == [False, True]
    assert [row["surrogate"] for row in tables["table2"]] == ["cnet-l2", "cnet-l2"]
    assert [row["images_of"] for row in tables["claims"]] == groups[2:]
    assert tables["table3"] == tables["task-specific"] == []
    images = np.random.default_rng(0).random((1, 32, 32, 3)).astype("float32")
    assert run.surrogate("cnet-l2")(images).shape == images.shape
    config = config_of(f"output={output}", *words[-2:])
    with pytest.raises(ConfigError, match="add --resume"):
        recipe.train(config)
    _, again = recipe.train(config, resume=True)
    kept = load_barrier(output / "tiny")
    np.testing.assert_allclose(again.mark(images), kept.mark(images), atol=1e-5)
    with open(output / "initial" / "log.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_task_specific_run_is_compared_with_an_unmarked_network(tmp_path):
    output = tmp_path / "tiny"
    words = [*TINY, f"output={output}", "name=tiny", "task_specific=true", "residual_limit=1.0"]
    assert recipe.main(words) == 0
    run = BarrierRun.load(output)
    (marked, unmarked) = barrier_tables.BARRIER_TABLES["barrier-task-specific"]([run])
    assert (marked["network"], unmarked["network"]) == ("marked", "unmarked network")
    assert marked["psnr"] > 5 and unmarked["psnr"] > 5
    assert barrier_tables.BARRIER_TABLES["barrier-table1"]([run]) == []
    assert "learned the task alone" in (output / "report.html").read_text()
    assert "does its task" in load_barrier(output / "tiny").card["limits"][-1]


@pytest.mark.slow
def test_all_losses_of_the_first_stage(tmp_path):
    words = ["perceptual_weight=0.1", "adversarial_weight=0.01", f"output={tmp_path / 'run'}"]
    config = config_of(*words, 'surrogates=["unet-perceptual-adv", "res9-l1"]')
    _, after = recipe.train(config)
    copies, innocent = stages.train_copies(config, after)
    assert list(copies) == ["unet-perceptual-adv", "res9-l1"] and list(innocent) == ["cnet-l2"]


@pytest.mark.parametrize(
    "words, message",
    [
        (['task={name="Derian"}'], "did you mean 'Derain'"),
        (['task={name="BoneSuppression"}'], "cut=true"),
        (['task={name="BoneSuppression"}', "whole=true"], "crops_per_photo=2"),
        (['task={name="Colorize"}', "task_specific=true"], "Received: Colorize, 1 and 3"),
        (['surrogates=["vgg-l2"]'], "Expected a surrogate such as"),
        (['surrogates=["unet", "unet-l2"]'], "names that differ"),
        (["crop_size=36", "surrogate_depth=3"], "multiple of 2**surrogate_depth, 8"),
        (["period=5"], "multiple of the period"),
        (["carrier_start=5"], "'carrier_start' has no effect without carrier_cycles"),
        (["carrier_cycles=2.0", "period=0"], "Expected carrier_cycles above 0, and a period"),
        (["adversarial_steps=0"], "adversarial_steps above 0"),
        (["surrogate_depth=1"], "Expected a depth that is an integer from 2"),
        (["surrogate_learning_rate=0"], "surrogate_learning_rate above 0"),
        (["adversarial_learning_rate=0"], "adversarial_learning_rate above 0"),
        (["test_photos=nowhere"], "nowhere"),
        (['clean_photos=["elsewhere"]'], "elsewhere"),
        (["watermark=rose"], "Received: 'rose'"),
    ],
)
def test_bad_settings_are_refused_at_once(words, message, refuses):
    refuses(recipe, [*TINY, *words], message)
