"""The mark of a fake network is found in copies that were changed in known ways."""

import itertools
import math

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import Photo
from tfwm.marking import STAGES, Alignment, Canvas, Reader, candidates
from tfwm.marking.search import ENOUGH_TILES, Plan, plan_of
from tfwm.marking.tiling import tiling_of
from tfwm.networks import Network
from tfwm.payload import Codec, Key

MESSAGE = "ada"


@pytest.fixture(scope="module")
def marked(watermarker):
    return watermarker.embed(data.coffee(), MESSAGE, key="k", strength=2)


@pytest.fixture
def reader(quadrant_network, marked):
    return Reader(quadrant_network, Canvas(Photo(marked)), Codec(1024, Key("k")))


def resize(image, factor):
    height, width = image.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.LANCZOS))


def rotate(image, angle):
    return np.asarray(Image.fromarray(image).rotate(angle, Image.BICUBIC))


EDITS = {
    "as it is": ("none", lambda x: x),
    "mirrored": ("none", lambda x: x[:, ::-1]),
    "cropped": ("crop", lambda x: x[37:341, 83:]),
    "cropped and mirrored": ("crop", lambda x: x[13:, :-51][:, ::-1]),
    "turned upside down": ("crop", lambda x: x[::-1, ::-1]),
    "turned left": ("crop", lambda x: np.rot90(x[:, 5:])),
    "half of the size": ("scale", lambda x: resize(x, 0.8)),
    "enlarged and cropped": ("scale", lambda x: resize(x, 1.3)[61:, :-97]),
    "rotated": ("rotate", lambda x: rotate(x, 3.4)),
    "rotated back and cropped": ("rotate", lambda x: rotate(x, -2.0)[31:-20, 40:-17]),
}


@pytest.mark.parametrize("name", EDITS)
def test_message_is_found(watermarker, marked, name):
    search, edit = EDITS[name]
    found = watermarker.extract(np.ascontiguousarray(edit(marked)), key="k", search=search)
    assert found.message == MESSAGE and found.decision == "present"
    assert found.p_value < 1e-6


@pytest.mark.parametrize("sides", [(1.0, 0.9), (1.08, 1.0)])
def test_a_stretched_side_is_found_without_the_repetition(watermarker, marked, sides, monkeypatch):
    monkeypatch.setattr("tfwm.marking.search.lattices", lambda *args, **options: [])
    size = [round(n * side) for n, side in zip(marked.shape, sides, strict=False)]
    copy = np.asarray(Image.fromarray(marked).resize(size[::-1], Image.LANCZOS))
    found = watermarker.extract(copy, key="k", search="scale")
    assert found.message == MESSAGE and found.decision == "present"
    # Undone on one side, which is a scale of both and a stretch.
    height, width = 1 / np.array(sides)
    assert found.alignment.scale == pytest.approx(math.sqrt(height * width), rel=0.01)
    assert found.alignment.stretch == pytest.approx(math.sqrt(width / height), rel=0.01)
    assert watermarker.extract(copy, key="k", search="crop").message is None


def test_the_alignment_tells_what_was_done(watermarker, marked):
    crop = watermarker.extract(marked[37:, 83:], key="k", search="crop").alignment
    # The next corner of a tile of 256 pixels, from the middle of what is left.
    assert (crop.offset[0] + (400 - 37) // 2 + 37) % 256 == 0
    assert (crop.offset[1] + (600 - 83) // 2 + 83) % 256 == 0
    assert (crop.scale, crop.rotation, crop.turns, crop.flipped) == (1.0, 0.0, 0, False)
    small = watermarker.extract(resize(marked, 0.8), key="k", search="scale").alignment
    assert small.scale == pytest.approx(1.25, rel=5e-3)
    turned = watermarker.extract(rotate(marked, 3.4), key="k", search="rotate").alignment
    assert turned.rotation == pytest.approx(-3.4, abs=0.5)


def test_unmarked_and_wrong_key_are_absent(watermarker, marked):
    for photo, key in ((data.coffee(), "k"), (marked, "another"), (marked, None)):
        found = watermarker.extract(photo, key=key, search="crop")
        assert found.decision == "absent" and found.message is None
        assert found.p_value > 1e-3 and "no mark of this key" in found.reason


def plan_for(patch, block=None, bits=1):
    geometry = {"patch": patch, "block": block or patch, "bits": bits}
    return plan_of(Network("x", {"geometry": geometry}))


def test_a_scan_has_a_limit_of_positions():
    assert plan_for((8, 8)) == plan_for((32, 32), (8, 8)) == Plan(4, 256, None)
    assert plan_for((16, 16)) == Plan(4, 272, 272)
    assert plan_for((128, 128), bits=30) == Plan(12, 512, 512)
    for side in (16, 48, 128, 256, 512):
        step = plan_for((side, side), bits=100).step
        assert math.ceil(side / step) ** 2 <= 128
        # Positions come by every phase of a grid of 8 and of 16 pixels, 4 pixels apart.
        assert {n * step % 16 for n in range(4)} == {0, 4, 8, 12}


@pytest.mark.parametrize("side", [128, 300])
def test_a_scan_of_large_blocks_is_bounded(tile_network, side):
    copy = Photo(data.coffee()[:side, :side])
    reader = Reader(tile_network, Canvas(copy, 3), Codec(480, Key("k")))
    plan = plan_of(tile_network)
    reader.scan(Alignment(), plan.step, plan.crop_window)
    assert reader.trials == 11 * 11 * 16


def test_votes_agree_with_scan(reader):
    score, alignment = reader.scan(Alignment(), 4)
    assert score > 10
    again, near = reader.scan(alignment, 1, near=True)
    assert near == alignment and again == pytest.approx(score, rel=0.05)
    exact = reader.votes(Alignment())
    np.testing.assert_allclose(reader.votes(alignment), exact, atol=1e-4)


def test_stages_go_on_from_each_other(reader):
    firsts = list(itertools.islice(candidates(reader, "crop"), 4))
    assert firsts[0] == ("none", Alignment(1.0))
    assert firsts[1][0] == "none" and firsts[3][1].flipped
    assert {stage for stage, _ in candidates(reader, "none")} == {"none"}


def sweeps(network, sides, search, monkeypatch):
    """Scales and angles that a search tries one by one in a photo of noise."""
    tried = []

    def scans(self, alignments, step, window=None, near=False):
        for alignment in alignments:
            if window:
                tried.append((round(alignment.scale, 3), alignment.rotation))
            yield 0.0, alignment.moved(offset=(0, 0))

    monkeypatch.setattr(Reader, "scans", scans)
    noise = np.random.default_rng(0).integers(0, 256, (*sides, 3), np.uint8)
    reader = Reader(network, Canvas(Photo(noise)), Codec(1024, Key("k")))
    list(candidates(reader, search))
    return {scale for scale, _ in tried}, {angle for _, angle in tried} & set(
        plan_of(network).rotations
    )


def test_sweeps_are_for_copies_that_hold_few_tiles(quadrant_network, monkeypatch):
    tile = tiling_of(quadrant_network).shape[0] * quadrant_network.block_shape[0]
    sides = 2 * tile + 64, 2 * tile
    scales, angles = sweeps(quadrant_network, sides, "rotate", monkeypatch)
    assert scales and max(scales) ** 2 * math.prod(sides) < ENOUGH_TILES * tile**2
    assert len(angles) == 20
    scales, angles = sweeps(quadrant_network, sides, "all", monkeypatch)
    assert max(scales) > 2 and len(angles) == 20
    scales, _ = sweeps(quadrant_network, (2 * tile, tile), "rotate", monkeypatch)
    assert max(scales) > 1.5


def test_progress_rises_to_the_last_stage(watermarker):
    told = []
    watermarker.extract(
        data.coffee()[:200, :200],
        key="k",
        search="scale",
        progress=lambda share, stage: told.append((share, stage)),
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] <= 1
    assert [stage for stage, _ in itertools.groupby(s for _, s in told)] == list(STAGES[:3])


def test_trials_are_counted(reader):
    reader.scan(Alignment(), 4)
    assert reader.trials == 4 * 1024
    reader.score(Alignment())
    assert reader.trials == 4 * 1024 + 1


def test_the_reason_names_what_was_not_looked_for(checker):
    photo = np.full((64, 64, 3), 128, np.uint8)
    for search, words in (("none", "cut, mirrored"), ("rotate", "at once")):
        found = checker.extract(photo, search=search)
        assert found.decision == "absent"
        assert words in found.reason and "wider search" in found.reason
    assert "wider search" not in checker.extract(photo, search="all").reason
