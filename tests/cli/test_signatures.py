"""Signed photos through the commands: one, and a folder."""

import csv
import json

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from skimage import data

ENCODING = serialization.Encoding


@pytest.fixture
def keys(tmp_path):
    """Private and public key, as `ssh-keygen -t ed25519` writes them."""
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "id", tmp_path / "id.pub"
    form = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(ENCODING.PEM, *form))
    line = key.public_key().public_bytes(ENCODING.OpenSSH, serialization.PublicFormat.OpenSSH)
    public.write_bytes(line + b" ada@example.org\n")
    return private, public


@pytest.fixture
def pictures(tmp_path):
    """A folder with two photos of 768 x 512, and a plain one."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, picture in (("a", data.coffee()), ("b", data.chelsea())):
        Image.fromarray(picture).resize((768, 512)).save(folder / f"{name}.png")
    return folder


def test_a_photo_is_signed_and_checked(run, network, keys, pictures, tmp_path):
    private, public = keys
    signed = tmp_path / "signed.png"
    code, out, err = run("embed", pictures / "a.png", "-o", signed, "--sign", private)
    assert (code, err) == (0, "") and "dB at strength 1, reads with" in out
    code, out, err = run("extract", signed, "--public-key", public)
    assert (code, out) == (0, "signed by ada@example.org\n")
    assert "tfwm: present: " in err and "ada@example.org signed this photo" in err
    found = json.loads(run("extract", signed, "--public-key", public, "--json")[1])
    assert (found["signer"], found["kind"], len(found["message"])) == (
        "ada@example.org",
        "signature",
        144,
    )
    code, out, err = run("extract", signed)
    assert code == 0 and out == found["message"] + "\n" and "--public-key tells whose" in err
    code, out, err = run("extract", pictures / "b.png", "--public-key", public, "--search", "none")
    assert (code, out) == (1, "") and "tfwm: absent: " in err


def test_a_folder_is_signed_photo_by_photo(run, network, keys, pictures, tmp_path):
    private, public = keys
    Image.fromarray(np.full((512, 768), 99, np.uint8)).save(pictures / "plain.png")
    out = tmp_path / "out"
    code, told, err = run("embed", pictures, "-o", out, "--sign", private)
    assert code == 2 and told.startswith("2 done, 0 skipped, 1 failed")
    with open(out / "tfwm-report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["signature", "signature", ""]
    assert len({row["message"] for row in rows}) == 3
    assert "shows too little for a signature" in rows[2]["error"]
    code, told, _ = run("embed", pictures, "-o", out, "--sign", private)
    assert told.startswith("0 done, 2 skipped (2 done before), 1 failed")
    code, told, _ = run("extract", out / "a.png", out / "b.png", "--public-key", public, "--json")
    photos = json.loads(told)["photos"]
    assert code == 0 and [row["signer"] for row in photos] == 2 * ["ada@example.org"]
    assert run("verify", out)[0] == 0
    private.write_text("no key")
    code, told, err = run("embed", pictures, "-o", out, "--sign", private)
    assert code == 2 and "Expected a private Ed25519 key" in err


@pytest.mark.parametrize("command", ["embed", "extract"])
def test_signatures_go_without_a_secret_key(run, network, keys, photo, tmp_path, command):
    secret = tmp_path / "secret"
    run("keygen", secret)
    words = ["--sign", keys[0], "-o", tmp_path / "x.png"]
    words = words if command == "embed" else ["--public-key", keys[1]]
    code, _, err = run(command, photo, *words, "--key-file", secret)
    assert code == 2 and "leave out the key" in err and err.count("\n") == 1
