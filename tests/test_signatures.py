"""Marks that everybody can check and nobody else can make."""

import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from skimage import data

from tfwm.distortions import distort
from tfwm.images import Animation, ImageError, Photo
from tfwm.payload import Codec, Signature, to_bytes, to_plain
from tfwm.payload.message import from_bytes
from tfwm.signatures import (
    BITS,
    Signer,
    distance,
    message_for,
    read_keys,
    shown,
    signed_by,
    verified,
)

# Of the private key of 32 bytes 1, for the photo `coffee`.
FROZEN = {
    "shown": "1160166f69f661ed",
    "signature": "0299b3da1588a67e",
    "bits": "3c0ba9a8b47e6d25",
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A function of a name to the paths of its private and public key."""
    folder = tmp_path_factory.mktemp("keys")

    def make(name, seed):
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        encoding = serialization.Encoding
        private = key.private_bytes(
            encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        (folder / name).write_bytes(private)
        (folder / f"{name}.pub").write_bytes(public + f" {name}@example.org\n".encode())
        return folder / name, folder / f"{name}.pub"

    return {"ada": make("ada", 1), "bob": make("bob", 2)}


@pytest.fixture(scope="module")
def signed(watermarker, keys):
    return watermarker.embed(data.coffee(), Signer(keys["ada"][0]))


@pytest.fixture(scope="module")
def other():
    return np.asarray(Image.fromarray(data.chelsea()).resize((600, 400)))


def test_the_format_is_frozen(keys):
    signature = Signer(keys["ada"][0]).message(data.coffee())
    assert shown(data.coffee()).hex() == FROZEN["shown"] == signature.data[:8].hex()
    assert hashlib.sha256(signature.data).hexdigest()[:16] == FROZEN["signature"]
    bits = np.packbits(Codec(1024).encode(signature))
    assert hashlib.sha256(bits.tobytes()).hexdigest()[:16] == FROZEN["bits"]


def test_a_signature_is_a_message():
    signature = Signature(bytes(range(72)))
    assert to_bytes(signature) == ("signature", signature.data)
    assert from_bytes("signature", signature.data) == signature
    assert from_bytes("signature", b"ada") is None
    assert to_bytes(to_plain(signature), "signature") == ("signature", signature.data)
    decoded = Codec(1024).decode(Codec(1024).encode(signature) - 0.5)
    assert (decoded.message, decoded.kind) == (signature, "signature")
    assert Codec(1024).max_bytes == 64
    with pytest.raises(ValueError, match="Expected 72 bytes for a signature. Received: 3"):
        Signature(b"abc")
    with pytest.raises(ValueError, match="Expected 144 hexadecimal digits"):
        to_bytes("12", "signature")
    for codec in (Codec(1024, "secret"), Codec(1000)):
        with pytest.raises(ValueError, match="leave out the key, and take a network with 1,024"):
            codec.encode(signature)


def test_the_owner_is_told_and_nobody_else(watermarker, keys, signed):
    found = watermarker.extract(signed, public_keys=keys["ada"][1])
    assert (found.decision, found.signer, found.kind) == ("present", "ada@example.org", "signature")
    assert signed_by(found.message, keys["ada"][1]) == "ada@example.org"
    assert distance(found, signed) <= 2
    assert found.to_dict()["message"] == found.message.data.hex()
    by_other = watermarker.extract(signed, public_keys=keys["bob"][1])
    assert (by_other.decision, by_other.signer) == ("absent", None)
    assert "none of the given public keys" in by_other.reason
    both = keys["ada"][1].parent / "both"
    both.write_bytes(b"".join(keys[name][1].read_bytes() for name in ("bob", "ada")))
    assert watermarker.extract(signed, public_keys=both).signer == "ada@example.org"
    anyone = watermarker.extract(signed)
    assert (anyone.decision, anyone.signer) == ("present", None)


@pytest.mark.parametrize("name, level", [("jpeg", 50), ("brightness", 0.6), ("resizing", 0.5)])
def test_edits_leave_what_was_signed(watermarker, keys, signed, name, level):
    copy = distort(name, signed, level, np.random.default_rng(0))
    found = watermarker.extract(copy, public_keys=keys["ada"][1])
    assert (found.decision, found.signer) == ("present", "ada@example.org")


def test_mirrored_and_turned_copies_are_put_right_first(watermarker, keys, signed):
    for copy in (signed[:, ::-1], np.rot90(signed)):
        found = watermarker.extract(np.ascontiguousarray(copy), public_keys=keys["ada"][1])
        assert (found.decision, found.signer) == ("present", "ada@example.org")


def test_a_signature_that_was_carried_is_told(watermarker, keys, signed, other):
    """Everybody can read it and write it into another photo; it says what it was made for."""
    message = watermarker.extract(signed).message
    carried = watermarker.embed(other, message)
    for public_keys in (None, keys["ada"][1]):
        found = watermarker.extract(carried, public_keys=public_keys)
        assert found.decision == "copied" and found.message == message
        assert "another picture" in found.reason
    changed = Signature(shown(other) + message.data[8:])
    found = watermarker.extract(watermarker.embed(other, changed), public_keys=keys["ada"][1])
    assert (found.decision, found.signer) == ("absent", None)


def test_of_a_part_it_cannot_be_told(watermarker, keys, signed):
    part = np.ascontiguousarray(signed[90:, 131:])
    found = watermarker.extract(part, public_keys=keys["ada"][1])
    assert (found.decision, found.signer) == ("uncertain", "ada@example.org")
    assert "a signature of ada@example.org was read, but" in found.reason


def test_other_marks_and_unmarked_photos_are_not_signed(watermarker, keys, other):
    public = keys["ada"][1]
    found = watermarker.extract(watermarker.embed(other, "Ada"), public_keys=public)
    assert (found.decision, found.message, found.signer) == ("absent", "Ada", None)
    assert "no signature" in found.reason
    found = watermarker.extract(other, public_keys=public, search="none")
    assert (found.decision, found.signer) == ("absent", None)
    assert verified(found, other) is found


def test_all_that_a_copy_may_show_is_compared(watermarker, keys, signed, other):
    """Frames that follow a signed one, and what shines through, may be another picture."""
    public = keys["ada"][1]
    frames = [Photo(signed), Photo(signed)]
    same = watermarker.extract(Animation(frames, [100, 100]), public_keys=public)
    assert (same.decision, same.signer) == ("present", "ada@example.org")
    for frames in ([signed, other], [signed, signed, other]):
        changing = Animation([Photo(frame) for frame in frames], [100] * len(frames))
        found = watermarker.extract(changing, public_keys=public)
        assert found.message is not None and found.decision in ("copied", "uncertain")
    full = np.full(signed.shape[:2], 255, np.uint8)
    for alpha, decision in ((full, "present"), (0 * full, "uncertain")):
        found = watermarker.extract(Photo(signed, alpha), public_keys=public)
        assert found.message is not None and found.decision == decision
    through = Photo(signed, other[..., 0].copy())
    assert watermarker.extract(through, public_keys=public).decision != "present"


def test_what_shows_several_pictures_is_not_signed(watermarker, keys, signed, other):
    signer = Signer(keys["ada"][0])
    photo = data.coffee()
    with pytest.raises(ImageError, match="is an animation, which cannot be signed"):
        watermarker.embed(Animation([Photo(photo), Photo(other)], [9, 9]), signer)
    with pytest.raises(ImageError, match="shows another picture on black than on white"):
        signer.message(Photo(photo, np.uint8(other[..., 0])))


def test_files_and_reports(watermarker, keys, tmp_path):
    photo = tmp_path / "coffee.png"
    Image.fromarray(data.coffee()).save(photo)
    signer = Signer(keys["ada"][0])
    report = watermarker.embed_file(photo, tmp_path / "signed.png", signer, margin=1.2)
    assert isinstance(report.message, Signature) and report.margin >= 1.2
    assert report.to_dict()["message"] == report.message.data.hex()
    found = watermarker.extract(tmp_path / "signed.png", public_keys=keys["ada"][1])
    assert found.message == report.message and found.signer == "ada@example.org"
    check = watermarker.check(photo, signer)  # asks for more room
    assert not check.fits and "2 times are wanted" in check.reason


def test_bad_keys_and_plain_pictures_are_refused(watermarker, keys, tmp_path):
    assert message_for("Ada", None) == "Ada"
    with pytest.raises(ValueError, match="Expected a private Ed25519 key.* Received: a public key"):
        Signer(keys["ada"][1])
    with pytest.raises(ValueError, match="Expected the path .* Received: its text$"):
        Signer(keys["ada"][0].read_text())
    with pytest.raises(ValueError, match="Expected the path of a file with public keys"):
        watermarker.extract(data.coffee(), public_keys=[keys["ada"][1]])
    for nobody in ({}, ""):
        with pytest.raises(ValueError, match="Expected .* key"):
            watermarker.extract(data.coffee(), public_keys=nobody)
    with pytest.raises(ValueError, match="leave out the key or public_keys"):
        watermarker.extract(data.coffee(), public_keys=keys["ada"][1], key="secret")
    with pytest.raises(ValueError, match="leave out the signpost"):
        watermarker.embed(data.coffee(), Signer(keys["ada"][0]), signpost="example.org")
    with pytest.raises(ImageError, match="shows too little for a signature"):
        watermarker.embed(np.full((400, 600, 3), 128, np.uint8), Signer(keys["ada"][0]))
    (tmp_path / "none").write_text("# nobody\n")
    with pytest.raises(ValueError, match="Expected an Ed25519 public key in"):
        watermarker.extract(data.coffee(), public_keys=tmp_path / "none", search="none")
    (tmp_path / "many").write_bytes(b"ssh-rsa AAAA rsa\n" + keys["ada"][1].read_bytes())
    assert list(read_keys(tmp_path / "many").values()) == ["ada@example.org"]


def test_the_bits_are_the_lowest_frequencies():
    """The slowest wave turns the first bit; fine stripes turn none to speak of."""
    photo = 64 + data.coffee() / 2
    down, across = (np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in photo.shape[:2])
    slow = np.outer(down, across)[..., None]
    fine = np.cos(np.pi / 4 * np.arange(len(photo)))[:, None, None]

    def bits(photo):
        return np.unpackbits(np.frombuffer(shown(np.uint8(np.rint(photo))), np.uint8))

    assert len(bits(photo)) == BITS
    assert [bits(photo + change * slow)[0] for change in (50, -50)] == [1, 0]
    assert (bits(photo) != bits(photo + 8 * fine)).sum() <= 2
