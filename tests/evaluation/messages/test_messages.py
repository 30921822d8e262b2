import csv

import numpy as np
import pytest

from tfwm.evaluation import (
    BitSuite,
    Distortion,
    Marker,
    MessageSuite,
    Reading,
    WatermarkerMarker,
    evaluate,
    load_suite,
    message_headline,
    message_table,
    run_suite,
)
from tfwm.evaluation.messages.run import random_payload
from tfwm.images import ImageError

GRID = 8


class GridMarker(Marker):
    """Lifts or lowers each cell of an 8 x 8 grid over the photo, 64 bits in all.

    Knows that the photos are of gray 128. The grid scales with the photo; turning or
    mirroring moves the bits.
    """

    name = "grid"

    def embed(self, image, payload, strength):
        if image.shape[0] < 64:
            raise ImageError("too small")
        bits = np.unpackbits(np.frombuffer(payload, np.uint8)).reshape(GRID, GRID)
        rows, columns = (np.arange(n) * GRID // n for n in image.shape[:2])
        # Not the same everywhere, so that rounding leaves the PSNR smooth in the strength.
        shade = np.linspace(3, 9, image.shape[1])
        change = strength * shade * (2.0 * bits[rows][:, columns] - 1)
        return np.clip(np.rint(image + change[..., None]), 0, 255).astype(np.uint8)

    def read(self, image):
        bits, strong = self.cells(image)
        if not strong:
            return Reading(p_value=0.5)
        return Reading(np.packbits(bits).tobytes(), None, 1e-9)

    def cells(self, image):
        rows, columns = (np.arange(n) * GRID // n for n in image.shape[:2])
        cell = (rows[:, None] * GRID + columns).ravel()
        means = np.bincount(cell, image.mean(-1).ravel()) / np.bincount(cell) - 128
        return (means > 0).astype(np.uint8), bool(np.abs(means).mean() > 0.5)


class BitsMarker(GridMarker):
    """Always gives bits, and no evidence, as the peers do."""

    name = "bits"
    shared_strength = True
    strength = None

    def read(self, image):
        assert self.strength is not None
        return Reading.of_bits(self.cells(image)[0])


def suite(*attacks, **arguments):
    attacks = attacks or (
        {"name": "scale", "levels": [0.5]},
        {"name": "mirror", "levels": [1], "plain": True},
        {"name": "brightness", "levels": [0.0], "unpromising": [0.0]},
    )
    return MessageSuite("tiny", "Tiny", [*attacks], payload_bits=64, **arguments)


def flat(*shapes):
    return [np.full((*shape, 3), 128, np.uint8) for shape in shapes or [(128, 160), (96, 96)]]


def pick(rows, attack, marker="grid"):
    (row,) = [row for row in rows if (row["attack"], row["marker"]) == (attack, marker)]
    return row


def sent(number, seed=0):
    payload = random_payload(64, seed, number)
    return np.unpackbits(np.frombuffer(payload, np.uint8)).reshape(GRID, GRID)


def test_known_rates():
    rows = evaluate([GridMarker(), BitsMarker()], flat(), suite())
    kinds = ["identity", "unmarked", "scale", "mirror", "brightness", "mean", "mean of all"]
    assert [row["attack"] for row in rows] == 2 * kinds
    for attack in ("identity", "scale"):
        row = pick(rows, attack)
        assert row["exact"] == row["bit_accuracy"] == row["detected"] == 1
        assert row["exact_low"] == pytest.approx(2 / (2 + 1.96**2), abs=1e-3)
    mirrored = pick(rows, "mirror")
    shares = [float(np.mean(sent(i) == sent(i)[:, ::-1])) for i in range(2)]
    assert mirrored["exact"] == 0 and mirrored["detected"] == 1
    assert mirrored["bit_accuracy"] == pytest.approx(np.mean(shares))
    # A black photo: the mean is far from 128, all bits read 0.
    assert pick(rows, "brightness")["bit_accuracy"] == pytest.approx(
        np.mean([np.mean(sent(i) == 0) for i in range(2)])
    )
    assert [row["counted"] for row in rows[:5]] == [False, False, True, True, False]


def test_unmarked_photos_and_guesses():
    rows = evaluate([GridMarker(), BitsMarker()], flat(), suite())
    row = pick(rows, "unmarked")
    assert (row["exact"], row["bit_accuracy"], row["detected"], row["guessed"]) == (0, 0.5, 0, 1)
    assert row["psnr"] is None
    row = pick(rows, "unmarked", "bits")
    assert row["guessed"] == 0 and row["detected"] == 0
    assert row["bit_accuracy"] == pytest.approx(np.mean([np.mean(sent(i) == 0) for i in (0, 1)]))


def test_means_are_over_the_edits_that_count():
    rows = evaluate([GridMarker()], flat(), suite())
    mean, of_all = pick(rows, "mean"), pick(rows, "mean of all")
    scale, mirror, black = (pick(rows, a) for a in ("scale", "mirror", "brightness"))
    assert mean["exact"] == 0.5 and mean["level"] == 2
    assert mean["bit_accuracy"] == pytest.approx(
        (scale["bit_accuracy"] + mirror["bit_accuracy"]) / 2
    )
    assert of_all["level"] == 3
    assert of_all["bit_accuracy"] == pytest.approx(
        (2 * mean["bit_accuracy"] + black["bit_accuracy"]) / 3
    )
    # Both photos lose one of two edits: no spread between photos.
    assert (mean["exact_low"], mean["exact_high"]) == (0.5, 0.5)


def test_evidence_of_bits_is_the_binomial_tail():
    attacks = [{"name": "cropping", "levels": [0.1, 0.9]}]
    rows = evaluate([BitsMarker()], flat((256, 256)), suite(*attacks))
    assert {row["evidence"] for row in rows} == {"matching bits"}
    little, much = [row for row in rows if row["attack"] == "cropping"]
    # 51 of 64 must match at 1e-6.
    for row in (little, much):
        assert row["detected"] == (round(64 * row["bit_accuracy"]) >= 51)
    assert little["detected"] == 1 and much["detected"] == 0


def test_every_photo_has_the_psnr():
    photos = flat((128, 160), (96, 200), (300, 80))
    for target in (36.0, 42.0):
        rows = evaluate([GridMarker()], photos, suite(), psnr=target)
        assert target <= rows[0]["psnr"] <= target + 0.1
        for photo in photos:
            alone = evaluate([GridMarker()], [photo], suite(), psnr=target)
            assert target <= alone[0]["psnr"] <= target + 0.1


def test_shared_strength_gives_the_mean_psnr():
    class Uneven(BitsMarker):
        name = "uneven"

        def embed(self, image, payload, strength):
            return super().embed(image, payload, strength * (2 if image.shape[0] > 100 else 1))

    marker = Uneven()
    rows = evaluate([marker], flat(), suite())
    assert 40 <= rows[0]["psnr"] <= 40.1
    single = [evaluate([Uneven()], [photo], suite())[0]["psnr"] for photo in flat()]
    assert all(40 <= quality <= 40.1 for quality in single)
    # The marker is measured, and left as it was.
    assert marker.strength is None and marker.tuned_to(2.0).strength == 2.0


def test_fixed_strength_and_prepare():
    class Prepared(GridMarker):
        name, fixed_strength, calls = "prepared", 1.5, 0

        def prepare(self, image, payload):
            self.calls += 1
            return lambda strength: self.embed(image, payload, strength)

    marker = Prepared()
    rows = evaluate([marker], flat(), suite())
    assert marker.calls == 2
    assert rows[0]["psnr"] == pytest.approx(20 * np.log10(255 / (1.5 * np.sqrt(39))), abs=0.1)


def test_photo_that_cannot_be_marked_counts_as_lost():
    rows = evaluate([GridMarker()], flat((128, 160), (40, 40)), suite())
    row = pick(rows, "identity")
    assert (row["images"], row["unmarkable"], row["exact"]) == (2, 1, 0.5)
    assert row["bit_accuracy"] == 0.75 and row["guessed"] == 0.5
    assert pick(rows, "unmarked")["images"] == 2
    lost = evaluate([GridMarker()], flat((40, 40)), suite())
    assert lost[0]["psnr"] is None and lost[0]["exact"] == 0
    assert "PSNR" in message_table(lost) and "0.0 % of messages" in message_headline(lost)


def test_rows_repeat_and_markers_get_the_same():
    attacks = [
        {"name": "gaussian_noise", "levels": [90]},
        {"name": "screenshot", "levels": [0.83]},
        {"name": "crop", "levels": [0.9]},
    ]

    def run(marker, name, **arguments):
        rows = evaluate({name: marker}, flat(), suite(*attacks), **arguments)
        return [{k: v for k, v in row.items() if k not in ("marker", "seconds")} for row in rows]

    first = run(GridMarker(), "a", workers=2)
    assert first == run(GridMarker(), "b", workers=1)
    assert first != run(GridMarker(), "a", seed=1)


def test_payload_bits_of_a_marker():
    class Half(GridMarker):
        name, payload_bits = "half", 32

        def embed(self, image, payload, strength):
            return super().embed(image, payload + bytes(4), strength)

        def read(self, image):
            return Reading.of_bits(self.cells(image)[0][:32])

    row = evaluate([Half()], flat(), suite())[0]
    assert row["bits"] == 32 and row["exact"] == 1 and row["detected"] == 1


def test_errors():
    with pytest.raises(ValueError, match="grid, a GridMarker; take a suite of messages"):
        evaluate([GridMarker()], flat(), "redmark-table3")
    with pytest.raises(ValueError, match="different names"):
        evaluate([GridMarker(), GridMarker()], flat(), suite())
    with pytest.raises(ValueError, match="at least one marker"):
        evaluate([], flat(), suite())
    with pytest.raises(ValueError, match="derive from tfwm.evaluation.Marker. Received: a: int"):
        evaluate({"a": 3}, flat(), suite())
    with pytest.raises(ValueError, match="whole bytes"):
        MessageSuite("a", "a", [], payload_bits=30)
    with pytest.raises(ValueError, match="keep the size"):
        BitSuite("a", "a", [{"name": "crop", "levels": [0.5]}])

    class Broken(GridMarker):
        def read(self, image):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError) as error:
        evaluate([Broken()], flat(), suite())
    assert "grid, photo 0, identity 0" in error.value.__notes__


def test_missing_codec_is_left_out(monkeypatch, tmp_path):
    from PIL import features

    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with_avif = suite({"name": "avif", "levels": [50]}, {"name": "jpeg", "levels": [90]})
    with pytest.warns(UserWarning, match="left out avif: Pillow is without AVIF"):
        rows = evaluate([GridMarker()], flat(), with_avif)
    assert {row["attack"] for row in rows} == {"identity", "unmarked", "jpeg", "mean"}
    result = run_suite([GridMarker()], flat(), with_avif, tmp_path)
    assert "avif left out" in result.line and "avif left out" in result.csv.read_text()


def test_run_suite_writes_files(tmp_path):
    result = run_suite(
        [GridMarker(), BitsMarker()], flat(), suite(), tmp_path, "the command", match="psnr=42",
        limit=None, strengths=None, placements=None,
    )  # fmt: skip
    lines = result.csv.read_text().splitlines()
    assert result.csv.name == "tiny-images.csv" and lines[0] == "# the command"
    assert "PSNR 42 dB" in lines[2]
    table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len(table) == len(result.rows) == 14
    assert table[0]["exact"] == "1" and float(table[0]["psnr"]) == pytest.approx(42.05, abs=0.06)
    html = result.html.read_text()
    assert html.count("<details") == 3 and "data:image/png" in html and "the command" in html
    assert "grid 42.0" in result.line and "0 false alarms" in result.line
    text = message_table(result.rows)
    assert "Mean of the edits 2" in text and text.splitlines()[0].count("bits") == 1
    for bad in ({"strengths": [1.0]}, {"match": "ssim=0.9"}, {"match": "psnr=other"}):
        with pytest.raises(ValueError, match="Received"):
            run_suite([GridMarker()], flat(), suite(), tmp_path, **bad)


def test_report_marks_what_does_not_count():
    rows = evaluate([GridMarker()], flat(), suite())
    html = suite().page(rows, ["conditions"])
    assert html.count("class=hopeless") == 3  # one row in each of three tables
    assert "data:image" not in html


def test_watermarker_as_marker(tmp_path):
    class Mark:
        def __init__(self, image, payload):
            self.image, self.payload = image, payload

        def apply(self, strength):
            self.marked = GridMarker().embed(self.image, self.payload, strength)
            return self

        def to_array(self, like):
            return self.marked

    class Extraction:
        def __init__(self, reading):
            self.message, self.p_value = reading.payload, reading.p_value
            self.decision, self.binding = "present", None

    class Watermarker:
        """Has the methods of tfwm.Watermarker that the marker calls."""

        network = GridMarker()
        keys = set()

        def prepare(self, photo, message, *, key=None):
            self.keys.add(key)
            return Mark(photo, message)

        def extract(self, photo, *, key=None, search="all"):
            self.keys.add(key)
            self.search = search
            return Extraction(GridMarker().read(photo))

    watermarker = Watermarker()
    marker = WatermarkerMarker(watermarker, key="secret", search="none")
    row = evaluate([marker], flat(), suite())[0]
    assert row["marker"] == "grid" and row["exact"] == 1 and row["evidence"] == "p-value"
    assert watermarker.keys == {"secret"} and watermarker.search == "none"
    result = run_suite({"mine": watermarker}, flat(), suite(), tmp_path)
    assert result.rows[0]["marker"] == "mine" and result.rows[0]["exact"] == 1
    assert None not in watermarker.keys


def test_text_is_no_payload():
    class Network:
        name = "n"

    class Watermarker:
        network = Network()

        def extract(self, photo, *, key=None):
            values = {"message": "text", "p_value": 0.0, "decision": "present", "binding": None}
            return type("Extraction", (), values)

    assert WatermarkerMarker(Watermarker()).read(flat()[0]).payload is None


def test_everyday_suite_on_a_fake(tmp_path):
    """All edits in one go, the whole way to the files."""
    result = run_suite([GridMarker()], flat((96, 144)), "everyday", tmp_path)
    counted = [row for row in result.rows if row["counted"]]
    assert len(counted) >= 40
    mean = pick(result.rows, "mean")
    assert mean["exact"] == pytest.approx(np.mean([row["exact"] for row in counted]))
    assert 0 < mean["exact"] < 1
    assert load_suite("everyday").distortions[0] == Distortion(
        "jpeg", [90, 70, 50, 30, 15], "JPEG 4:2:0, quality"
    )
