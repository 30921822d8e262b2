import keras
import numpy as np
import pytest
from PIL import Image

from tfwm.evaluation.figures import FIGURES
from tfwm.models import barrier as models
from tfwm.protection import Barrier

CONFIG = """
name = "{name}"
task = {{ name = "Derain" }}
watermark = "flower"
crop_size = 32
whole = true
seed = 0
"""


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """Function that writes what a run leaves; returns its folder. Its barrier is untrained."""
    embedder = models.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
    extractor = models.build_extractor(3, 1, width=4, dilations=(1,), output="sigmoid")
    barrier = Barrier(embedder, extractor, np.random.default_rng(0).random((32, 32, 1)), "test")
    for module in ("runs", "figures.barrier"):
        monkeypatch.setattr(f"tfwm.evaluation.{module}.load_barrier", lambda folder: barrier)

    def make(name, attacks=("unet-l2",)):
        folder = tmp_path / name
        (folder / "initial").mkdir(parents=True)
        (folder / "initial" / "config.toml").write_text(CONFIG.format(name=name))
        rows = "".join(f"adversarial,{a},1\n" for a in ("marked", *attacks))
        (folder / "ownership.csv").write_text("stage,images_of,images\n" + rows)
        (folder / "quality.csv").write_text("images_of,images\nmarked,1\n")
        image = keras.Input((None, None, 3))
        for attack in attacks:
            (folder / f"attack-{attack}").mkdir()
            keras.Model(image, 0.9 * image).save(folder / f"attack-{attack}" / "network.keras")
        return folder

    return make


@pytest.mark.parametrize("name", [n for n, f in FIGURES.items() if f.takes == "barriers"])
def test_each_figure_is_drawn(name, make_run, tmp_path):
    folders = [make_run("with"), make_run("without", ("cnet-l2", "res9-l1"))]
    path = FIGURES[name](folders, "bundled:test", tmp_path)
    assert path == tmp_path / f"{name}.png"
    picture = np.asarray(Image.open(path).convert("L"))
    assert min(picture.shape) > 400 and picture.std() > 5


def test_what_cannot_be_drawn(make_run, tmp_path):
    with pytest.raises(ValueError, match="Expected a run with a surrogate"):
        FIGURES["barrier-fig6"]([make_run("none", ())], "bundled:test", tmp_path)
    with pytest.raises(FileNotFoundError, match="finished run of tfwm.recipes.barrier"):
        FIGURES["barrier-fig5"]([tmp_path], "bundled:test", tmp_path)
