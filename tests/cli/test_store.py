"""`tfwm store`, and `tfwm sign --store`."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from tfwm.provenance import ManifestStore, Record, open_store


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "manifests.db"
    store = ManifestStore(path, create=True)
    record = Record("urn:c2pa:1", "ab" * 32, bytes(32), "photo", "public", "Ada\x1b")
    store.add(record, b"a manifest", {"org.tfwm.photo.1": "AWFkYQ=="})
    return path


def test_sign_keeps_manifests(run, photos, network, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    store, out = tmp_path / "manifests.db", tmp_path / "out"
    (photos / "b.bmp").unlink()
    code, _, _ = run("sign", photos, "-o", out, "--test-certificate", "--store", store)
    assert code == 0 and len(ManifestStore(store)) == 2
    code, listed, _ = run("store", "list", store, "--json")
    records = json.loads(listed)
    assert code == 0 and {record["key"] for record in records} == {"public"}
    assert {record["network"] for record in records} == {"checker"}


def test_list_export_remove(run, fails, stored, tmp_path):
    code, listed, _ = run("store", "list", stored)
    assert code == 0 and "\x1b" not in listed
    head, line = listed.splitlines()
    assert head == "id\ttime\tnetwork\tkey's fingerprint\trecipient"
    assert line.startswith("urn:c2pa:1\t2") and "\tphoto\tpublic\tAda" in line
    out = tmp_path / "photo.c2pa"
    assert run("store", "export", stored, "urn:c2pa:1", "-o", out)[0] == 0
    assert out.read_bytes() == b"a manifest"
    assert "exists" in fails("store", "export", stored, "urn:c2pa:1", "-o", out)
    assert "has no manifest x" in fails("store", "remove", stored, "x")
    assert run("store", "remove", stored, "urn:c2pa:1")[0] == 0
    assert len(ManifestStore(stored)) == 0
    assert "does not exist" in fails("store", "list", tmp_path / "none.db")
    assert "does not exist" in fails("store", "serve", tmp_path / "none.db")


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_what_writes_nothing_makes_no_store(
    option, many, run, photos, network, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (photos / "b.bmp").unlink()
    store, photo = tmp_path / "new.db", next(photos.glob("*.*"))
    words = [photos if many else photo, "--test-certificate", "--store", store, option]
    if option == "--dry-run":
        words += ["-o", tmp_path / ("out" if many else f"out{photo.suffix}")]
    assert run("sign", *words)[0] == 0
    assert not store.exists()


@pytest.mark.slow
def test_serve(stored):
    command = [sys.executable, "-m", "tfwm", "store", "serve", str(stored), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            address = process.stdout.readline().split()[0]
            status = json.load(urllib.request.urlopen(f"{address}/v1/services/status"))
            assert status["status"] == "ok"
            assert open_store(address).manifest("urn:c2pa:1") == b"a manifest"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)


def test_the_store_is_never_the_output(fails, stored, photos):
    before = stored.read_bytes()
    for words in (
        ("store", "export", stored, "urn:c2pa:1", "-o", stored, "--overwrite"),
        (
            "sign",
            photos / "b.bmp",
            "-o",
            stored,
            "--store",
            stored,
            "--test-certificate",
            "--overwrite",
        ),
    ):
        assert "an output beside the store" in fails(*words)
    assert stored.read_bytes() == before


def test_inspect_asks_a_service(run, fails, photos, stored, tmp_path):
    for option in ("--follow", "--send-picture"):
        assert "Expected --store" in fails("inspect", photos / "b.bmp", option)
        told = fails("inspect", photos / "b.bmp", "--store", stored, option)
        assert "Expected the address of a service" in told
    assert "Expected an address" in fails("inspect", photos / "b.bmp", "--store", "http://a b/")
    export = "store", "export", "http://127.0.0.1:9", "urn:c2pa:1", "-o", tmp_path / "new.c2pa"
    assert "cannot be reached" in fails(*export)
