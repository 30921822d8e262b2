import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.distortions import distort
from tfwm.provenance import fingerprints
from tfwm.provenance.fingerprints import distance, fingerprint

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
