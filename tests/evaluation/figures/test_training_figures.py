"""Figures drawn from the folders of training runs."""

import numpy as np
import pytest
from PIL import Image

from tfwm.evaluation.figures import FIGURES
from tfwm.evaluation.figures.stegastamp import mean_curve
from tfwm.evaluation.runs import TrainingRun

COLUMNS = (
    "epoch", "loss", "logits_bit_error_rate", "watermarked_psnr", "gradient_embedder",
    "gradient_extractor", "weight_image", "weight_message", "weight_perceptual",
)  # fmt: skip


@pytest.fixture
def make_run(tmp_path):
    def make(kind="instance", seed=0, error=0.02, last=True, balance="self_adaptive", epochs=6):
        folder = tmp_path / f"{kind}-{last}-{balance}-{seed}"
        folder.mkdir()
        (folder / "config.toml").write_text(
            f'name = "stegastamp"\nseed = {seed}\nnormalization = "{kind}"\nsteps_per_epoch = 50\n'
            f'last_normalization = {str(last).lower()}\nbalance = "{balance}"\n'
        )
        lines = [",".join(COLUMNS)]
        for i in range(epochs):
            rate = max(0.5 - 0.1 * i, error)
            lines.append(f"{i},1.0,{rate},{1.4 * rate},{0.01 * i},0.002,{i},{2},{i / 2}")
        (folder / "log.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make


def test_run_of_a_folder(make_run):
    run = TrainingRun.load(make_run())
    assert run.steps.tolist() == [50, 100, 150, 200, 250, 300]
    np.testing.assert_allclose(
        run.column("logits_bit_error_rate"), [0.5, 0.4, 0.3, 0.2, 0.1, 0.02], atol=1e-9
    )
    assert run.setting("normalization") == "instance"


def test_mean_over_the_seeds_that_got_there(make_run):
    runs = [TrainingRun.load(make_run(seed=s, epochs=e)) for s, e in ((0, 3), (1, 2))]
    runs[1].log["weight_image"] = np.array([4.0, np.nan])
    steps, means = mean_curve(runs, lambda run: run.column("weight_image"))
    assert steps.tolist() == [50, 100, 150] and means.tolist() == [2.0, 1.0, 2.0]


def test_each_figure_is_drawn(make_run, tmp_path):
    folders = [
        make_run("none", 0, 0.5), make_run("none", 1, 0.5, last=False), make_run("batch", 0),
        make_run("instance", 0), make_run("instance", 1), make_run("instance", 2, 0.3),
        make_run("instance", 0, 0.2, last=False), make_run(balance="ramped"),
    ]  # fmt: skip
    path = FIGURES["stegastamp-fig5"](folders, output=tmp_path / "plots")
    assert path == tmp_path / "plots" / "stegastamp-fig5.png"
    picture = np.asarray(Image.open(path).convert("L"))
    assert min(picture.shape) > 400 and picture.std() > 5
    text = FIGURES["stegastamp-fig4"](folders, output=tmp_path / "a.svg").read_text()
    for label in (
        "no normalization: 0 of 2 seeds learn",
        "batch: 1 of 1 seeds learn",
        "instance: 2 of 3 seeds learn",
        "StegaStamp as it was: 1 of 1 seeds learn",
        "instance without the decoder's last: 0 of 1 seeds learn",
    ):
        assert label in text
    text = FIGURES["stegastamp-fig6"](folders, output=tmp_path / "b.svg").read_text()
    assert "<!-- ramped -->" in text and "<!-- self_adaptive -->" in text


def test_accuracy_is_that_of_the_validation_if_there_is_one(make_run, tmp_path):
    folder = make_run(error=0.4)
    head, *lines = (folder / "log.csv").read_text().splitlines()
    lines = [head + ",val_logits_bit_error_rate", *(line + ",0.01" for line in lines)]
    (folder / "log.csv").write_text("\n".join(lines) + "\n")
    text = FIGURES["stegastamp-fig4"]([folder], output=tmp_path / "a.svg").read_text()
    assert "instance: 1 of 1 seeds learn" in text


def test_folders_that_are_no_such_run(make_run, tmp_path):
    draw = FIGURES["stegastamp-fig5"]
    with pytest.raises(FileNotFoundError, match="has no config.toml"):
        draw([tmp_path], output=tmp_path)
    with pytest.raises(ValueError, match="at least one folder"):
        draw([], output=tmp_path)
    folder = make_run()
    log = (folder / "log.csv").read_text()
    (folder / "log.csv").write_text(log.replace("gradient_extractor", "other"))
    with pytest.raises(ValueError, match="logs gradient_extractor"):
        draw([folder], output=tmp_path)
    (folder / "log.csv").write_text(log.splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="an epoch or more"):
        draw([folder], output=tmp_path)
    (folder / "log.csv").write_text(log)
    (folder / "config.toml").write_text("steps_per_epoch = 50\n")
    with pytest.raises(ValueError, match="the setting balance"):
        draw([folder], output=tmp_path)
