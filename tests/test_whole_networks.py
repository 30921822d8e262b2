"""Photos through a network that sees them as a whole, squeezed to its own size."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from tfwm.evaluation import load_suite
from tfwm.images import Photo, read_photo, write_photo
from tfwm.marking import Alignment, Canvas
from tfwm.networks.network import Network
from tfwm.report.confidence import cell_agreement
from tfwm.report.photo_report import inspect_photo
from tfwm.watermarker import Watermarker

SIDE, BITS, CELL = 128, 256, 8
MESSAGE = b"id"


class WholeNetwork(Network):
    """256 bits in 128 x 128 pixels, each the sign of a square's four quadrants."""

    def __init__(self):
        side = [SIDE, SIDE]
        geometry = {"patch": side, "block": side, "channels": 3, "bits": BITS, "whole": True}
        super().__init__("whole", {"geometry": geometry})
        self._signs = np.kron([[1, -1], [-1, 1]], np.ones((CELL // 2, CELL // 2)))

    def _embed(self, image, message, strength):
        grid = (2 * message.reshape(-1, 16, 16) - 1) * strength * 40 / 255
        change = np.stack([np.kron(g, self._signs) for g in grid])[..., None]
        return (image + change).clip(0, 1).astype(np.float32)

    def _extract(self, image):
        squares = image.mean(axis=-1).reshape(-1, 16, CELL, 16, CELL)
        logits = np.einsum("niajb,ab->nij", squares, self._signs)
        return logits.reshape(-1, 1, 1, BITS).astype(np.float32)


@pytest.fixture(scope="module")
def whole():
    return Watermarker(WholeNetwork())


@pytest.fixture(scope="module")
def marked(whole):
    return whole.embed(read_photo(data.coffee()), MESSAGE, key="k")


def test_an_earlier_mark_is_told_to_its_key_only(whole, marked):
    assert whole.earlier_mark(marked, key="k").message == MESSAGE
    assert whole.earlier_mark(marked, key="another") is None  # there is one tile: none repeats


def read(whole, pixels, search="none", key="k"):
    return whole.extract(Photo(np.ascontiguousarray(pixels)), key=key, search=search)


def test_photo_keeps_its_size_and_carries_the_message(whole, marked, tmp_path):
    assert marked.pixels.shape == (400, 600, 3)
    path = write_photo(marked, tmp_path / "a.png")
    found = whole.extract(path, key="k", search="none")
    assert found.message == MESSAGE and found.decision == "present" and found.p_value < 1e-6
    assert read(whole, data.coffee()).decision == "absent"
    assert read(whole, marked.pixels, key="another").message is None


@pytest.mark.parametrize("shape", [(128, 128), (100, 90), (1500, 900), (300, 1000)])
def test_any_size_and_proportion(whole, shape):
    cover = np.asarray(Image.fromarray(data.coffee()).resize(shape[::-1], Image.BICUBIC))
    photo = whole.embed(read_photo(cover), MESSAGE, key="k")
    assert photo.pixels.shape == cover.shape
    assert read(whole, photo.pixels).message == MESSAGE


def test_residual_is_stretched_over_the_whole_photo(whole, marked):
    change = marked.pixels.astype(float) - data.coffee()
    small = np.asarray(Image.fromarray(change.mean(axis=-1).astype("float32")).resize((SIDE, SIDE)))
    assert (np.abs(small).reshape(16, CELL, 16, CELL).mean(axis=(1, 3)) > 2).all()


@pytest.mark.parametrize("scale", [0.5, 1.7])
def test_resized_and_squeezed_copies(whole, marked, scale):
    size = (int(600 * scale), int(400 * scale * 0.8))
    copy = Image.fromarray(marked.pixels).resize(size, Image.BICUBIC)
    assert read(whole, np.asarray(copy)).message == MESSAGE


def test_mirrored_and_turned_copies(whole, marked):
    assert read(whole, marked.pixels[:, ::-1]).message == MESSAGE
    for turns in (1, 2, 3):
        turned = np.rot90(marked.pixels, turns)
        assert read(whole, turned).message is None
        found = read(whole, turned, "crop")
        assert found.message == MESSAGE and found.alignment.turns == 4 - turns


@pytest.mark.parametrize("corner", [(0, 0), (40, 60), (0, 60), (20, 30)])
def test_part_of_the_photo(whole, marked, corner):
    """80 or 90 % of the sides are kept."""
    share = 0.9 if corner == (20, 30) else 0.8
    top, left = (2 * c if share == 0.8 else c for c in corner)
    part = marked.pixels[top : top + round(400 * share), left : left + round(600 * share)]
    assert read(whole, part).message is None
    found = read(whole, part, "crop")
    assert found.message == MESSAGE and found.alignment.scale == share


def test_border_around_the_photo(whole, marked):
    framed = ImageOps.expand(Image.fromarray(marked.pixels).resize((480, 320)), (60, 40))
    assert read(whole, np.asarray(framed)).message is None
    assert read(whole, np.asarray(framed), "scale").alignment.scale == 1.25


def test_turned_by_some_degrees(whole, marked):
    square = whole.embed(read_photo(data.astronaut()), MESSAGE, key="k")
    turned = Image.fromarray(square.pixels).rotate(5, Image.BICUBIC, fillcolor=(90, 90, 90))
    found = read(whole, np.asarray(turned), "rotate")
    assert found.message == MESSAGE and found.alignment.rotation == -5.0


def test_nothing_found_in_an_unmarked_photo_by_the_whole_search(whole):
    shares = []
    copy = read_photo(data.coffee())
    found = whole.extract(copy, search="all", progress=lambda share, stage: shares.append(stage))
    assert found.decision == "absent" and found.message is None
    assert list(dict.fromkeys(shares)) == ["none", "crop", "scale", "rotate", "all"]


def test_canvas_of_a_network(whole, quadrant_network):
    photo = Photo(data.coffee())
    assert Canvas.of(whole.network, photo).scaled(1.0).shape == (SIDE, SIDE, 3)
    assert Canvas.of(quadrant_network, photo).scaled(1.0).shape == (400, 600, 1)


def test_confidence_of_the_only_cell(whole, marked):
    found = read(whole, marked.pixels)
    agreement = cell_agreement(
        whole.network, whole.codec("k"), marked, found.alignment, MESSAGE, found.kind
    )
    assert agreement.cells.shape == (1, 1) and agreement.cells[0, 0] > 0.5


def test_alignment_of_the_marked_photo(whole, marked):
    mark = whole.prepare(read_photo(data.coffee()), MESSAGE, key="k")
    assert mark.alignment == Alignment(whole=True) == read(whole, marked.pixels).alignment


def test_report(whole):
    suite = load_suite("everyday-brief")
    suite = suite.replace(distortions=suite.distortions[:2])
    report = inspect_photo(whole, data.coffee(), MESSAGE, key="k", psnr=30, suite=suite)
    assert report.extraction.message == MESSAGE and report.cells > 0.5
    assert len(report.distortions) >= 2 and report.psnr == pytest.approx(30, abs=0.1)


def test_sixteen_bits(whole):
    cover = data.coffee().astype(np.uint16)[..., :1] * 257
    photo = whole.embed(Photo(cover), MESSAGE, key="k")
    assert photo.pixels.dtype == np.uint16
    assert whole.extract(photo, key="k", search="none").message == MESSAGE
