import numpy as np
import pytest
from scipy import ndimage

from tfwm.data import read_photos
from tfwm.data.tasks import Derain

SHAPE = np.array((300, 400))


def streaks(seed=1, **arguments):
    arguments = {"angle": 0.0, "width": 1.0, "length": 21.0, **arguments}
    return np.asarray(Derain(**arguments).streaks(SHAPE, (0, seed)))[..., 0]


@pytest.mark.parametrize("density", [0.05, 0.2, 0.45])
def test_streaks_cover_the_density(density):
    covered = np.mean([(streaks(seed, density=density) > 0).mean() for seed in range(4)])
    assert covered == pytest.approx(density, rel=0.03)


def test_a_streak_is_a_line_of_the_length_and_half_bright_at_least():
    layer = streaks(density=0.01)
    labels, _ = ndimage.label(layer > 0)
    boxes = ndimage.find_objects(labels)
    sizes = [(box[0].stop - box[0].start, box[1].stop - box[1].start) for box in boxes]
    assert max(set(sizes), key=sizes.count) == (21, 1)  # those that touch no other nor the border
    assert 0.5 <= layer[layer > 0].min() < 0.6 and layer.max() <= 1


@pytest.mark.parametrize("angle", [-25.0, 0.0, 30.0])
def test_streaks_run_in_the_direction(angle):
    layer = ndimage.gaussian_filter(streaks(density=0.1, angle=angle), 1.5)
    down, right = (ndimage.sobel(layer, axis) for axis in (0, 1))
    along = np.linalg.eigh(np.cov(down.ravel(), right.ravel()))[1][:, 0]
    assert np.degrees(np.arctan(along[1] / along[0])) == pytest.approx(angle, abs=2)


def test_wider_streaks_of_the_same_length():
    labels, _ = ndimage.label(streaks(density=0.01, width=3.0) > 0.25)
    boxes = ndimage.find_objects(labels)
    sizes = np.array([(b[0].stop - b[0].start, b[1].stop - b[1].start) for b in boxes])
    assert np.median(sizes[:, 0]) == pytest.approx(21, abs=1)
    assert np.median(sizes[:, 1]) == pytest.approx(3, abs=1)


def test_haze_and_blending(gray_photo):
    photo = gray_photo[0]
    none, _ = Derain(1, density=0.0, haze=0.25).pair(photo, (0, 1))
    np.testing.assert_allclose(none, photo + 0.25 * (0.8 - photo), atol=1e-6)
    arguments = {"density": 0.2, "brightness": 0.5, "haze": 0.0}
    screen, target = Derain(1, **arguments).pair(photo, (0, 1))
    added, _ = Derain(1, **arguments, blend="add").pair(photo, (0, 1))
    np.testing.assert_array_equal(target, photo)
    dark = photo < 0.4  # where the sum is not clipped
    rain = (added.numpy() - photo)[dark]
    assert rain.max() == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_allclose(screen.numpy()[dark], 1 - (1 - photo[dark]) * (1 - rain), atol=1e-6)


def test_density_names_on_photos(shared):
    photos = [p[:256, :256] / 255 for p in read_photos(shared / "data/photos400")[::35]]
    mean = {}
    for name in ("light", "medium", "heavy"):
        task = Derain(density=name)
        errors = [np.mean(np.diff(task.pair(p, (0, i)), axis=0) ** 2) for i, p in enumerate(photos)]
        mean[name] = np.mean(-10 * np.log10(errors))
    assert 29 > mean["light"] > mean["medium"] + 2 > mean["heavy"] + 4 > 19
