"""The light runtime: marking, reading, searching and reports without TensorFlow."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfwm
from tfwm.cli import main
from tfwm.networks import load_network

KEY, MESSAGE = "secret", "(c) Ada"
# Whatever an installation without extras lacks: importing it fails.
WITHOUT = """
import sys
MISSING = {"tensorflow", "keras", "scipy", "skimage", "h5py", "matplotlib", "ldpc"}
class Finder:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Finder())
"""
STEPS = """
import json, sys
import tfwm
from tfwm.report import inspect_photo

def plain(found):
    values = found.to_dict()
    values["bit_confidence"] = values["bit_confidence"] and min(values["bit_confidence"])
    return values

def steps(folder, search):
    watermarker = tfwm.load()
    reads = {}
    report = watermarker.embed_file(
        f"{folder}/photo.png", f"{folder}/marked-{sys.argv[-1]}.png", "(c) Ada", key="secret",
        subtle=True,
    )
    for name in ("photo", f"marked-{sys.argv[-1]}", "cut"):
        how = "none" if name == "photo" else search
        found = watermarker.extract(f"{folder}/{name}.png", key="secret", search=how)
        reads[name.partition("-")[0]] = plain(found)
    page = inspect_photo(watermarker, f"{folder}/photo.png", "(c) Ada", key="secret").to_dict()
    print(json.dumps([report.to_dict(), reads, page], default=str))
"""


@pytest.fixture(scope="module")
def folder(photo, tmp_path_factory):
    """A photo, and a copy of its marked copy that was cut."""
    folder = tmp_path_factory.mktemp("lite")
    pixels = (photo[0] * 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    marked = tfwm.load().embed(pixels, MESSAGE, key=KEY)
    Image.fromarray(marked[21:250, 13:]).save(folder / "cut.png")
    return folder


def run(code, *words):
    """Standard output of a process without TensorFlow; `words` are its arguments."""
    command = [sys.executable, "-c", WITHOUT + code, *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def command(*words):
    """Exit code and last line on stderr of a `tfwm` command without TensorFlow."""
    code = WITHOUT + "from tfwm.cli import main\nsys.exit(main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True
    )
    return result.returncode, result.stderr.splitlines()[-1]


def without_names(values):
    return json.loads(json.dumps(values, default=str).replace("marked-lite", "marked-full"))


def check_same(folder, capsys, monkeypatch, search):
    lite = json.loads(run(STEPS + f"steps({str(folder)!r}, {search!r})", "lite"))
    monkeypatch.setattr(sys, "argv", ["full"])
    capsys.readouterr()
    space = {}
    exec(STEPS, space)
    space["steps"](folder, search)
    assert without_names(lite) == json.loads(capsys.readouterr().out)
    files = [(folder / f"marked-{name}.png").read_bytes() for name in ("lite", "full")]
    assert hashlib.sha256(files[0]).digest() == hashlib.sha256(files[1]).digest()
    reads = lite[1]
    assert reads["marked"]["message"] == reads["cut"]["message"] == MESSAGE
    assert reads["photo"]["decision"] == "absent"
    return reads


def test_same_files_and_decisions_without_tensorflow(folder, capsys, monkeypatch):
    check_same(folder, capsys, monkeypatch, "crop")


@pytest.mark.slow
def test_the_whole_search_is_the_same(folder, tmp_path):
    """A copy that was turned and resized at once, and the unmarked photo."""
    marked = Image.fromarray(tfwm.load().embed(np.asarray(Image.open(folder / "photo.png")), "A"))
    marked.resize((240, 240)).rotate(4, Image.Resampling.BICUBIC).save(tmp_path / "turned.png")
    code = """
import json, sys, tfwm
for name in sys.argv[1:]:
    found = tfwm.load().extract(name, search="all").to_dict()
    print(json.dumps([found[x] for x in ("decision", "message", "p_value")]))
"""
    files = [str(path) for path in (tmp_path / "turned.png", folder / "photo.png")]
    lite = [json.loads(line) for line in run(code, *files).splitlines()]
    full = [tfwm.load(runtime="tensorflow").extract(file, search="all") for file in files]
    for one, found in zip(lite, full, strict=True):
        assert one[:2] == [found.decision, found.message]
        assert one[2] == pytest.approx(found.p_value, rel=1e-2)


def test_tensorflow_marks_the_same_but_for_rounding(folder):
    lite, tensorflow = (tfwm.load(runtime=name) for name in ("lite", "tensorflow"))
    pixels = np.asarray(Image.open(folder / "photo.png"))
    marked = [x.embed(pixels, MESSAGE, key=KEY).astype(int) for x in (lite, tensorflow)]
    difference = np.abs(marked[0] - marked[1])
    assert difference.max() <= 1 and difference.mean() < 1e-4
    votes = [x.read_votes(folder / "cut.png") for x in (lite, tensorflow)]
    np.testing.assert_allclose(*votes, atol=1e-3)


def test_what_needs_tensorflow_says_so_in_one_line(tmp_path, folder):
    train = command("train", "redmark", f"output={tmp_path / 'run'}")
    assert train[0] == 2 and "pip install 'tfwm[tensorflow]'" in train[1]
    mark = "embed", folder / "photo.png", "-o", tmp_path / "a.png", "--message", "Ada"
    code, line = command(*mark, "--network", "stegastamp-crop")
    assert code == 2 and line.startswith(
        "tfwm: error: The network stegastamp-crop is here as Keras"
    )
    assert "tfwm export stegastamp-crop FOLDER" in line
    code, line = command(*mark, "--runtime", "tensorflow")
    assert code == 2 and line.startswith("tfwm: error: This needs TensorFlow, which is not")


@pytest.mark.parametrize(
    "statement",
    ["import tfwm.training", "import tfwm; tfwm.losses", "from tfwm.networks import KerasNetwork"],
)
def test_python_says_what_to_install(statement):
    code = f"try:\n    {statement}\nexcept ImportError as error:\n    print(error)"
    assert run(code).startswith("This needs TensorFlow, which is not installed: pip install 'tfwm[")


def test_runtimes(packaged, tmp_path):
    for runtime, form in (("auto", "tflite"), ("lite", "tflite"), ("tensorflow", "saved_model")):
        assert load_network(packaged, trust=True, runtime=runtime).form.name == form
    with pytest.raises(ValueError, match="Expected a runtime|Unknown runtime"):
        load_network(packaged, runtime="torch")
    with pytest.raises(ValueError, match="is not for the runtime tensorflow"):
        load_network(packaged / "tiny.tflite", runtime="tensorflow")
    with pytest.raises(ValueError, match="is here as Keras files, which LiteRT does not run"):
        load_network("stegastamp-print", runtime="lite")


def test_several_threads_use_one_network(packaged, image, message):
    from concurrent.futures import ThreadPoolExecutor

    network = load_network(packaged)
    sizes = [(16 * rows, 48) for rows in (1, 2, 1, 2) * 6]
    expected = {size: network.extract(image[:, : size[0]]) for size in set(sizes)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda size: network.extract(image[:, : size[0]]), sizes))
    for size, logits in zip(sizes, found, strict=True):
        np.testing.assert_array_equal(logits, expected[size])


def test_the_commands_take_a_runtime(folder, tmp_path, capsys):
    out = str(tmp_path / "a.png")
    words = ["embed", str(folder / "photo.png"), "-o", out, "--message", MESSAGE]
    assert main([*words, "--runtime", "lite"]) == 0
    assert main(["extract", out, "--runtime", "lite"]) == 0
    assert MESSAGE in capsys.readouterr().out
