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
    assert code == 0 and out == found["message"] + "\n" and "a public key tells whose" in err
    code, out, err = run("inspect", signed, "--public-key", public, "--network", "checker")
    assert code == 0 and "marked: ada@example.org signed what it shows; no manifest" in out
    out = run("inspect", signed, "--network", "checker")[1]
    assert "a signature, which no public key was named for" in out
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
    told = run("extract", out / "a.png", out / "b.png", "--public-key", public)[1]
    assert told.count("\tpresent\tsigned by ada@example.org\n") == 2
    assert run("verify", out)[0] == 0
    private.write_text("no key")
    code, told, err = run("embed", pictures, "-o", out, "--sign", private)
    assert code == 2 and "Expected a private Ed25519 key" in err


def test_what_is_not_signed_is_not_printed(run, network, keys, pictures, tmp_path):
    marked = tmp_path / "marked.png"
    run("embed", pictures / "a.png", "-o", marked, "--message", "signed by ada@example.org")
    code, out, err = run("extract", marked, "--public-key", keys[1])
    assert (code, out) == (1, "") and "a message was read that is no signature" in err


@pytest.mark.parametrize("command", ["embed", "extract"])
def test_signatures_go_without_a_secret_key(run, network, keys, photo, tmp_path, command):
    secret = tmp_path / "secret"
    run("keygen", secret)
    words = ["--sign", keys[0], "-o", tmp_path / "x.png"]
    words = words if command == "embed" else ["--public-key", keys[1]]
    code, _, err = run(command, photo, *words, "--key-file", secret)
    assert code == 2 and "leave out --key, --key-file and" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "words, told",
    [
        (["--sign", ""], "Expected the path of a file with a private key. Received: ''"),
        (["--sign", "nowhere"], "cannot be read from nowhere: No such file"),
        (["--sign", "id.pub"], "in id.pub. Received: a public key"),
        (["--sign", "empty"], "in empty. Received: an empty file"),
        (["--sign", "id", "--signpost", "example.org"], "leave out --signpost, or --sign"),
        (["--public-key", ""], "Expected the path of a file with public keys. Received: ''"),
        (["--public-key", "id"], "id is a private key: name the public one, id.pub"),
        (["--public-key", "empty"], "Expected an Ed25519 public key in empty. Received: none"),
        (["--public-key", "photo.jpg"], "Expected a text, public keys, in photo.jpg"),
    ],
)
def test_wrong_keys_are_told(run, network, keys, photo, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").touch()
    command = ["embed", photo, "-o", "x.png"] if "--sign" in words else ["extract", photo]
    code, out, err = run(*command, *words)
    assert (code, out) == (2, "") and told in err and err.count("\n") == 1
    assert not (tmp_path / "x.png").exists()


def test_options_are_written_out(run, network, keys, photo, tmp_path):
    """Else `tfwm sign --sign` would be its `--signpost`."""
    code, _, err = run("sign", photo, "-o", tmp_path / "x.jpg", "--test-certificate", "--sign", "a")
    assert code == 2 and "unrecognized arguments: --sign" in err
