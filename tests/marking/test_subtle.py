import numpy as np
import pytest
from skimage import data

import tfwm
from tfwm.images import luminance, read_photo
from tfwm.marking.subtle import FLOOR, hiding, subtle_weights, visible_share

MESSAGE = "(c) Ada"


@pytest.fixture(scope="module")
def network():
    return tfwm.load()


@pytest.fixture(scope="module")
def half_sky():
    """A photo whose upper half is a sky, blown out at the left."""
    photo = data.coffee()[:384, :512].copy()
    photo[:192] = np.linspace(255, 190, 512, dtype=np.uint8)[None, :, None]
    return photo


def test_smooth_and_clipped_parts_hide_nothing(half_sky):
    hides = hiding(half_sky / np.float32(255))
    assert hides.shape == (384, 512) and hides[20:170].max() < 0.01
    assert hides[220:].mean() > 0.3 and 0 <= hides.min() and hides.max() <= 1
    noise = np.random.default_rng(0).integers(0, 2, (64, 64, 1)) * np.float32(0.1)
    assert hiding(noise + 0.45).min() > 0.9  # textured
    assert hiding(noise / 20 + 0.99).max() < 0.1  # nearly white
    weights = subtle_weights(half_sky / np.float32(255))
    assert weights.shape == (384, 512, 1) and weights[:170].max() < FLOOR + 0.01


def test_subtle_marks_the_sky_less_and_reads(network, half_sky):
    before = luminance(half_sky)
    changes = {}
    for subtle in (False, True):
        marked = network.embed(half_sky, MESSAGE, key="k", subtle=subtle)
        changes[subtle] = 255 * np.abs(luminance(marked) - before)
        found = network.extract(marked, key="k", search="none")
        assert found.message == MESSAGE
    assert changes[True][:170].mean() < 0.3 * changes[False][:170].mean()
    assert changes[True][220:].mean() > 0.5 * changes[False][220:].mean()


def test_check_tells_of_smooth_photos(network, half_sky):
    check = network.check(half_sky, MESSAGE, key="k")
    assert check.smooth == pytest.approx(visible_share(half_sky / np.float32(255)), abs=0.05)
    assert "--subtle" in check.notes[0] and check.to_dict()["notes"] == list(check.notes)
    assert network.check(half_sky, MESSAGE, key="k", subtle=True).notes == ()
    assert network.check(data.grass()[..., None], MESSAGE, key="k").notes == ()


def test_subtle_file_is_read_back(network, half_sky, tmp_path):
    from PIL import Image

    Image.fromarray(half_sky).save(tmp_path / "a.png")
    network.embed_file(tmp_path / "a.png", tmp_path / "b.png", MESSAGE, subtle=True)
    assert network.extract(tmp_path / "b.png").message == MESSAGE
    whole = read_photo(tmp_path / "b.png")
    assert whole.pixels.shape == half_sky.shape
