"""The broken photos, packed networks and odd names of benchmarks/fuzz.py, each from a seed."""

import contextlib
import dataclasses
import importlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.networks import network_directory, write_manifest

with contextlib.suppress(ImportError):  # PNG stands for HEIC without the plugin
    importlib.import_module("pillow_heif").register_heif_opener()

# Pillow's name of each format, the ending, and how it is written.
FORMATS = {
    "PNG": ("PNG", "png", {}),
    "JPEG": ("JPEG", "jpg", {"quality": 90}),
    "MPO": ("MPO", "mpo", {"save_all": True}),
    "WebP": ("WEBP", "webp", {}),
    "TIFF": ("TIFF", "tif", {"compression": "tiff_lzw"}),
    "BigTIFF": ("TIFF", "tif", {"big_tiff": True}),
    "AVIF": ("AVIF", "avif", {}),
    "JPEG 2000": ("JPEG2000", "jp2", {}),
    "BMP": ("BMP", "bmp", {}),
    "GIF": ("GIF", "gif", {}),
    "PPM": ("PPM", "ppm", {}),
    "HEIC": ("HEIF", "heic", {}),
}
SIZES = [(1, 1), (1, 300), (300, 1), (9, 400), (31, 33), (64, 64), (200, 150), (256, 192)]
EMBED = ["--message", "hi", "--network", "photo"]


@dataclasses.dataclass
class Case:
    """One broken input.

    Args:
        section: `"files"`, `"packages"` or `"names"`.
        kind: what is broken about it.
        make: writes the input into a folder, and returns the commands to run there, lists of words.
    """

    section: str
    kind: str
    make: Callable


def all_cases(section, count, seed, photos):
    """Yields the first `count` cases of a section.

    Args:
        section: a key of `SECTIONS`.
        count: number of cases.
        seed: whole number; the same seed gives the same cases.
        photos: list of uint8 arrays `(height, width, 3)`.
    """
    kinds = SECTIONS[section](photos)
    for number in range(count):
        kind, make = kinds[number % len(kinds)]
        random = np.random.default_rng([seed, len(section), number])
        yield Case(section, kind, lambda folder, make=make, random=random: make(folder, random))


def _file_kinds(photos):
    made = {}

    def source(form, random):
        size = SIZES[-1] if random.random() < 0.8 else SIZES[random.integers(len(SIZES))]
        key = form, size, int(random.integers(len(photos)))
        if key not in made:
            image = Image.fromarray(photos[key[2]]).resize(size)
            buffer, (name, _, options) = io.BytesIO(), FORMATS[form]
            if form == "MPO":
                options = {**options, "append_images": [image.rotate(180)]}
            try:
                image.save(buffer, name, **options)
            except (KeyError, OSError, ValueError):  # without the plugin, or too small for it
                image.save(buffer, "PNG")
            made[key] = buffer.getvalue()
        return made[key]

    def make(form, damage, folder, random):
        data = bytearray(source(form, random))
        damage(data, random)
        ending = FORMATS[form][1]
        if damage is _swap:
            ending = ["png", "jpg", "webp", "tif", "avif", "bmp"][random.integers(6)]
        (folder / f"photo.{ending}").write_bytes(data)
        return [
            ["extract", f"photo.{ending}", "--search", "none"],
            ["embed", f"photo.{ending}", "-o", "marked.png", *EMBED],
        ]

    return [
        (f"{form}: {name}", lambda *a, form=form, damage=damage: make(form, damage, *a))
        for name, damage in DAMAGES.items()
        for form in FORMATS
    ]


def _cut(data, random):
    del data[int(len(data) * random.random()) :]


def _flip(data, random):
    for _ in range(random.integers(1, 21)):
        data[random.integers(len(data))] ^= 1 << random.integers(8)


def _span(data, random):
    start, length = random.integers(len(data)), random.integers(1, 65)
    data[start : start + length] = random.bytes(len(data[start : start + length]))


def _head(data, random):
    for _ in range(random.integers(1, 5)):
        data[random.integers(min(64, len(data)))] = random.integers(256)


def _zeros(data, random):
    start = int(len(data) * random.random())
    data[start:] = bytes(len(data) - start)


def _huge(data, random):
    """Sides, or whatever stands there, become huge: each pair of bytes near the start in turn."""
    place = 2 * random.integers(1, max(min(100, len(data) // 2), 2))
    data[place : place + 4] = random.choice([b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"])


def _insert(data, random):
    place = random.integers(len(data))
    data[place:place] = data[: random.integers(1, 200)]


def _swap(data, random):  # the file is whole, its ending is another format's
    pass


DAMAGES = {
    "cut": _cut,
    "flipped bits": _flip,
    "random span": _span,
    "head": _head,
    "zeros to the end": _zeros,
    "huge numbers": _huge,
    "start again inside": _insert,
    "other ending": _swap,
}


def _package_kinds(photos):
    photo = Image.fromarray(photos[0]).resize((256, 192))
    original = network_directory("photo")

    def make(change, folder, random):
        network = folder / "network"
        network.mkdir()
        for name in ("card.json", "photo-int8.tflite"):
            shutil.copy(original / name, network)
        keep = change(network, random, original)
        if keep != "no manifest":
            _list(network, keep)
        photo.save(folder / "photo.png")
        given = ["--network", "network"] + (["--trust"] if random.random() < 0.3 else [])
        commands = [
            ["extract", "photo.png", "--search", "none", *given],
            ["embed", "photo.png", "-o", "marked.png", "--message", "hi", *given],
            ["verify", "network"],
        ]
        return [commands[0], commands[random.integers(1, 3)]]

    return [(name, lambda *a, change=change: make(change, *a)) for name, change in CHANGES.items()]


def _list(network, entries):
    os.rename(network / "photo-int8.tflite", network / "photo.tflite")
    try:
        write_manifest(network)
    except (OSError, ValueError):  # what is in there cannot be listed: without a manifest then
        return
    if entries:
        path = network / "manifest.json"
        listed = json.loads(path.read_text())
        listed["files"].update(entries)
        path.write_text(json.dumps(listed))


def _card(network, random, original):
    path = network / "card.json"
    card = json.loads(path.read_text())
    numbers = [0, -1, 1, 3, 7, 8, 46, 64, 1024, 2048, 10**9, 10**40, 0.5, True, None, "8", [8]]
    value = numbers[random.integers(len(numbers))]
    pairs = [[value, value], [8, value], [value], value]
    changes = [
        ("geometry", "bits", value),
        ("geometry", "channels", value),
        ("geometry", "patch", pairs[random.integers(4)]),
        ("geometry", "block", pairs[random.integers(4)]),
        ("geometry", "whole", [True, 1, "yes"][random.integers(3)]),
        ("strength", "default", value),
    ]
    group, key, new = changes[random.integers(len(changes))]
    card[group][key] = new
    path.write_text(json.dumps(card))


def _card_field(network, random, original):
    path = network / "card.json"
    card = json.loads(path.read_text())
    key = list(card)[random.integers(len(card))]
    odd = ["", "../../x", "a/b", "\x1b[31m", "x" * 10**5, [], {}, None, 1, [[[]]], {"a": {}}]
    card[key] = odd[random.integers(len(odd))]
    if random.random() < 0.3:
        del card[key]
    path.write_text(json.dumps(card))


def _json(network, random, original):
    name = ["card.json", "manifest.json"][random.integers(2)]
    texts = [b"[" * 10**5, b'{"a":' * 10**5, b"", b"{", b"NaN", b'{"name": 1e999}', b"\xff\xfe{}"]
    texts += [b'{"a": 1, "a": 2}', b"9" * 10**4, b" " * 2**23, b'"\\ud800"', b"null", b"[]", b"\0"]
    (network / name).write_bytes(texts[random.integers(len(texts))])
    if name == "manifest.json":
        os.rename(network / "photo-int8.tflite", network / "photo.tflite")
        return "no manifest"


def _entry(network, random, original):
    names = ["../photo.png", "/etc/passwd", "a/../../../x", "C:\\x", "..\\x", "a\0b", "//x", "."]
    names += ["", "x" * 5000, "card.json/x", "\x1b[31m", "nothing.bin"]
    sizes = [1, -1, 10**30, "1", None, 1.5]
    entry = {"size": sizes[random.integers(len(sizes))], "sha256": "0" * 64}
    entries = [entry, {"size": 1}, {"size": 1, "sha256": 5}, [], None]
    return {
        names[random.integers(len(names))]: entries[random.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1])]
    }


def _tflite(network, random, original):
    path = network / "photo-int8.tflite"
    data = bytearray(path.read_bytes())
    [_flip, _cut, _span, _head, _zeros][random.integers(5)](data, random)
    path.write_bytes(data)


def _link(network, random, original):
    name = ["card.json", "photo.tflite", "manifest.json", "1"][random.integers(4)]
    targets = ["/etc/passwd", "/dev/zero", "..", name, "/nowhere", "../photo.png", "/proc/self/mem"]
    os.rename(network / "photo-int8.tflite", network / "photo.tflite")
    (network / name).unlink(missing_ok=True)
    (network / name).symlink_to(targets[random.integers(len(targets))])
    return "no manifest"


def _special(network, random, original):
    os.rename(network / "photo-int8.tflite", network / "photo.tflite")
    name = ["card.json", "photo.tflite", "manifest.json"][random.integers(3)]
    (network / name).unlink(missing_ok=True)
    [os.mkfifo, os.mkdir][random.integers(2)](network / name)
    return "no manifest"


def _keras(network, random, original):
    """The Keras files alone, one of them with a changed config, member or byte."""
    for name in ("embedder.keras", "extractor.keras"):
        shutil.copy(original / name, network)
    (network / "photo-int8.tflite").write_bytes(b"")
    path = network / "embedder.keras"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    layer = config["config"]["layers"][random.integers(len(config["config"]["layers"]))]
    classes = ["Lambda", "TFSMLayer", "StringLookup", "TorchModuleWrapper", "Dense", "__lambda__"]
    changes = [
        lambda: layer.update(class_name=classes[random.integers(len(classes))]),
        lambda: layer.update(module=["os", "builtins", "keras.utils"][random.integers(3)]),
        lambda: layer.update(registered_name="tfwm>JPEG"),
        lambda: layer["config"].update(filters=10**6, units=10**6, name="../x"),
        lambda: parts.update({"assets/x": b"x"}),
        lambda: parts.update({"model.weights.h5": random.bytes(500)}),
    ]
    changes[random.integers(len(changes))]()
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    os.unlink(network / "photo-int8.tflite")
    write_manifest(network)
    return "no manifest"


def _saved_model(network, random, original):
    shutil.copytree(original / "1", network / "1")
    os.unlink(network / "photo-int8.tflite")
    files = [path for path in (network / "1").rglob("*") if path.is_file()]
    path = files[random.integers(len(files))]
    data = bytearray(path.read_bytes())
    [_flip, _cut, _span, _head, _zeros][random.integers(5)](data, random)
    path.write_bytes(data)
    if random.random() < 0.5:
        write_manifest(network)
    return "no manifest"


CHANGES = {
    "geometry of the card": _card,
    "a field of the card": _card_field,
    "JSON": _json,
    "an entry of the manifest": _entry,
    "TFLite": _tflite,
    "symbolic links": _link,
    "special files": _special,
    "Keras": _keras,
    "SavedModel": _saved_model,
}


def _name_kinds(photos):
    data = io.BytesIO()
    Image.fromarray(photos[0]).resize((256, 192)).save(data, "PNG")

    def make(build, folder, random):
        name = build(random)
        raw = os.fsencode(name)
        try:
            with open(os.path.join(os.fsencode(folder), raw), "xb") as file:
                file.write(data.getvalue())
        except (OSError, ValueError):  # no name for this file system; the command gets it still
            pass
        name = os.fsdecode(raw).replace("\0", "0")
        out = ["-o", ["out", name, f"out/{name}"][random.integers(3)]]
        return [
            ["extract", "--search", "none", "--", name],
            ["embed", *EMBED, *out, "--", name],
        ]

    return [(name, lambda *a, build=build: make(build, *a)) for name, build in NAMES.items()]


def _any(*names):
    return lambda random: names[random.integers(len(names))]


def _bytes(random):
    return os.fsdecode(bytes(random.integers(128, 256, random.integers(1, 20)).tolist()) + b".png")


def _long(random):
    letter = ["x", "ä", "語", "😀"][random.integers(4)]
    stem = letter * 255
    while len(os.fsencode(stem)) > random.integers(240, 253):
        stem = stem[:-1]
    return f"{stem}.png"


NAMES = {
    "not UTF-8": _bytes,
    "long": _long,
    "control characters": lambda r: f"a{chr(r.integers(1, 32))}[31mb.png".replace("/", "_"),
    "directions and marks": _any(
        "a\u202egnp.png", "\u200f\u2066x.png", "e\u0301\u0301.png", "\ufeff.png"
    ),
    "dashes": _any("-x.png", "--help", "-", "--", "-o.png", "--message=x.png"),
    "blanks": _any(" .png", "a b .png", "\u00a0.png", "\u3000x.png", "x.png ", "\t.png"),
    "line ends": _any("a\nb.png", "a\r\nb.png", "\n.png", "a\u2028b.png", "a\x85b.png"),
    "reserved": _any("con.png", "nul", "aux.jpg", "com1.png", "a:b.png", "a*?.png", 'a"<>|.png'),
    "half characters": _any("\udcff.png", "a\udc80\udc81.png", "\udcc3(.png"),
    "ways out": _any(
        "..", ".", "../x.png", "a/../b.png", "/nowhere", "~", "$HOME.png", "%00.png", "a\\b.png"
    ),
    "endings": _any(
        "a", ".png", "a.", "a.PNG", "a.png.exe", "a.jpg", "a.tar.gz", ".hidden.png", "a..png"
    ),
    "shell": _any(
        "$(ls).png", "`x`.png", "a;b.png", "a&b.png", "'q'.png", "{x}.png", "[a].png", "%s.png"
    ),
}
SECTIONS = {"files": _file_kinds, "packages": _package_kinds, "names": _name_kinds}
COUNTS = {"files": 1000, "packages": 300, "names": 200}


def digests(folder):
    """Returns `{path: content}` of all regular files in a folder, for comparison."""
    found = {}
    for where, _, files in os.walk(os.fsencode(folder)):
        for path in (os.path.join(where, name) for name in files):
            if os.path.isfile(path) and not os.path.islink(path):
                found[os.path.relpath(path, os.fsencode(folder))] = Path(
                    os.fsdecode(path)
                ).read_bytes()
    return found
