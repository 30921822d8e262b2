import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tfwm.data import all_pairs, list_photos, task_crops
from tfwm.data.tasks import BoneSuppression

SIDE = 256


def chest():
    """Two dark lungs in a light body."""
    image = np.full((SIDE, SIDE), 0.7)
    image[60:190, 45:110] = image[60:190, 145:210] = 0.3
    return ndimage.gaussian_filter(image, 3)


def waves(cycles, angle):
    """A wave of this many cycles a side whose crests run at an angle to the horizontal."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    angle = np.radians(angle)
    return 0.03 * np.sin(2 * np.pi * cycles * (np.cos(angle) * y + np.sin(angle) * x))


def remains(added, **arguments):
    """The share of what was added that the target still has within the lungs."""
    task = BoneSuppression(**arguments)
    with_it, without = (
        np.asarray(task.pair(image.astype(np.float32)[..., None], (0, 0))[1])[..., 0]
        for image in (chest() + added, chest())
    )
    inside = (slice(85, 165), slice(60, 95))
    return np.sum((with_it - without)[inside] * added[inside]) / np.sum(added[inside] ** 2)


@pytest.mark.parametrize("cycles, angle", [(12, 0), (14, 30), (14, -30), (24, 20)])
def test_ribs_go(cycles, angle):
    assert remains(waves(cycles, angle)) < 0.3


@pytest.mark.parametrize("cycles, angle", [(14, 90), (20, 75), (3, 0), (90, 0)])
def test_upright_coarse_and_fine_structures_stay(cycles, angle):
    assert remains(waves(cycles, angle)) > 0.9


def test_the_strength_and_edges_of_high_contrast():
    assert remains(waves(14, 20), strength=0.0) == pytest.approx(1, abs=1e-3)
    half = remains(waves(14, 20), strength=0.45)
    assert half - 0.5 == pytest.approx((remains(waves(14, 20)) - 0) / 2, abs=0.02)
    assert remains(8 * waves(14, 20)) > 0.8


@pytest.fixture(scope="module")
def radiographs(shared):
    files = list_photos(shared / "data/chestxray256/No_findings")[:300:30]
    return [Image.open(file).convert("L") for file in files]


def pair(image):
    photo = np.asarray(image, np.float32)[..., None] / 255
    return [np.asarray(x)[..., 0] for x in BoneSuppression().pair(photo, (0, 0))]


def test_radiographs_lose_ribs_and_keep_their_tissue(radiographs):
    lost, kept = [], []
    for image in radiographs:
        photo, target = pair(image)
        changed = ndimage.gaussian_filter(np.abs(target - photo), 8)
        lungs = changed > 0.5 * changed.max()
        # Second derivatives down, of ribs' size, and right: others than the task's own filter.
        before, after = (ndimage.gaussian_filter(x, (3, 3), (2, 0))[lungs] for x in (photo, target))
        lost.append(after.std() / before.std())
        before, after = (ndimage.gaussian_filter(x, (3, 3), (0, 2))[lungs] for x in (photo, target))
        kept.append(after.std() / before.std())
        tissue = ndimage.gaussian_filter(photo - target, 0.06 * SIDE)
        assert np.abs(tissue).max() < 0.01
        assert 0.02 < lungs.mean() < 0.4
        np.testing.assert_allclose(target[:, :8], photo[:, :8], atol=0.01)
    assert np.mean(lost) < 0.5 and np.mean(kept) > 0.75


def test_the_same_at_another_size(radiographs):
    changes = []
    for image in (radiographs[0], radiographs[0].resize((192, 192), Image.BICUBIC)):
        photo, target = pair(image)
        change = Image.fromarray(target - photo).resize((96, 96), Image.BOX)
        changes.append(np.asarray(change).ravel())
    assert np.corrcoef(*changes)[0, 1] > 0.97


def test_crops_of_pairs_of_whole_radiographs(radiographs):
    whole, cut = BoneSuppression(strength=0.5), BoneSuppression(strength=0.5, cut=True)
    image = np.asarray(radiographs[0])[..., None]
    read, opened = cut.read(image), cut.open([image])
    np.testing.assert_array_equal(read[0], opened[0])
    crop = task_crops(read, cut, 64, per_photo=1)
    pair = [np.asarray(x[0]) for x in all_pairs(crop, cut)]
    expected = [np.asarray(x) for x in whole.pair(image.astype(np.float32) / 255, (0, 0))]
    places = np.argwhere(
        [
            [np.abs(expected[0][y : y + 64, x : x + 64] - pair[0]).max() < 0.01 for x in range(193)]
            for y in range(193)
        ]
    )
    ((top, left),) = places
    found = expected[1][top : top + 64, left : left + 64]
    np.testing.assert_allclose(pair[1], found, atol=0.003)
