import json
import os
import resource
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage import data

from tfwm import cli
from tfwm.cli.arguments import make_parser
from tfwm.export import write_manifest

CHECKS = ((np.indices((8, 8)) // 2).sum(axis=0) % 2 * 2 - 1).astype(np.float32)


class Checker(tf.Module):
    """A block network without training: each bit is the sign of a 2x2 checkerboard."""

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, None, 1), name="image"),
            tf.TensorSpec((None, None, None, 1), name="message"),
            tf.TensorSpec((), name="strength"),
        ]
    )
    def embed(self, image, message, strength):
        signs = tf.repeat(tf.repeat(2 * message - 1, 8, axis=1), 8, axis=2)
        tiles = [1, tf.shape(message)[1], tf.shape(message)[2], 1]
        checks = tf.tile(CHECKS[None, ..., None], tiles)
        return {"watermarked": tf.clip_by_value(image + strength * 8 / 255 * signs * checks, 0, 1)}

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), name="image")])
    def extract(self, image):
        return {"logits": 8 * tf.nn.conv2d(image, CHECKS[..., None, None], 8, "VALID")}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks") / "checker"
    module = Checker()
    signatures = {"embed": module.embed, "extract": module.extract}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    write_manifest(folder)
    return str(folder)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(data.chelsea()).save(path, quality=95)  # 451 x 300
    return str(path)


@pytest.fixture
def run(capsys):
    """Runs a command here; returns exit code, stdout, stderr."""

    def call(*arguments):
        try:
            code = cli.main([str(a) for a in arguments])
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def fails(run):
    """Runs a command that must fail with one line; returns the line."""

    def call(*arguments):
        code, out, err = run(*arguments)
        assert code == 2 and out == ""
        assert err.startswith("tfwm: error: ") and err.count("\n") == 1, err
        return err

    return call


MESSAGE = "(c) 2026 Ada Lovelace"


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif"])
def test_message_there_and_back(run, network, photo, tmp_path, ending):
    marked = tmp_path / f"marked{ending}"
    arguments = ["embed", photo, "-o", marked, "--message", MESSAGE, "--network", network]
    assert run(*arguments) == (0, "", "")
    assert Image.open(marked).size == (451, 300)
    assert run("extract", marked, "--network", network) == (0, f"{MESSAGE}\n", "")


def test_bits_there_and_back_as_json(run, network, photo, tmp_path):
    bits, marked = "0110100111", tmp_path / "marked.jpg"
    code, out, err = run(
        *["embed", photo, "-o", marked, "--bits", bits, "--network", network],
        *["--quality", 80, "--strength", 1.5, "--json"],
    )
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert result["readable"] is True and result["output"] == str(marked)
    assert result["strength"] == 1.5 and result["copies"] == 36 * 56 // 10
    code, out, _ = run("extract", marked, "--bits-length", 10, "--network", network, "--json")
    result = json.loads(out)
    assert code == 0 and result["bits"] == bits and result["checksum_ok"] is None
    assert len(result["bit_confidence"]) == 10 and min(result["bit_confidence"]) > 0
    code, out, _ = run("extract", marked, "--bits-length", 10, "--network", network)
    assert (code, out) == (0, f"{bits}\n")


def test_unmarked_photo_is_exit_code_1(run, network, photo):
    code, out, err = run("extract", photo, "--network", network)
    assert code == 1 and out == "" and "no checksum fits" in err and err.count("\n") == 1
    code, out, _ = run("extract", photo, "--network", network, "--json")
    assert code == 1 and json.loads(out)["message"] is None


def test_mark_that_does_not_read_back_is_said(run, network, photo, tmp_path):
    marked = tmp_path / "marked.jpg"
    arguments = ["--message", MESSAGE, "--network", network, "--quality", 5, "--strength", 0.05]
    code, _, err = run("embed", photo, "-o", marked, *arguments)
    assert code == 1 and "does not read back" in err and err.count("\n") == 1


def test_message_of_a_stranger_does_not_steer_the_terminal(run, network, photo, tmp_path):
    marked = tmp_path / "marked.png"
    run("embed", photo, "-o", marked, "--message", "a\x1b[2Jb\n世", "--network", network)
    assert run("extract", marked, "--network", network)[1] == "a\\x1b[2Jb\n世\n"


def test_notes_go_to_stderr(run, network, tmp_path):
    Image.fromarray(data.chelsea()).quantize(128).save(tmp_path / "a.gif")
    arguments = ["--message", "x", "--network", network]
    code, out, err = run("embed", tmp_path / "a.gif", "-o", tmp_path / "b.png", *arguments)
    assert (code, out) == (0, "") and err.startswith("tfwm: note: ") and err.count("\n") == 1


# Bad input: one line, exit code 2, nothing written


def bad_photos(folder):
    image = Image.fromarray(data.chelsea())
    whole = folder / "whole.jpg"
    image.save(whole)
    (folder / "cut.jpg").write_bytes(whole.read_bytes()[:9000])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no image")
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    giant = bytearray((Path(folder) / "pixel.png").read_bytes())
    giant[16:24] = (40000).to_bytes(4, "big") * 2
    giant[29:33] = zlib.crc32(bytes(giant[12:29])).to_bytes(4, "big")
    (folder / "giant.png").write_bytes(giant)
    whole.unlink()
    return {
        "cut.jpg": "damaged or cut off",
        "empty.png": "is empty",
        "text.png": "not an image",
        "pixel.png": "1 x 1 pixels",
        "giant.png": "too large",
        "missing.png": "does not exist",
        ".": "is a folder",
    }


def test_bad_photos(fails, network, tmp_path):
    cases = bad_photos(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    for name, words in cases.items():
        arguments = ["-o", tmp_path / "out.png", "--message", "a", "--network", network]
        assert words in fails("embed", tmp_path / name, *arguments), name
        assert words in fails("extract", tmp_path / name, "--network", network), name
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_odd_but_good_photos(run, network, tmp_path):
    image = Image.fromarray(data.chelsea())
    gray16 = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = image.copy()
    alpha.putalpha(100)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.quantize(200).save(tmp_path / "palette.png")
    alpha.save(tmp_path / "alpha.png")
    gray16.save(tmp_path / "gray16.png")
    image.save(tmp_path / "turned.jpg", exif=exif)
    for name in ("cmyk.jpg", "palette.png", "alpha.png", "gray16.png", "turned.jpg"):
        target = tmp_path / f"out-{name}.png"
        code, _, err = run(
            "embed", tmp_path / name, "-o", target, "--message", MESSAGE, "--network", network
        )
        assert code == 0, err
        assert run("extract", target, "--network", network)[1] == f"{MESSAGE}\n", name
    assert Image.open(tmp_path / "out-alpha.png.png").getchannel("A").getextrema() == (100, 100)
    assert Image.open(tmp_path / "out-gray16.png.png").mode == "I;16"
    assert Image.open(tmp_path / "out-turned.jpg.png").size == (300, 451)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--message", "x" * 300], "takes 300 bytes, 59 fit"),
        (["--message", ""], "1 to 255 bytes"),
        (["--bits", "01102"], "bits of 0 and 1"),
        (["--bits", "01" * 1009], "1 to 2016 bits"),
        (["--message", "a", "--strength", "0"], "strength above 0"),
        (["--message", "a", "--strength", "nan"], "strength above 0"),
        (["--message", "a", "--strength", "much"], "invalid float"),
        (["--message", "a", "--quality", "50"], "JPEG only"),
        (["--message", "a", "--bits", "01"], "not allowed with"),
        ([], "--message --bits is required"),
    ],
)
def test_bad_arguments(fails, network, photo, tmp_path, arguments, words):
    target = tmp_path / "out.png"
    assert words in fails("embed", photo, "-o", target, "--network", network, *arguments)
    assert not target.exists()


def test_existing_file_and_source_are_kept(fails, run, network, photo, tmp_path):
    arguments = ["--message", "a", "--network", network]
    (tmp_path / "there.png").write_bytes(b"mine")
    source = Path(photo).read_bytes()
    assert "exists" in fails("embed", photo, "-o", tmp_path / "there.png", *arguments)
    assert "exists" in fails("embed", photo, "-o", photo, *arguments)
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    assert Path(photo).read_bytes() == source
    assert run("embed", photo, "-o", photo, "--overwrite", *arguments)[0] == 0
    assert run("extract", photo, "--network", network)[1] == "a\n"


def test_full_disk(fails, network, photo, tmp_path):
    # A limit on the size of files makes the system refuse the rest, as a full disk does.
    target = tmp_path / "marked.png"
    target.write_bytes(b"older")
    before = sorted(p.name for p in tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        line = fails(
            *["embed", photo, "-o", target, "--overwrite", "--message", "a"],
            *["--network", network],
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Could not write" in line and "File too large" in line
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert target.read_bytes() == b"older"


def test_missing_and_tampered_network(fails, network, photo, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(network, broken)
    graph = broken / "1" / "saved_model.pb"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    for name, words in [
        (broken, "is damaged"),
        (tmp_path / "nowhere", "There is no network at"),
        ("redmark-xt", "No network is called"),
        (tmp_path, "There is no network in"),
    ]:
        target = tmp_path / "out.png"
        assert words in fails("embed", photo, "-o", target, "--message", "a", "--network", name)
        assert words in fails("extract", photo, "--network", name)
        assert not target.exists()
    (broken / "manifest.json").unlink()
    graph.write_bytes(bytes(content[:500]))
    assert "damaged" in fails("extract", photo, "--network", broken)


# The other commands


def test_unknown_recipe_and_key(fails, run, tmp_path):
    assert "invalid choice" in fails("train", "nosuch")
    (tmp_path / "a.toml").write_text("steps = 1\n")
    arguments = ["--config", tmp_path / "a.toml", f"output={tmp_path / 'run'}"]
    code, out, err = run("train", "redmark", *arguments, "learning_rat=1")
    assert code == 2 and out == "" and err.count("\n") == 1
    assert "learning_rat" in err and "'learning_rate'" in err
    assert not (tmp_path / "run").exists()


SUITE = """
title = "A small table"
placements = ["spread"]
votes = ["soft"]
watermarks = 1
[[attacks]]
name = "jpeg"
levels = [90]
[[paper]]
network = "checker"
strength = 1.0
[paper.ber]
jpeg = [nan]
"""


def test_evaluate(run, network, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, image in enumerate((data.chelsea(), data.coffee())):
        Image.fromarray(image).save(tmp_path / f"photos/{number}.png")
    (tmp_path / "photos/bad.png").write_bytes(b"bad")
    (tmp_path / "small.toml").write_text(SUITE)
    arguments = [
        *["evaluate", network, f"other={network}", "--images", tmp_path / "photos"],
        *["--suite", tmp_path / "small.toml", "--output", tmp_path / "results"],
    ]
    code, out, err = run(*arguments, "--json", "--no-report")
    assert code == 0 and err.startswith("tfwm: warning: skipped: ") and err.count("\n") == 1
    result = json.loads(out)
    assert result["skipped"] == 1 and result["html"] is None
    rows = [row for row in result["rows"] if row["attack"] == "jpeg"]
    assert [row["network"] for row in rows] == ["checker", "other"]
    assert rows[0]["ber"] == rows[1]["ber"] < 0.2 and rows[0]["paper_ber"] is None
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["small-photos.csv"]
    first = (tmp_path / "results/small-photos.csv").read_text().splitlines()[0]
    assert first == "# tfwm " + " ".join(str(a) for a in [*arguments, "--json", "--no-report"])
    code, out, _ = run(*arguments, "--limit", 1)
    assert code == 0 and out.splitlines()[1:] == [
        str(tmp_path / "results/small-photos.csv"),
        str(tmp_path / "results/small-photos.html"),
    ]


def test_evaluate_says_what_is_wrong(fails, network, tmp_path):
    (tmp_path / "empty").mkdir()
    output = ["--output", tmp_path / "results"]
    for arguments, words in [
        ([network, "--images", tmp_path / "empty"], "a folder with images"),
        ([network, "--images", tmp_path / "nowhere"], "no such folder"),
        ([network, "--suite", "redmark-tabel3"], "did you mean 'redmark-table3'"),
        ([network, network], "Two networks are called checker"),
        (["redmark-xt"], "No network is called"),
        ([], "required: NETWORK"),
    ]:
        assert words in fails("evaluate", *arguments, *output)
    assert not (tmp_path / "results").exists()


def test_figures(run, fails, network, tmp_path):
    from tfwm.cli.arguments import FIGURES as known
    from tfwm.evaluation.figures import FIGURES

    assert list(known) == list(FIGURES)
    code, out, err = run("figures", "redmark-fig10", network, "--output", tmp_path / "a.png")
    assert (code, out, err) == (0, f"{tmp_path / 'a.png'}\n", "")
    assert Image.open(tmp_path / "a.png").width > 300
    assert "invalid choice" in fails("figures", "redmark-fig1", network)
    assert "no such folder" in fails("figures", "redmark-fig6", network, "--images", "nowhere")


def test_list(run, monkeypatch):
    import tfwm.export

    card = {"name": "tiny", "description": "A network.", "strength": {"default": 1.0}}
    monkeypatch.setattr(tfwm.export, "list_networks", lambda: {"tiny": card})
    assert run("list")[1].startswith("tiny\n    A network.\n")
    assert json.loads(run("list", "--json")[1]) == [card]
    monkeypatch.setattr(tfwm.export, "list_networks", dict)
    assert run("list")[:2] == (0, "No networks come with this installation.\n")


def test_verify_needs_a_whole_network(run, fails, network, tmp_path):
    code, out, _ = run("verify", network)  # no card, no golden tensors
    assert code == 1 and "FAIL" in out
    code, out, _ = run("verify", network, "--json")
    assert code == 1 and json.loads(out)[0]["passed"] is False
    assert "There is no network at" in fails("verify", tmp_path / "nowhere")


def test_export_of_keras_models(run, fails, photo, tmp_path):
    from tfwm.models.redmark import build_embedder, build_extractor

    build_embedder(width=8, depth=1).save(tmp_path / "embedder.keras")
    assert "no extractor.keras" in fails("export", tmp_path, tmp_path / "net")
    build_extractor(width=8, depth=1).save(tmp_path / "extractor.keras")
    code, out, _ = run("export", tmp_path, tmp_path / "net")
    assert (code, out) == (0, f"{tmp_path / 'net/1'} is written\n")
    code, out, _ = run("extract", photo, "--bits-length", 5, "--network", tmp_path / "net")
    assert code == 0 and len(out) == 6
    assert "exists" in fails("export", tmp_path, tmp_path / "net")
    assert run("export", tmp_path, tmp_path / "net", "--overwrite")[0] == 0
    run_folder = tmp_path / "run"
    shutil.copytree(tmp_path, run_folder / "tiny", ignore=shutil.ignore_patterns("net", "run"))
    assert run("export", run_folder, tmp_path / "net", "--overwrite")[0] == 0
    shutil.copytree(run_folder / "tiny", run_folder / "other")
    assert "Several networks" in fails("export", run_folder, tmp_path / "other")
    (tmp_path / "extractor.keras").write_bytes(b"PK no archive")
    assert "extractor.keras is damaged" in fails("export", tmp_path, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_export_with_a_card_writes_every_form(run, tmp_path):
    from tfwm.export import make_card, redmark_geometry, write_card
    from tfwm.models.redmark import build_embedder, build_extractor

    build_embedder(width=8, depth=1).save(tmp_path / "embedder.keras")
    build_extractor(width=8, depth=1).save(tmp_path / "extractor.keras")
    card = make_card(
        "tiny",
        "A test.",
        paper="none",
        licence={"code": "MIT", "weights": "MIT"},
        training={"data": "none", "recipe": "none", "command": "none"},
        geometry=redmark_geometry(),
        strength={"default": 1.0, "guidance": "none"},
        limits=["untrained"],
    )
    write_card(card, tmp_path)
    assert run("export", tmp_path, tmp_path / "net")[0] == 0
    assert (tmp_path / "net/tiny.tflite").is_file()
    code, out, _ = run("verify", tmp_path / "net", "--json")
    assert code == 0 and json.loads(out)[0]["passed"] is True


@pytest.mark.parametrize("command", [["export", "source"], ["convert", "redmark", "a.h5"]])
def test_overwrite_keeps_what_is_no_network(fails, tmp_path, command):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/photo.jpg").write_bytes(b"precious")
    text = fails(*command, tmp_path / "photos", "--overwrite")
    assert "holds no exported network, it is kept" in text
    assert (tmp_path / "photos/photo.jpg").read_bytes() == b"precious"


def test_convert(run, fails, shared, tmp_path):
    anchors = shared / "anchors/redmark"
    arguments = ["convert", "redmark", anchors / "GT-Net.h5", tmp_path / "gt"]
    code, out, _ = run(*arguments, "--golden", anchors / "golden.npz", "--json")
    report = json.loads(out)
    assert code == 0 and all(row["logits_difference"] < 1e-3 for row in report["differences"])
    assert "exists" in fails(*arguments)
    (tmp_path / "bad.h5").write_bytes((anchors / "GT-Net.h5").read_bytes()[:5000])
    assert "bad.h5" in fails("convert", "redmark", tmp_path / "bad.h5", tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


# As the shell sees it


def shell(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "tfwm", *arguments], capture_output=True, text=True, **options
    )


def test_help_is_quick_and_does_not_start_tensorflow():
    code = "import sys, tfwm.cli\ntry: tfwm.cli.main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "examples:" in result.stdout and "embed" in result.stdout


def test_every_command_teaches(run):
    parser = make_parser()
    commands = next(a for a in parser._actions if a.choices).choices
    assert {
        "list",
        "train",
        "evaluate",
        "figures",
        "embed",
        "extract",
        "export",
        "convert",
        "verify",
    } <= set(commands)
    for name in commands:
        code, out, _ = run(name, "--help")
        assert code == 0 and f"  tfwm {name} " in out.partition("examples:")[2] + " ", name


def test_errors_of_the_parser(fails):
    assert "invalid choice: 'nosuch'" in fails("nosuch")
    assert "required" in fails()
    assert "tfwm embed --help" in fails("embed", "a.jpg")
    assert "system" in fails("train")


def test_module_runs_without_a_word_of_tensorflow(network, photo, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    marked = str(tmp_path / "marked.png")
    result = shell(
        *["embed", photo, "-o", marked, "--message", MESSAGE, "--network", network],
        env=environment,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    result = shell("extract", marked, "--network", network, env=environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{MESSAGE}\n", "")
