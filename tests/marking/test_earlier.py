import math
import types

import numpy as np
import pytest
from PIL import Image
from skimage import data

import tfwm
from tfwm.images import Photo, read_photo
from tfwm.keys import Key
from tfwm.marking import EarlierMark, Mark, MarkedError, tiling_of
from tfwm.marking.check import resaved
from tfwm.marking.earlier import FALSE_ALARM_RATE, refuse, repetition_p_value
from tfwm.provenance import Stamper


@pytest.fixture(scope="module")
def photo_network():
    return tfwm.load("photo", runtime="lite")


@pytest.fixture(scope="module")
def marked(photo_network):
    return photo_network.prepare(read_photo(data.coffee()), "Ada", key="secret").apply()


@pytest.mark.parametrize("counted", [1, 2, 3])
def test_p_value_of_tiles_that_repeat_exactly(counted):
    tile = np.random.default_rng(0).choice([-1.0, 1.0], (32, 32, 1))
    grid = np.tile(tile, (2, counted, 1))
    # The mean over all phases of n tiles that are the same is n: (n * exp(1 - n)) ** frequencies.
    spectrum = np.abs(np.fft.fft2(tile[..., 0])[1:16, [n for n in range(1, 32) if n != 16]]) ** 2
    n, m = 2 * counted, np.count_nonzero(spectrum > 0.05 * spectrum.mean())
    assert m > 400
    assert math.log(repetition_p_value(grid, 32) or 1e-323) == pytest.approx(
        max(m * (1 - n + math.log(n)), math.log(1e-323)), rel=1e-6
    )


def test_p_value_bounds_chance():
    draw = np.random.default_rng(1).normal
    values = np.array([repetition_p_value(draw(size=(64, 96, 1)), 32) for _ in range(400)])
    for share in (0.3, 0.1, 0.03):
        assert (values <= share).mean() <= share + 3 * math.sqrt(share / 400)
    assert values.min() < 0.3  # and is no empty bound


def test_bits_of_a_cell_that_are_the_same_count_once():
    grid = np.random.default_rng(2).normal(size=(64, 96, 1))
    grid += np.tile(grid[:32, :32], (2, 3, 1))
    for bits in (2, 4):
        p_value = repetition_p_value(grid.repeat(bits, axis=-1), 32)
        assert p_value == pytest.approx(repetition_p_value(grid, 32), rel=1e-6)


def test_what_is_no_mark():
    y, x = np.indices((64, 96))
    flat = np.full((64, 96, 1), 0.7)
    stripes = np.sign(np.sin(2 * np.pi * x / 8))[..., None]
    squares = np.sign(np.sin(2 * np.pi * x / 8) * np.sin(2 * np.pi * y / 16))[..., None]
    noise = 0.3 * np.random.default_rng(0).normal(size=(64, 96, 1))
    for logits in (flat, stripes, squares, squares + noise, np.zeros((31, 31, 1))):
        assert repetition_p_value(logits, 32) > FALSE_ALARM_RATE


def test_each_owner_s_mark_is_told(photo_network, marked):
    found = photo_network.earlier_mark(marked, key="secret")
    assert (found.whose, found.message, found.kind) == ("key", "Ada", "text")
    for key in ("another", None):
        found = photo_network.earlier_mark(marked, key=key)
        assert (found.whose, found.message) == ("unknown", None) and found.p_value < 1e-30
    assert photo_network.earlier_mark(resaved(marked, 50), key="another").whose == "unknown"
    public = photo_network.prepare(read_photo(data.coffee()), "for all").apply()
    for key in ("secret", None):
        found = photo_network.earlier_mark(public, key=key)
        assert (found.whose, found.message) == ("public", "for all")
    assert photo_network.earlier_mark(data.coffee(), key="secret") is None


def test_what_is_not_noticed(photo_network, marked):
    """The limits that docs/limits.md tells."""
    cut = Photo(marked.pixels[3:-40, 5:-60])
    turned = Photo(np.rot90(marked.pixels).copy())
    for copy in (cut, turned):
        assert photo_network.earlier_mark(copy, key="another") is None
    small = photo_network.prepare(read_photo(data.coffee()[:250, :250]), "A", key="secret").apply()
    assert photo_network.earlier_mark(small, key="another") is None
    assert photo_network.earlier_mark(small, key="secret").message == "A"


def test_resized_copies_of_large_photos_are_noticed(photo_network):
    large = Image.fromarray(data.coffee()).resize((960, 640), Image.Resampling.BICUBIC)
    marked = photo_network.prepare(large, "Ada", key="secret").apply()
    for size in ((840, 560), (1200, 800)):
        copy = Image.fromarray(marked.pixels).resize(size, Image.Resampling.BICUBIC)
        assert photo_network.earlier_mark(copy, key="secret").message == "Ada"
        assert photo_network.earlier_mark(copy, key="another").whose == "unknown"


def test_marked_photos_are_refused(watermarker, tmp_path):
    photo = data.coffee()
    marked = watermarker.embed(photo, "Ada", key="secret")
    said = (
        "carries a mark of this key, with the message 'Ada', which a new one would erase.*; --over"
    )
    with pytest.raises(MarkedError, match=said):
        watermarker.embed(marked, "Eve", key="secret")
    with pytest.raises(MarkedError, match="of a key that was not given.*--beside .* --over"):
        watermarker.embed(marked, "Eve", key="another")
    again = watermarker.embed(marked, "Eve", key="another", over=True)
    assert watermarker.extract(again, key="another", search="none").message == "Eve"
    source, output = tmp_path / "marked.png", tmp_path / "again.png"
    tfwm.images.PhotoImage.of(Photo(marked)).save(source)
    with pytest.raises(MarkedError, match=r"marked.png was not marked"):
        watermarker.embed_file(source, output, "Eve", key="secret")
    assert not output.exists()
    report = watermarker.embed_file(source, output, "Eve", key="secret", over=True)
    assert any(note.startswith("it carried a mark of this key") for note in report.notes)
    check = watermarker.check(source, "Eve", key="secret")
    assert not check.fits and "--over" in check.reason
    assert watermarker.check(source, "Eve", key="secret", over=True).fits


def test_the_refusal_is_one_line():
    mark = EarlierMark("key", 1e-9, "two\nlines", "text")
    with pytest.raises(MarkedError) as refused:
        refuse("a.jpg", mark.objection())
    assert "\n" not in str(refused.value) and r"two\nlines" in str(refused.value)


def test_two_marks_are_both_read(photo_network, tmp_path):
    paths = [tmp_path / name for name in ("photo.png", "one.png", "two.jpg")]
    Image.fromarray(data.coffee()).save(paths[0])
    photo_network.embed_file(*paths[:2], "Ada", key="first")
    assert not photo_network.check(paths[1], "Eve", key="second").fits
    assert photo_network.check(paths[1], "Eve", key="second", over="beside").fits
    report = photo_network.embed_file(*paths[1:], "Eve", key="second", over="beside", quality=70)
    assert any("beside which the new one was laid; read that one" in n for n in report.notes)
    assert 1.25 <= report.margin < 2  # half of the places cannot hold more
    alone = photo_network.embed_file(
        paths[0], tmp_path / "alone.png", "Eve", key="a", over="beside"
    )
    assert alone.margin > 2 and any("half of the places all the same" in n for n in alone.notes)
    for key, message in (("first", "Ada"), ("second", "Eve")):
        found = photo_network.extract(paths[2], key=key, search="none")
        assert (found.decision, found.message) == ("present", message)


def test_a_mark_is_laid_beside_one_of_another_key_only(photo_network):
    marked = photo_network.embed(data.coffee(), "Ada", key="secret")
    with pytest.raises(MarkedError, match="this key.*beside it, take another key"):
        photo_network.embed(marked, "Eve", key="secret", over="beside")
    public = photo_network.embed(data.coffee(), "Ada")
    with pytest.raises(MarkedError, match="of no key.*take another key"):
        photo_network.embed(public, "Eve", over="beside")
    both = photo_network.embed(public, "Eve", key="secret", over="beside")
    assert [photo_network.extract(both, key=key).message for key in (None, "secret")] == [
        "Ada",
        "Eve",
    ]
    with pytest.raises(ValueError, match=r"over='besides'"):
        photo_network.embed(marked, "Eve", over="besides")


def test_half_of_the_cells_keep_what_they_have(photo_network):
    photo = Photo(data.coffee())
    whole, half = (photo_network.prepare(photo, "Ada", key="a", over=o) for o in (True, "beside"))
    cells = tiling_of(photo_network.network).half(50, 75, Key("a"))
    kept = np.kron(cells, np.ones((8, 8)))[..., None] * whole.residual[:400, :600]
    np.testing.assert_allclose(half.residual, kept, atol=1e-6)


def test_a_network_for_whole_photos_has_no_room_beside():
    network = types.SimpleNamespace(whole=True, name="stegastamp")
    with pytest.raises(ValueError, match="stegastamp marks a photo as a whole"):
        Mark.of(network, Photo(data.coffee()), None, over="beside")


def test_a_short_mark_that_everybody_reads_is_kept_beside_another(photo_network, tmp_path):
    marked, output = tmp_path / "short.png", tmp_path / "both.png"
    photo_network.embed_file(data.coffee(), marked, "Ada")
    photo_network.embed_file(marked, output, "Eve", key="b", over="beside")
    assert photo_network.extract(output, search="none").message == "Ada"


def test_a_mark_that_everybody_reads_is_not_lost_beside_another(photo_network, tmp_path):
    marked, output = tmp_path / "long.png", tmp_path / "both.png"
    photo_network.embed_file(data.coffee(), marked, 32 * "x")
    with pytest.raises(MarkedError, match="long.png was not marked: beside .*JPEG 75"):
        photo_network.embed_file(marked, output, "Eve", key="b", over="beside")
    assert not output.exists()
    with pytest.raises(MarkedError, match="was not marked: beside a second mark.*JPEG 75"):
        photo_network.embed(np.asarray(Image.open(marked)), "Eve", key="b", over="beside")
    stamper = Stamper("acme", "1", key="b", network=photo_network, over="beside")
    with pytest.raises(MarkedError, match="beside a second mark.*JPEG 75"):
        stamper.stamp(Image.open(marked))


def test_a_mark_of_a_whole_photo_is_not_said_to_leave_room():
    mark = EarlierMark("public", 1e-9, "Ada", "text")
    assert "--beside" in mark.objection(key="b")
    assert "--beside" not in mark.objection(key="b", beside=False)
