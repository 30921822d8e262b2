"""`tfwm sign`."""

import csv
import io
import json
import sys

import pytest

from tfwm.cli import main, sign
from tfwm.provenance import Claims, make_test_signer, read_manifest


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A folder of settings of its own, where the test certificate is made."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings" / "tfwm" / "test-certificate"


@pytest.fixture
def photo_file(tmp_path, network):
    from PIL import Image
    from skimage import data

    Image.fromarray(data.astronaut()[:320, 80:400]).save(tmp_path / "photo.jpg", quality=90)
    return tmp_path / "photo.jpg"


def test_one_photo(photo_file, settings, capsys):
    out = photo_file.with_name("signed.jpg")
    command = ["sign", str(photo_file), "-o", str(out), "--test-certificate", "--key", "secret"]
    assert main([*command, "--source-type", "digitalCapture"]) == 0
    captured = capsys.readouterr()
    report = read_manifest(out)
    assert report.holds and report.source_type == "digitalCapture"
    assert report.label in captured.out and report.soft_bindings[0].value in captured.out
    assert captured.err == f"tfwm: note: {sign.TEST_NOTE}\n" and settings.is_dir()


def test_the_users_own_certificate_and_json(photo_file, settings, tmp_path, capsys):
    make_test_signer(tmp_path / "own")
    own = [str(tmp_path / "own" / name) for name in ("chain.pem", "key.pem")]
    out, more = str(photo_file.with_name("signed.png")), tmp_path / "more.json"
    more.write_text(json.dumps({"org.example.rights": {"owner": "Ada"}}))
    command = ["sign", str(photo_file), "-o", out, "--certificate", own[0], "--private-key", own[1]]
    assert main([*command, "--assertions", str(more), "--int", "7", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["manifest"]["state"] == "valid" and result["message"] == 7
    manifest = read_manifest(out).raw["manifests"][result["label"]]
    assert {"org.example.rights"} <= {a["label"] for a in manifest["assertions"]}


def test_a_folder_and_its_second_run(photo_file, settings, capsys):
    folder, out = photo_file.parent / "photos", photo_file.parent / "out"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(photo_file.read_bytes())
    command = ["sign", str(folder), "-o", str(out), "--test-certificate"]
    assert main(command) == 0
    with open(out / "tfwm-report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["message"] != rows[1]["message"]
    for row in rows:
        report = read_manifest(out / row["output"])
        assert report.holds and report.soft_bindings[0].value == row["value"]
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("0 done, 2 skipped (2 done before)")
    assert main([*command, "--generator", "other 1"]) == 2  # other claims are not what is there
    assert "was marked with" in capsys.readouterr().err


def test_pipes_keep_the_manifest_too(photo_file, settings, signed_bytes, monkeypatch, capsys):
    stdin = io.TextIOWrapper(io.BytesIO(signed_bytes))
    monkeypatch.setattr(sys, "stdin", stdin)
    out = photo_file.with_name("signed.jpg")
    assert main(["sign", "-", "-o", str(out), "--test-certificate", "--over"]) == 0
    assert read_manifest(out).ingredients[0].relationship == "parentOf"
    assert "its manifest is kept as that of its parent" in capsys.readouterr().err


@pytest.fixture
def signed_bytes(photo_file, checker, tmp_path):
    from tfwm.provenance import SigningWatermarker

    signer = make_test_signer(tmp_path / "signer")
    marker = SigningWatermarker(checker(), signer, Claims("algorithmicMedia"))
    return marker.embed_bytes(photo_file.read_bytes(), "Ada")


def test_a_generated_picture_signed_as_a_camera_s_is_told(photo_file, settings, capsys):
    first, second = photo_file.with_name("ai.jpg"), photo_file.with_name("camera.jpg")
    command = ["--test-certificate", "--source-type"]
    made = "trainedAlgorithmicMedia"
    assert main(["sign", str(photo_file), "-o", str(first), *command, made]) == 0
    command = ["--over", *command]
    assert main(["sign", str(first), "-o", str(second), *command, "digitalCapture"]) == 0
    told = f"its manifest says {made}, and the new manifest says digitalCapture"
    assert capsys.readouterr().err.count(told) == 1
    assert main(["inspect", str(second), "--network", "checker"]) == 1
    assert "captured by a camera, its parent's says generated" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options, told",
    [
        ([], "Expected who signs"),
        (["--certificate", "a.pem"], "Expected who signs"),
        (["--test-certificate", "--private-key", "a.pem"], "goes without"),
        (["--test-certificate", "--source-type", "foto"], "Unknown digital source type"),
        (["--test-certificate", "--component", "absent.jpg"], "absent.jpg does not exist"),
        (["--test-certificate", "--assertions", "photo.jpg"], "cannot be read as JSON"),
        (["--test-certificate", "--time-authority", "x"], "time-stamp service"),
        (["--test-certificate", "--store", "https://example.org"], "path of a store's file"),
        (["--test-certificate", "--title", "a" * 1001], "Expected a title of 1 to 1000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_options_are_told_in_one_line(options, told, photo_file, settings, monkeypatch, capsys):
    monkeypatch.chdir(photo_file.parent)
    assert main(["sign", "photo.jpg", "-o", "out.jpg", *options]) == 2
    error = capsys.readouterr().err
    assert told in error and error.startswith("tfwm: error: ") and error.count("\n") == 1
    assert not photo_file.with_name("out.jpg").exists()
