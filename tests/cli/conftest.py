import runpy
import shutil
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from tfwm import cli
from tfwm.cli import embed
from tfwm.watermarker import Watermarker

# Told after marking without a key, which most tests do; test_embed tests it.
PUBLIC = f"tfwm: note: {embed.PUBLIC}\n"
CHECKER = Path(__file__).with_name("checker_network.py")


@pytest.fixture
def checker():
    """The class of the network without training."""
    return runpy.run_path(str(CHECKER))["CheckerNetwork"]


@pytest.fixture
def network(checker, monkeypatch):
    """Lets commands load the network without training, whatever its name; gives its name."""
    monkeypatch.setattr("tfwm.watermarker.load", lambda *_: Watermarker(checker()))
    monkeypatch.setattr("tfwm.cli.options.start_for", lambda *_: None)
    monkeypatch.delenv("TFWM_KEY", raising=False)
    return "checker"


@pytest.fixture(scope="session")
def saved_network(tmp_path_factory):
    """The same network as a SavedModel and a TFLite file on disk: its folder."""
    import tensorflow as tf

    from tfwm.export import write_tflite
    from tfwm.networks import write_manifest

    checks = runpy.run_path(str(CHECKER))["CHECKS"]
    image = tf.TensorSpec((None, None, None, 1), name="image")
    bits = tf.TensorSpec((None, None, None, 1), name="message")

    class Checker(tf.Module):
        @tf.function(input_signature=[image, bits, tf.TensorSpec((), name="strength")])
        def embed(self, image, message, strength):
            signs = tf.repeat(tf.repeat(2 * message - 1, 8, axis=1), 8, axis=2)
            tiles = [1, tf.shape(message)[1], tf.shape(message)[2], 1]
            change = strength * 8 / 255 * signs * tf.tile(checks[None, ..., None], tiles)
            return {"watermarked": tf.clip_by_value(image + change, 0, 1)}

        @tf.function(input_signature=[image])
        def extract(self, image):
            return {"logits": 8 * tf.nn.conv2d(image, checks[..., None, None], 8, "VALID")}

    folder = tmp_path_factory.mktemp("networks") / "checker"
    module = Checker()
    signatures = {"embed": module.embed, "extract": module.extract}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    write_tflite(folder / "1", folder / "checker.tflite")
    write_manifest(folder)
    return str(folder)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(data.chelsea()).save(path, quality=95)  # 451 x 300
    return str(path)


@pytest.fixture
def photos(tmp_path, photo):
    """A folder with three photos, one of them in a sub-folder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(photo, folder / "a.jpg")
    image = Image.open(photo)
    image.resize((300, 400)).save(folder / "b.bmp")
    image.crop((0, 0, 300, 300)).save(folder / "sub" / "c.png")
    return folder


@pytest.fixture
def run(capsys):
    """Runs a command here; returns exit code, stdout, stderr."""

    def call(*arguments):
        try:
            code = cli.main([str(a) for a in arguments])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err.replace(PUBLIC, "")

    return call


@pytest.fixture
def fails(run):
    """Runs a command that must fail with one line; returns the line."""

    def call(*arguments):
        code, out, err = run(*arguments)
        assert code == 2 and out == "", (code, out, err)
        assert err.startswith("tfwm: error: ") and err.count("\n") == 1, err
        return err

    return call


@pytest.fixture
def tree():
    """Lists all files below a folder with their content."""

    def read(folder):
        return {
            str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
            for p in sorted(Path(folder).rglob("*"))
        }

    return read
