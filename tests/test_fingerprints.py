import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import fingerprints
from tfwm.distortions import distort
from tfwm.fingerprints import distance, fingerprint
from tfwm.marking import Alignment

EDITS = [("jpeg", 30), ("scale", 0.35), ("brightness", 1.5), ("contrast", 0.5), ("gamma", 1.5)]
PHOTOS = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), data.camera()]


@pytest.mark.parametrize("name, level", EDITS)
def test_everyday_edits_change_few_bits(name, level):
    for photo in PHOTOS[:4]:
        copy = distort(name, photo, level)
        assert distance(fingerprint(photo), fingerprint(copy)) <= fingerprints.SAME // 2


def test_other_photos_differ_in_half_of_the_bits():
    prints = [fingerprint(photo) for photo in PHOTOS]
    apart = [distance(a, b) for i, a in enumerate(prints) for b in prints[:i]]
    assert min(apart) > fingerprints.SAME + 20 and 118 < np.mean(apart) < 138


def test_half_of_the_bits_are_set_and_a_gray_copy_is_the_same(tmp_path):
    value = fingerprint(PHOTOS[0])
    assert distance(value, bytes(32)) == fingerprints.BITS // 2
    Image.fromarray(PHOTOS[0]).convert("L").save(tmp_path / "gray.png")
    assert distance(value, fingerprint(tmp_path / "gray.png")) <= 4


def shapes(number):
    """A plain product on white."""
    rows, columns = np.mgrid[:256, :256] - 128
    photo = np.full((256, 256, 3), 255, np.uint8)
    photo[np.hypot(rows - 9, columns + 20) < 60 + 10 * number] = np.array([40, 90, 200]) // (
        number + 1
    )
    return photo


def test_pictures_that_show_too_little_have_none():
    """Their fingerprints are alike, so that one led to another one's manifest."""
    ramp = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    noise = np.random.default_rng(0).integers(100, 104, (256, 256), dtype=np.uint8)
    for plain in (np.zeros_like(ramp), ramp, ramp.T, noise, *map(shapes, range(4))):
        assert fingerprint(plain) is None
        assert fingerprints.compare(plain, fingerprint(PHOTOS[0])) == "unclear"
    faint = distort("gaussian_blur", distort("contrast", PHOTOS[1], 0.5), 8)
    assert fingerprint(faint) is not None


def test_only_a_whole_photo_is_another_picture():
    """A photo without a mark may be a crop of the one that was signed."""
    signed, other = fingerprint(PHOTOS[0]), PHOTOS[1]
    assert fingerprints.compare(other, signed) == "unclear"
    assert fingerprints.compare(other, signed, Alignment()) == "unclear"
    assert fingerprints.compare(other, signed, Alignment(), whole=True) == "another"
    for turns in range(4):
        turned = np.rot90(PHOTOS[0], turns)
        assert fingerprints.compare(turned, signed) == "same"
        assert fingerprints.compare(turned[:, ::-1], signed) == "same"
