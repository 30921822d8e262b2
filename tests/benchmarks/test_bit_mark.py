import numpy as np
import pytest
from bit_mark import BitMark
from peers.spread_spectrum import SpreadSpectrum
from skimage import data

from tfwm.evaluation import Marker, Reading
from tfwm.images import ImageError, psnr

PAYLOAD = bytes(range(100, 108))


@pytest.fixture(scope="module")
def photos():
    return np.stack([data.astronaut()[y : y + 128, 100:228] for y in (0, 60, 120, 180)])


def test_meets_the_psnr_on_average(photos):
    mark = BitMark.at_psnr(SpreadSpectrum(64), PAYLOAD, photos, 36)
    marked = mark.mark(photos)
    assert 36 <= np.mean(list(map(psnr, photos, marked))) <= 36.1
    assert mark.bit_row(marked)["bit_accuracy"] > 0.98
    assert mark.watermark.shape == (8, 8, 1) and mark.name == "spread spectrum"
    assert mark.similarity(marked).min() > 0.9


def test_unmarked_photos_are_read_at_chance(photos):
    mark = BitMark(SpreadSpectrum(64), PAYLOAD)
    row = mark.bit_row(photos)
    assert row["exact"] == 0 and 0.35 < row["bit_accuracy"] < 0.65


def test_the_majority_of_all_images_counts_more():
    class Unsure(Marker):
        """Reads every bit wrong in one image of three."""

        name = "unsure"

        def read(self, image):
            bits = np.array([1, 0, 1, 0, 1, 0, 1, 0])
            return Reading(None, bits ^ (np.arange(8) % 3 == image[0, 0, 0]))

    images = np.zeros((3, 4, 4, 3), np.uint8) + np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    row = BitMark(Unsure(), b"\xaa").bit_row(images)
    assert row["exact"] == 0 and row["pooled_accuracy"] == 1
    assert row["bit_accuracy"] == pytest.approx(2 / 3)


def test_types_and_gray(photos):
    mark = BitMark(SpreadSpectrum(64), PAYLOAD, 1.5)
    marked = mark.mark(photos)
    assert marked.dtype == np.uint8
    floats = mark.mark(photos / np.float32(255))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, marked / 255, atol=1e-6)
    gray = mark.mark(photos[..., :1])
    assert gray.shape == (4, 128, 128, 1) and mark.bit_row(gray)["bit_accuracy"] > 0.98


def test_what_cannot_be_marked_or_read():
    mark = BitMark(SpreadSpectrum(64), PAYLOAD)
    assert "64 bits" in mark.fits((16, 16, 3)) and mark.fits((64, 64, 1)) is None
    small = np.zeros((2, 16, 16, 3), np.uint8)
    with pytest.raises(ImageError, match="64 bits"):
        mark.mark(small)
    assert (mark.read(small) == 0.5).all() and (mark.similarity(small) == 0).all()


def test_readers_are_told_a_shared_strength():
    class Shared(SpreadSpectrum):
        shared_strength = True

    marker = Shared()
    assert BitMark(marker, PAYLOAD, 3).marker.strength == 3
    assert marker.strength == 1
