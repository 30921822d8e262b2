import json
import shutil
import subprocess
import sys

import pytest


def test_missing_and_tampered_network(fails, saved_network, photo, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(saved_network, broken)
    graph = broken / "1" / "saved_model.pb"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    for name, words in [
        (broken, "is damaged"),
        (tmp_path / "nowhere", "There is no network at"),
        ("redmark-xt", "Unknown network"),
        (tmp_path, "There is no network in"),
    ]:
        target = tmp_path / "out.png"
        assert words in fails(
            "embed", photo, "-o", target, "--message", "a", "--network", name, "--trust"
        )
        assert words in fails("extract", photo, "--network", name, "--trust")
        assert not target.exists()
    (broken / "manifest.json").unlink()
    graph.write_bytes(bytes(content[:500]))
    assert "damaged" in fails("extract", photo, "--network", broken, "--trust")


def test_list(run, monkeypatch):
    import tfwm.networks.places as places

    card = {"name": "tiny", "kind": "message", "description": "A network."}
    card["strength"] = {"default": 1.0}
    keyed = {"name": "other", "kind": "keyed", "description": "A network."}
    monkeypatch.setattr(places, "list_networks", lambda: {"tiny": card, "other": keyed})
    assert run("list")[1].startswith("tiny\n    A network.\n    message: hides messages in photos")
    assert ", strength 1 by default\nother\n" in run("list")[1]
    assert run("list")[1].endswith("owner's mark: tfwm keyed\n")
    monkeypatch.setattr(places, "list_networks", lambda: {"tiny": card})
    assert json.loads(run("list", "--json")[1]) == [card]
    monkeypatch.setattr(places, "list_networks", dict)
    assert run("list")[:2] == (0, "No networks come with this installation.\n")


def test_list_does_not_start_tensorflow():
    code = (
        "import sys; from tfwm import cli; cli.main(['list']); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n") and "keyed-colorize" in done.stdout


def test_verify_needs_a_whole_network(run, fails, saved_network, tmp_path):
    code, out, _ = run("verify", saved_network)  # no card, no golden tensors
    assert code == 1 and "FAIL" in out
    code, out, _ = run("verify", saved_network, "--json")
    assert code == 1 and json.loads(out)[0]["passed"] is False
    assert "There is no network at" in fails("verify", tmp_path / "nowhere")


def test_export_of_keras_models(run, fails, photo, tmp_path):
    from tfwm.models.redmark import build_embedder, build_extractor

    build_embedder(width=8, depth=1).save(tmp_path / "embedder.keras")
    assert "no extractor.keras" in fails("export", tmp_path, tmp_path / "net")
    build_extractor(width=8, depth=1).save(tmp_path / "extractor.keras")
    code, out, _ = run("export", tmp_path, tmp_path / "net")
    assert (code, out) == (0, f"{tmp_path / 'net/1'} is written\n")
    arguments = ["--search", "none", "--network", tmp_path / "net"]
    code, out, err = run("extract", photo, *arguments)
    assert (code, out) == (1, "") and err.startswith("tfwm: absent: ")
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


@pytest.mark.slow
def test_export_with_a_card_writes_every_form(run, tmp_path):
    from tfwm.models.redmark import build_embedder, build_extractor
    from tfwm.networks import make_card, redmark_geometry, write_card

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


@pytest.mark.slow
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


def test_unknown_networks_are_told_before_tensorflow_starts(fails, photo, tmp_path, monkeypatch):
    monkeypatch.setattr("tfwm.cli.options.import_tensorflow", lambda: pytest.fail("starts it"))
    words = ["embed", photo, "-o", tmp_path / "a.png", "--message", "a", "--network", "phto"]
    for command in (words, ["verify", "phto"], ["export", "phto", tmp_path / "net"]):
        assert "did you mean 'photo'?" in fails(*command)


def test_verify_of_an_ordinary_folder(fails, photos):
    assert f"{photos} is no exported network: it has no card.json" in fails("verify", photos)
