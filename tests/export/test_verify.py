import importlib
import json
import shutil

import numpy as np
import pytest

from tfwm.export import export_again, make_golden, package_network, replay_golden, verify
from tfwm.export import golden as golden_module
from tfwm.networks import load_network

RUNTIMES = ["keras", "saved_model", "tflite float32", "tflite float16", "tflite int8"]


@pytest.fixture
def copy(packaged, tmp_path):
    return shutil.copytree(packaged, tmp_path / "tiny")


def failures(report):
    return [f"{c.name}: {c.detail}" for c in report.checks if not c.passed]


def flip_byte(path, position=-100):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_whole_package(packaged):
    report = verify(packaged)
    assert report.passed and not failures(report)
    assert [c.name for c in report.checks] == ["files", "card", "golden tensors", *RUNTIMES]
    assert json.loads(json.dumps(report.to_dict()))["passed"] is True
    assert all(line.startswith("ok   tiny: ") for line in report.lines())
    names = {p.relative_to(packaged).as_posix() for p in packaged.rglob("*") if p.is_file()}
    assert names >= {
        "1/saved_model.pb",
        "tiny.tflite",
        "tiny-float16.tflite",
        "tiny-int8.tflite",
        "embedder.keras",
        "extractor.keras",
        "card.json",
        "golden.npz",
        "manifest.json",
    }
    assert verify(packaged / "1").passed


@pytest.mark.parametrize("file", ["tiny-int8.tflite", "card.json", "golden.npz", "embedder.keras"])
def test_one_flipped_bit_is_told(copy, file):
    flip_byte(copy / file)
    report = verify(copy)
    assert not report.passed
    lines = [line for line in failures(report) if line.startswith(f"files: {file} has changed")]
    assert len(lines) == 1 and "\n" not in "".join(failures(report))


def test_tampered_weights_do_not_load(copy):
    flip_byte(copy / "1" / "variables" / "variables.data-00000-of-00001", 1000)
    with pytest.raises(ValueError, match="is damaged: 1/variables/.* has changed"):
        load_network(copy, trust=True, runtime="tensorflow")
    flip_byte(copy / "tiny.tflite")
    with pytest.raises(ValueError, match="is damaged: tiny.tflite has changed"):
        load_network(copy / "tiny.tflite")


def test_other_weights_with_right_checksums_are_found(copy, models, card):
    """Checksums agree with the wrong file: only the golden tensors tell."""
    from tfwm.models.redmark import build_embedder
    from tfwm.networks import write_manifest

    build_embedder((16, 16), width=8, depth=2).save(copy / "embedder.keras")
    write_manifest(copy)
    found = failures(verify(copy))
    assert len(found) == 1 and found[0].startswith("keras: residual differs by")


def test_missing_and_extra_files(copy):
    (copy / "tiny.tflite").unlink()
    (copy / "extra.bin").write_bytes(b"x")
    (copy / ".DS_Store").write_bytes(b"x")
    found = failures(verify(copy))
    assert found[:2] == [
        "files: tiny.tflite is missing",
        "files: extra.bin is not listed in manifest.json",
    ]
    assert len(found) == 3 and found[2].startswith("tflite float32: cannot be run: There is no")


def test_without_manifest_card_or_golden(copy):
    (copy / "manifest.json").write_text("[]")
    assert "is damaged: it is no manifest" in failures(verify(copy))[0]
    (copy / "manifest.json").unlink()
    assert "manifest.json is missing" in failures(verify(copy))[0]
    (copy / "golden.npz").write_bytes(b"PK\x03\x04")
    (copy / "card.json").unlink()
    found = failures(verify(copy))
    assert "has no card.json" in found[1] and "golden.npz is damaged" in found[2]


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no network at"):
        verify(tmp_path / "nothing")
    with pytest.raises(ValueError, match="is no exported network: it has no card.json"):
        verify(tmp_path)


def test_golden_inputs_are_a_photo_and_errors_are_relative(packaged):
    network = load_network(packaged)
    golden = make_golden(network)
    assert golden["cover"].shape == (2, 32, 48, 1) and golden["cover"].std() > 10
    assert 0.3 < golden["message"].mean() < 0.7
    assert max(replay_golden(network, golden).values()) < 1e-5
    golden["logits"] = golden["logits"] / 2
    assert replay_golden(network, golden)["logits"] == pytest.approx(1.0, abs=1e-5)


def test_disagreeing_forms_are_not_written(models, card, tmp_path, monkeypatch):
    real = make_golden

    def wrong_golden(network, strength):
        golden = real(network, strength)
        return {**golden, "logits": golden["logits"] + np.float32(1)}

    monkeypatch.setattr(golden_module, "make_golden", wrong_golden)
    monkeypatch.setattr("tfwm.export.package.write_tflite", lambda *_: None)  # takes seconds
    with pytest.raises(ValueError, match="its forms disagree: keras: "):
        package_network(*models, tmp_path / "new" / "tiny", card)
    assert not list(tmp_path.iterdir())


def test_int8_is_left_out_where_it_is_too_far_from_the_others(models, card, tmp_path, monkeypatch):
    module = importlib.import_module("tfwm.export.verify")  # the package has the function
    real = module.tolerances
    monkeypatch.setattr(module, "tolerances", lambda card: {**real(card), "tflite int8": 0.0})
    with pytest.warns(UserWarning, match="tiny-int8.tflite is left out, as 8 bits are too few"):
        folder = package_network(*models, tmp_path / "tiny", card)
    assert {p.name for p in folder.glob("*.tflite")} == {"tiny.tflite", "tiny-float16.tflite"}
    report = verify(folder)
    assert report.passed and "tflite int8" not in [c.name for c in report.checks]
    assert load_network(folder).extract(np.zeros((1, 32, 32, 1), "float32")).shape[-1] == 1


def test_keras_files_alone_are_a_network(packaged, tmp_path):
    folder = export_again(packaged, tmp_path / "small", keras_only=True)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "card.json",
        "embedder.keras",
        "extractor.keras",
        "golden.npz",
        "manifest.json",
    }
    report = verify(folder)
    assert report.passed and [c.name for c in report.checks if c.name in RUNTIMES] == ["keras"]
    for name in ("embedder.keras", "extractor.keras", "manifest.json"):
        (folder / name).unlink()
    assert any(check.name == "forms" and not check.passed for check in verify(folder).checks)
