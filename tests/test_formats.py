"""What is on disk stays as it is: key streams, codewords, frames, commitments, marked photos.

The values in `tests/golden` were made by the release before the modules were joined. They never
change: a photo that was marked once must read for ever.
"""

import dataclasses
import hashlib
import json
import uuid
from pathlib import Path

import numpy as np
import pytest

import tfwm
from tfwm import fingerprints
from tfwm.keys import derive_key
from tfwm.payload import Codec, Key, SignpostCodec, pack_name
from tfwm.payload.code import Code
from tfwm.payload.layout import pattern_of, pattern_signs
from tfwm.protection import make_commitment
from tfwm.provenance import Stamp, algorithm_of, store, to_value
from tfwm.register import Entry, register

GOLDEN = Path(__file__).parent / "golden"
VALUES = json.loads((GOLDEN / "formats.json").read_text())
SECRETS = {"public": None, "text": "clé d'Ada", "bytes": b"\x00\xff golden"}
MESSAGES = {
    "text": "(c) Ada",
    "bytes": b"\x00\x01\xfe",
    "int": 2026,
    "uuid": uuid.UUID("8f14e45f-ceea-467f-9575-ab5d9f3d1c0a"),
}
OWNER = "demonstration secret, not for use"
SLOTS = (46, 64, 100, 191, 192, 256, 1024, 3000)
LENGTHS = (46, 100, 768, 1500)
PHOTOS = {
    "photo-key.png": ("photo", "secret", "(c) 2026 Ada Lovelace"),
    "photo-public.jpg": ("photo", None, 8_000_000_001),
    "photo-private.jpg": ("photo-private", "secret", "Ada Lovelace"),
    "photo-private-pattern.jpg": ("photo-private", "secret", "Ada Lovelace"),
    "redmark-mt.png": ("redmark-mt", "secret", "Ada Lovelace"),
    "stegastamp-original.jpg": ("stegastamp-original", "secret", "AL"),
}


def digest(bits):
    return hashlib.sha256(np.packbits(bits).tobytes()).hexdigest()[:32]


def key_streams():
    for name, secret in SECRETS.items():
        key = Key(secret)
        yield (
            name,
            {
                "stream": key.stream("a purpose", 40).hex(),
                "permutation": key.permutation("places", 12).tolist(),
                "bits": np.packbits(key.bits("whitening", 77)).tobytes().hex(),
                "tag": np.packbits(key.tag(b"data", 32)).tobytes().hex(),
            },
        )


def ordinary_frames(slots):
    """Those of texts and bytes; tests/test_signatures.py freezes that of signatures."""
    return [frame for frame in Codec(slots).frames if "text" in frame.kinds]


def codewords():
    """Of each size of frame that any number of slots has, at several lengths."""
    sizes = {frame.bits for slots in SLOTS for frame in ordinary_frames(slots)}
    for bits in sorted(sizes):
        for length in LENGTHS:
            if length > bits:
                yield (
                    f"{bits} in {length}",
                    digest(Code(bits, length).encode(np.arange(bits) % 3 == 0)),
                )


def frames():
    """Header, data and tag of a message of each size and kind."""
    for slots in SLOTS:
        for frame in ordinary_frames(slots):
            for kind in ("text", "bytes"):
                bits = frame.pack(kind, b"A" * frame.size, Key("secret"))
                yield f"{slots} {frame.size} {kind}", np.packbits(bits).tobytes().hex()


def slots():
    """All slots: pilots, whitening, codeword and their places."""
    for count in SLOTS:
        for name, secret in SECRETS.items():
            codec = Codec(count, Key(secret))
            yield f"{count} {name} pilot", digest(codec.pilot > 0)
            for kind, message in MESSAGES.items():
                if kind != "uuid" or codec.max_bytes >= 16:
                    if codec.max_bytes >= 7 or kind == "int":
                        yield f"{count} {name} {kind}", digest(codec.encode(message))


def patterns():
    """Of marks behind the filter of a key, and which of them a photo gets."""
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    for name, secret in SECRETS.items():
        yield f"{name} signs", digest(pattern_signs(1024, Key(secret)) > 0)
        yield f"{name} photos", [int(pattern_of(Key(secret), pixels + n)) for n in range(8)]


def owners_keys():
    for bits in (1, 64, 256, 1000):
        yield str(bits), np.packbits(derive_key(OWNER, bits)).tobytes().hex()


def commitments():
    files = {"extractor.keras": "ab" * 32, "host.keras": "0123456789abcdef" * 4}
    for shape in ((4, 4, 1), (3, 5, 3)):
        watermark = np.linspace(0, 1, np.prod(shape)).reshape(shape)
        yield str(shape), make_commitment(OWNER, watermark, files)


def soft_bindings():
    yield "algorithm", algorithm_of("photo")
    for kind, message in MESSAGES.items():
        yield kind, to_value(message)


def signposts():
    """The places of a signpost, and all slots of a mark that has one."""
    for name in ("tfwm.org", "c2pa.example.org"):
        yield name, pack_name(name).hex()
    for count in (512, 1024, 3000):
        codec = SignpostCodec(count)
        bits = codec.put(Codec(count, "secret").encode(b"id"), pack_name("tfwm.org"))
        yield f"{count} places", digest(np.isin(np.arange(count), codec.places))
        yield f"{count} bits", digest(bits)


def stamps():
    for parts in (("acme-image", "2.1", "Zk3vT0aLq9w"), ("acme/image", "2026-11", "layer")):
        stamp = Stamp(*parts)
        yield " ".join(parts), stamp.message
        yield f"{stamp.message}, read", " ".join(dataclasses.astuple(Stamp.parse(stamp.message)))


def manifest_stores():
    """Of stores of manifests: tables, fingerprints of keys and of photos."""
    yield "tables", hashlib.sha256(store.TABLES.encode()).hexdigest()
    yield "header", f"{store.APPLICATION:x} {store.VERSION}"
    for name, secret in SECRETS.items():
        yield name, Key(secret).fingerprint
    photo = np.add.outer(np.arange(96) ** 2, 3 * np.arange(128)) % 251
    yield fingerprints.ALGORITHM, fingerprints.fingerprint(photo.astype(np.uint8)).hex()


def registers():
    """Of registers of ids: the table, the file's header, what an entry is known by."""
    yield "tables", hashlib.sha256(register.TABLES.encode()).hexdigest()
    yield "header", f"{register.APPLICATION:x} {register.VERSION}"
    about = "1001", "int", "ab" * 32, "ada.jpg", "photo", "public"
    for recipient in (None, "Ada"):
        yield f"id for {recipient}", Entry(*about, recipient).id


MAKERS = (
    *(key_streams, codewords, frames, slots, patterns, owners_keys, commitments),
    *(soft_bindings, signposts, stamps, manifest_stores, registers),
)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_formats_are_frozen(maker):
    found, expected = dict(maker()), VALUES[maker.__name__]
    wrong = [name for name, value in expected.items() if found.get(name) != value]
    assert not wrong and found.keys() == expected.keys()


@pytest.mark.parametrize("name", PHOTOS)
def test_marked_photos_of_the_last_release_read(name):
    network, key, message = PHOTOS[name]
    found = tfwm.load(network).extract(GOLDEN / name, key=key, search="none")
    assert found.message == message and found.decision == "present"
