"""Marks behind the filter of their key: read with it alone, and not in each other's way."""

import itertools

import numpy as np
import pytest
from PIL import Image
from skimage import data

import tfwm
from tfwm.evaluation.messages.false_positives import false_positives
from tfwm.images import Animation, Photo, read_any
from tfwm.keys import Key
from tfwm.marking import Alignment, Canvas, MarkedError
from tfwm.marking.check import resaved
from tfwm.marking.earlier import known_mark, look
from tfwm.marking.filtered import FilteredNetwork, behind_filter
from tfwm.marking.frames import TOGETHER, frame_readings
from tfwm.marking.mark import Mark
from tfwm.marking.reader import Reader
from tfwm.marking.search import plan_of
from tfwm.payload.layout import PATTERNS, pattern_of
from tfwm.payload.phases import PhaseFilter

KEY, OTHER = "a secret", "another secret"


@pytest.fixture(scope="module")
def private():
    return tfwm.load("photo-private").open()


@pytest.fixture(scope="module")
def coffee():
    return Photo(data.coffee())


@pytest.fixture(scope="module")
def marked(private, coffee):
    return private.embed(coffee, "Ada", key=KEY)


def test_read_with_its_key_alone(private, marked):
    found = private.extract(marked, key=KEY, search="none")
    assert (found.decision, found.message) == ("present", "Ada") and found.binding.fits
    for key in (OTHER, None):
        assert private.extract(marked, key=key, search="none").decision == "absent"


def test_found_in_a_copy_that_was_cut_and_turned(private, marked):
    copy = Photo(np.rot90(marked.pixels[21:, 13:-30]).copy())
    found = private.extract(resaved(copy, 60), key=KEY)
    assert found.message == "Ada" and found.alignment.turns in (1, 3)


def test_a_window_is_filtered_with_what_lies_around_it(private, marked):
    reader = Reader(private.network, Canvas.of(private.network, marked), private.codec(KEY))
    place = Alignment(1.0)
    window, corner = reader._view(place, 128)
    whole, start = reader._view(place)
    assert window.shape[:2] == (128, 128)
    top, left = (c - s for c, s in zip(corner, start, strict=True))
    error = np.abs(whole[top : top + 128, left : left + 128] - window)
    assert error.mean() < 0.01
    alone = reader._seen(reader.planes.at(place, 128)[0])
    assert error.mean() < 0.3 * np.abs(whole[top : top + 128, left : left + 128] - alone).mean()


def test_positions_are_closer_behind_a_filter(private):
    plain = plan_of(private.network)
    filtered = plan_of(behind_filter(private.network, Key(KEY)))
    assert (plain.step, filtered.step) == (4, 2)
    assert filtered.hopeful - plain.hopeful == filtered.doubtful - plain.doubtful > 0


def test_photos_of_one_key_have_patterns_of_their_own(private):
    """So their mean shows none of them; a crop is read by the pattern of the photo."""
    photos = [Photo(data.chelsea()[n:, n:].copy()) for n in range(0, 40, 8)]
    votes, found = [], []
    for photo in photos:
        copy = private.embed(photo, "Ada", key=KEY)
        reader = Reader(private.network, Canvas.of(private.network, copy), private.codec(KEY))
        votes.append([reader.votes(Alignment(1.0, pattern=n)) for n in range(PATTERNS)])
        scores = [reader.codec.pilot_score(v) for v in votes[-1]]
        found.append(int(np.argmax(scores)))
        assert found[-1] == pattern_of(Key(KEY), photo.pixels)
        assert scores[found[-1]] > 8 and np.median(scores) < 2
        crop = private.extract(Photo(copy.pixels[30:, 44:].copy()), key=KEY, search="crop")
        assert crop.message == "Ada" and crop.alignment.pattern == found[-1]
    assert len(set(found)) > 2
    plain = np.sign([v[0] for v in votes])
    same = np.sign([v[n] for v, n in zip(votes, found, strict=True)])
    for one, other in itertools.combinations(range(len(photos)), 2):
        assert np.mean(same[one] == same[other]) > 0.7
        if found[one] != found[other]:
            assert 0.35 < np.mean(plain[one] == plain[other]) < 0.65


def test_the_first_pattern_is_that_of_marks_before_there_were_others(private, coffee, monkeypatch):
    monkeypatch.setattr("tfwm.marking.mark.pattern_of", lambda key, pixels: 0)
    slots = private.codec(KEY).encode("Ada")
    copy = Mark.of(private.network, coffee, slots, codec=private.codec(KEY)).apply()
    network = behind_filter(private.network, Key(KEY))
    cells = Reader(private.network, Canvas.of(network, copy), private.codec(KEY)).cells
    plane = Canvas.of(network, copy).scaled(1.0)[None, :400, :600]
    direct = np.asarray(network.extract(plane))[0]
    np.testing.assert_allclose(cells(Alignment(1.0)).logits, direct, atol=1e-3)


def test_two_keys_in_one_photo(private, marked):
    """The second mark lies all over the first, which is read all the same."""
    both = resaved(private.embed(marked, "Agency", key=OTHER), 70)
    assert private.extract(both, key=KEY, search="none").message == "Ada"
    assert private.extract(both, key=OTHER, search="none").message == "Agency"


def test_marks_of_this_key_and_of_none_are_noticed(private, marked, coffee):
    assert private.earlier_mark(marked, key=KEY).message == "Ada"
    assert private.earlier_mark(marked, key=OTHER) is None
    with pytest.raises(MarkedError, match="a new one would erase"):
        private.embed(marked, "Eve", key=KEY)
    public = private.embed(coffee, "Ada")
    assert private.earlier_mark(public, key=KEY).whose == "public"
    both = private.embed(public, "Eve", key=KEY)
    assert private.extract(both, search="none").message == "Ada"


@pytest.mark.parametrize("key", [None, "guessed"])
def test_opposite_signs_of_somebody_without_the_key_leave_it(private, marked, key):
    """What removes a mark of `photo`: reading with the network and writing the opposite."""
    opposite = np.uint8(private.read_votes(marked, key) < 0)
    erased = Mark.of(private.network, marked, opposite, codec=private.codec(key)).apply()
    assert private.extract(erased, key=KEY, search="none").message == "Ada"


def test_change_is_filtered_back():
    """A network that adds a pattern: the photo changes by the pattern, filtered back."""

    class Adds:
        phases, name = 4, "adds"

        def embed(self, image, message, strength):
            return image + 0.01 * message

        def extract(self, image):
            return image[:, ::8, ::8]

    phase_filter = PhaseFilter.of(Key(KEY), 4)
    network = FilteredNetwork(Adds(), phase_filter)
    image = np.full((1, 128, 128, 1), 0.5, np.float32)
    pattern = np.random.default_rng(0).normal(size=image.shape).astype(np.float32)
    change = network.embed(image, pattern) - image
    np.testing.assert_allclose(change, phase_filter.undo(0.02 * pattern), atol=1e-6)
    assert network.name == "adds" and network.extract(image).shape == (1, 16, 16, 1)


def test_without_a_filter_the_network_stays(private):
    network = tfwm.load().network
    assert behind_filter(network, Key(KEY)) is network


def test_no_signpost(private, coffee):
    with pytest.raises(ValueError, match="without the key's filter, .* everybody reads"):
        private.embed(coffee, "Ada", key=KEY, signpost="example.org")


def test_beside_is_refused(private, marked):
    with pytest.raises(ValueError, match="marks of two keys lie in one photo without --beside"):
        private.embed(marked, "Agency", key=OTHER, over="beside")


def test_a_public_mark_that_would_be_lost_is_kept(private, tmp_path):
    """By files and by arrays alike: nobody else can tell that it was there."""
    public = private.embed(Photo(data.chelsea()), b"x" * 32)
    Image.fromarray(public.pixels).save(tmp_path / "public.png")
    for embed in (
        lambda: private.embed(public, "Eve", key=KEY),
        lambda: private.embed_file(tmp_path / "public.png", tmp_path / "out.png", "Eve", key=KEY),
    ):
        with pytest.raises(MarkedError, match="may not be read after JPEG 75"):
            embed()
    assert not (tmp_path / "out.png").exists()


def animation(count):
    photo = data.chelsea()
    parts = [photo[4 * n :, 6 * n :][:260, :400] for n in range(count)]
    return Animation([Photo(part.copy()) for part in parts], [80] * count)


def test_frames_of_an_animation_have_one_pattern_and_add_up(private, tmp_path):
    first, *others = [frame.to_pil() for frame in animation(4).frames]
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, lossless=True)
    private.embed_file(tmp_path / "a.webp", tmp_path / "b.webp", "Ada", key=KEY)
    copy = read_any(tmp_path / "b.webp")
    assert private.extract(copy, key=KEY, search="none").message == "Ada"
    rng = np.random.default_rng(0)
    noisy = [np.clip(f.pixels + rng.normal(0, 30, f.pixels.shape), 0, 255) for f in copy.frames]
    copy.frames = [Photo(np.uint8(pixels)) for pixels in noisy]
    codec, scores = private.codec(KEY), {"none": [], TOGETHER: []}
    for stage, _, votes, *_ in frame_readings(private.network, codec, copy, "none"):
        scores[stage].append(codec.pilot_score(votes))
    assert max(scores[TOGETHER]) > 1.2 * max(scores["none"]) > 5


def test_unmarked_frames_are_no_evidence_together(private):
    """The best of 16 patterns is chosen once for all frames: chosen for each, it would add up."""
    codec = private.codec(KEY)
    readings = list(frame_readings(private.network, codec, animation(8), "none"))
    together = [reading for reading in readings if reading[0] == TOGETHER]
    assert together and all(codec.pilot_score(reading[2]) < 4 for reading in together)
    assert readings[-1][3] >= 16 * len(readings)


def test_the_best_of_16_patterns_is_counted_as_16_trials(private, marked):
    """Of wrong keys, one in ten has a p-value below 0.1: without the count, eight of ten have."""
    found = false_positives(private, [data.coffee()], crops=40, keys=40)
    p_values = np.concatenate([found["crops"], found["keys"]])[:, 0]
    assert np.mean(p_values < 0.1) < 0.25 and p_values.min() > 1e-4
    place, votes, _ = look(private.network, marked, KEY)
    once = known_mark(place, votes, KEY, alone=True).p_value
    assert once <= known_mark(place, votes, KEY, alone=True, trials=PATTERNS).p_value < 1e-9
