"""A mark is told from one that was carried to another photo."""

import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import keys
from tfwm.distortions import distort
from tfwm.images import Photo
from tfwm.marking import Canvas, Reader, tiling_of
from tfwm.marking.binding import Binding, asked, binding_of, binds, content, frequencies
from tfwm.marking.reader import Cells
from tfwm.payload import Codec, Key

KEY, MESSAGE = "the owner's key", "Ada"
FROZEN = {
    "places": [639, 1, 463, 155, 529, 23, 271, 933],
    "bits": "a56e54e1ee680720",
    "cells": 342,
    "ones": 169,
    "words": ("2173ac66252d5f7f", "24ea6f46cfe84f9b"),
}


@pytest.fixture(scope="module")
def coffee():
    return data.coffee()


@pytest.fixture(scope="module")
def marked(watermarker, coffee):
    return watermarker.embed(coffee, MESSAGE, key=KEY)


@pytest.fixture(scope="module")
def other():
    """Another photo of the same size."""
    image = Image.fromarray(data.chelsea()).resize((600, 400))
    return np.asarray(image)


def test_content_is_a_cosine_transform_of_means():
    random = np.random.default_rng(0)
    plane = random.random((88, 96, 3))
    grid = 11, 11
    seen = content(plane, (8, 8), (0, 8), grid)[5, 5]
    means = 255 * plane[:, 8:].mean(axis=-1).reshape(11, 8, 11, 8).mean(axis=(1, 3))
    places = np.arange(11) + 0.5
    for (u, v), value in zip(frequencies(), seen, strict=True):
        wave = np.outer(np.cos(np.pi * u * places / 11), np.cos(np.pi * v * places / 11))
        expected = (means * wave).sum() / np.linalg.norm(wave) - 0.05 * means.mean()
        assert value == pytest.approx(expected, abs=1e-9)
    assert frequencies()[:5] == [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0)]
    assert len(frequencies()) == 16


def test_the_format_is_frozen(watermarker, coffee):
    """Marked photos ask for these signs: other places, tables or waves would call them copied."""
    codec, network = Codec(1024, KEY, bound=True), watermarker.network
    assert codec.bound_places[:8].tolist() == FROZEN["places"]
    numbers, values = np.arange(96).repeat(4), np.tile([0, 1, 1000, 65535], 96)
    bits = np.packbits(codec.bound_bits(numbers, values))
    assert hashlib.sha256(bits.tobytes()).hexdigest()[:16] == FROZEN["bits"]
    plane = Canvas.of(network, Photo(coffee)).scaled(1.0)[:400, :600]
    places, bits = asked(codec, network, plane, (50, 75))
    assert len(bits) == FROZEN["cells"] and bits.sum() == FROZEN["ones"]
    assert (
        np.packbits(codec.encode("Ada")).tobytes()[:8].hex(),
        np.packbits(codec.encode("Ada", bound=False)).tobytes()[:8].hex(),
    ) == FROZEN["words"]


@pytest.mark.parametrize(
    "name,level",
    [
        ("identity", 0),
        ("jpeg", 30),
        ("gaussian_noise", 15),
        ("brightness", 0.5),
        ("contrast", 1.5),
        ("contrast", 0.3),
        ("gaussian_blur", 1.5),
        ("scale", 0.75),
        ("mirror", 1),
    ],
)
def test_edits_leave_a_mark_that_was_made_for_the_photo(watermarker, marked, name, level):
    copy = distort(name, marked, level, np.random.default_rng(0))
    found = watermarker.extract(copy, key=KEY, search="scale")
    assert found.message == MESSAGE and found.decision == "present"
    assert found.binding.fits and found.binding.p_value < 1e-3 and not found.binding.plain
    assert "so does the photo" in found.reason


def test_a_crop_is_still_bound(watermarker, marked):
    found = watermarker.extract(marked[37:361, 51:555], key=KEY, search="crop")
    assert found.message == MESSAGE and found.decision == "present" and found.binding.fits


def test_a_carried_mark_is_told(watermarker, carry, marked, other):
    copy = carry(marked, other)
    found = watermarker.extract(copy, key=KEY)
    assert found.message == MESSAGE and found.decision == "copied"
    assert found.binding.fits is False and found.binding.p_value > 0.05
    assert "another picture" in found.reason
    told = found.to_dict()["binding"]
    assert told.pop("fits") is False
    assert told == pytest.approx(dataclasses.asdict(found.binding), rel=1e-4)


def test_a_mark_carried_at_half_strength_is_not_present(watermarker, carry, marked, other):
    full = carry(marked, other).astype(float)
    copy = np.uint8(np.rint(other + 0.5 * (full - other)).clip(0, 255))
    found = watermarker.extract(copy, key=KEY, search="none")
    assert found.decision in ("copied", "uncertain")


def test_marks_made_for_other_content_fit_by_chance_only(watermarker, coffee, other, monkeypatch):
    """Over 200 keys, shares lie around 0, and p-values are bounds."""
    monkeypatch.setitem(keys.SCRYPT, "n", 2)  # else, the keys take most of the time
    network, grid = watermarker.network, (50, 75)
    planes = [Canvas.of(network, Photo(photo)).scaled(1.0) for photo in (coffee, other)]
    shares, p_values = [], []
    for number in range(200):
        codec = Codec(1024, Key(f"weak key {number}"), bound=True)
        message = tiling_of(network).lay_out(codec.encode(MESSAGE), *grid)
        places, bits = asked(codec, network, planes[0], grid)
        message[places] = bits
        cells = Cells(8.0 * message - 4, (0, 0), (0, 0), planes[1])
        found = binding_of(codec, network, [cells])
        shares.append(found.share)
        p_values.append(found.p_value)
        own = binding_of(codec, network, [cells._replace(plane=planes[0])])
        assert own.fits and 0.8 < own.share < 1.3
    assert abs(np.mean(shares)) < 4 * np.std(shares) / len(shares) ** 0.5 + 0.02
    assert np.mean(np.array(p_values) < 0.05) < 0.05 and min(p_values) > 1e-4


def test_a_faint_mark_is_bound_in_all_of_its_cells(watermarker, coffee, other):
    """Without a message: the pilots are too few to tell where it is gone."""
    network, grid, codec = watermarker.network, (50, 75), Codec(1024, KEY, bound=True)
    planes = [Canvas.of(network, Photo(photo)).scaled(1.0) for photo in (coffee, other)]
    message = tiling_of(network).lay_out(codec.encode(MESSAGE), *grid)
    places, bits = asked(codec, network, planes[0], grid)
    message[places] = bits
    noise = np.random.default_rng(0).normal(0, 1, message.shape)
    own, carried = (
        binding_of(codec, network, [Cells(message - 0.5 + noise, (0, 0), (0, 0), plane)])
        for plane in planes
    )
    assert own.fits and own.left == 1
    assert not carried.fits


def test_a_smooth_picture_cannot_be_bound(watermarker, coffee, tmp_path):
    noise = np.random.default_rng(0).normal(150, 2, (400, 600, 1))
    sky = np.uint8(np.rint(noise)).repeat(3, axis=-1)
    found = watermarker.extract(watermarker.embed(sky, MESSAGE, key=KEY), key=KEY, search="none")
    assert found.message == MESSAGE and found.decision == "present"
    assert found.binding.plain and found.binding.fits is None and "too little" in found.reason
    told = watermarker.embed_file(Photo(sky), tmp_path / "sky.png", MESSAGE, key=KEY).notes
    assert any("too little for the mark to be bound" in note for note in told)
    assert any("too little" in note for note in watermarker.check(sky, MESSAGE, key=KEY).notes)
    assert not watermarker.prepare(sky, MESSAGE).notes  # without a key, nothing is bound
    assert not watermarker.prepare(coffee, MESSAGE, key=KEY).notes


@pytest.mark.parametrize("own", [True, False])
def test_a_faint_mark_without_a_message(watermarker, carry, coffee, other, own):
    """It is present if it was made for the photo; else nobody can tell whether it was."""
    marked = watermarker.embed(coffee, "x" * 60, key=KEY)
    full = marked if own else carry(marked, other)
    noise = np.random.default_rng(0).normal(0, 110 if own else 170, full.shape)
    faint = np.uint8(np.rint(full + noise).clip(0, 255))
    found = watermarker.extract(faint, key=KEY, search="none")
    assert found.message is None and found.p_value < 1e-6
    assert "too damaged for its message" in found.reason
    assert found.decision == ("present" if own else "uncertain")
    assert found.binding.fits is (True if own else None)


def test_marks_that_are_not_bound_are_read_as_ever(watermarker, coffee):
    pixels = watermarker.prepare(coffee, MESSAGE, key=KEY, bound=False).apply().pixels
    found = watermarker.extract(pixels, key=KEY, search="none")
    assert found.message == MESSAGE and found.decision == "present" and found.binding is None
    assert found.margin > 2


def test_the_public_key_binds_nothing(watermarker, coffee, tile_network):
    assert not binds(watermarker.network, Key(None)) and binds(watermarker.network, Key("k"))
    assert not binds(tile_network, Key("k"))
    found = watermarker.extract(watermarker.embed(coffee, MESSAGE), search="none")
    assert found.decision == "present" and found.binding is None
    assert len(Codec(1024).bound_places) == 0 and not Codec(1024, bound=True).bound


def test_when_it_is_decided():
    fits = Binding(p_value=1e-9, share=0.9, deviations=8, most=10)
    copied = Binding(p_value=0.3, share=0.1, deviations=8, most=10)
    faint = Binding(p_value=0.3, share=0.1, deviations=2, most=10)
    mixed = Binding(p_value=1e-9, share=0.2, deviations=20, most=20)
    little = Binding(p_value=1e-9, share=0.9, deviations=8, most=10, left=0.2)
    near = Binding(p_value=0.3, share=0.2, deviations=8, most=10)
    assert fits.fits is True and copied.fits is False
    assert faint.fits is None and mixed.fits is None and not faint.plain
    assert little.fits is None and near.fits is None


def test_something_laid_over_the_photo_is_not_asked(watermarker, marked):
    copy = distort("text_overlay", marked, 0.15, np.random.default_rng(0))
    copy[:130] = 40
    found = watermarker.extract(copy, key=KEY, search="none")
    assert found.decision == "present" and found.binding.fits
    assert 0.3 < found.binding.left < 0.7 < found.binding.share < 1.4


def test_a_grid_that_shows_nothing_at_other_contrasts(watermarker):
    """Bits that exceed their threshold a little are all zero at a quarter of the contrast."""
    codec, network = Codec(1024, KEY, bound=True), watermarker.network
    waves = 0.5 + 0.012 * np.cos(np.arange(480) / 480 * 2 * np.pi * 5)
    plane = np.float32(np.broadcast_to(waves[:, None, None], (480, 480, 1)))
    random = np.random.default_rng(0).integers(0, 2, (60, 60, 1))
    cells = Cells(8.0 * random - 4, (0, 0), (0, 0), plane)
    found = binding_of(codec, network, [cells], np.ones(1024))
    assert found is None or not found.fits


def test_nothing_read_tells_nothing(watermarker):
    codec = Codec(1024, KEY)
    nothing = Cells(np.zeros((40, 40, 1)), (0, 0), (0, 0), np.zeros((320, 320, 1)))
    assert binding_of(codec, watermarker.network, [nothing]) is None


def test_a_reader_gives_the_plane_of_its_cells(watermarker, marked):
    reader = Reader(watermarker.network, Canvas(Photo(marked)), Codec(1024, KEY))
    place = watermarker.extract(marked, key=KEY).alignment
    cells, votes = reader.read(place)
    assert cells.plane.shape == (400, 600, 1) and votes.shape == (1024,)
