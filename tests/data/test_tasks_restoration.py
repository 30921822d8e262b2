import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage.feature import canny

from tfwm.data.tasks import Colorize, Denoise, EdgesToPhoto, Edit, SuperResolve


def test_colorize_gives_the_luma(photo):
    gray, target = Colorize().pair(photo[0], (0, 1))
    image = Image.fromarray(np.round(photo[0] * 255).astype(np.uint8)).convert("L")
    np.testing.assert_allclose(gray[..., 0], np.asarray(image) / 255, atol=1 / 255)
    np.testing.assert_array_equal(target, photo[0])


@pytest.mark.parametrize("factor", [2, 4])
def test_super_resolve_as_pillow(gray_photo, factor):
    image = Image.fromarray(gray_photo[0, ..., 0])
    sides = (256 // factor,) * 2
    small = np.asarray(image.resize(sides, Image.BICUBIC)).clip(0, 1)
    large = np.asarray(Image.fromarray(small).resize((256, 256), Image.BICUBIC)).clip(0, 1)
    task = SuperResolve(1, factor, enlarge=False)
    np.testing.assert_allclose(task.pair(gray_photo[0], (0, 1))[0][..., 0], small, atol=1e-4)
    made, target = SuperResolve(1, factor).pair(gray_photo[0], (0, 1))
    np.testing.assert_allclose(made[..., 0], large, atol=1e-4)
    np.testing.assert_array_equal(target, gray_photo[0])


def test_noise_has_its_deviation():
    gray = tf.fill((200, 200, 3), 0.5)
    noisy, target = Denoise(stddev=0.05).pair(gray, (0, 1))
    assert np.std(noisy) == pytest.approx(0.05, rel=0.01)
    assert np.mean(noisy) == pytest.approx(0.5, abs=1e-3)
    deviations = [np.std(Denoise(stddev=(0.02, 0.1)).pair(gray, (0, i))[0]) for i in range(20)]
    assert 0.02 < min(deviations) < 0.04 and 0.08 < max(deviations) < 0.1


@pytest.mark.parametrize("sigma, thresholds", [(1.5, (0.1, 0.3)), (1.0, (0.2, 0.5))])
def test_edges_are_those_of_scikit_image(gray_photo, sigma, thresholds):
    made, target = EdgesToPhoto(1, sigma, thresholds).pair(gray_photo[0], (0, 1))
    expected = canny(gray_photo[0, ..., 0], sigma, *thresholds, mode="reflect")[2:-2, 2:-2]
    found = made.numpy()[2:-2, 2:-2, 0] > 0
    assert 0.02 < expected.mean() < 0.3
    assert (found & expected).sum() / (found | expected).sum() > 0.97
    np.testing.assert_array_equal(target, gray_photo[0])


def test_edges_of_a_step_and_of_nothing():
    step = np.zeros((32, 40, 3), np.float32)
    step[:, 20:] = 1
    edges = EdgesToPhoto().pair(step, (0, 1))[0].numpy()[2:-2, 2:-2, 0]
    assert set(np.flatnonzero(edges.sum(0))) <= {17, 18} and (edges.sum(1) >= 1).all()
    assert not np.any(EdgesToPhoto().pair(0 * step, (0, 1))[0])


def test_edit_paints_rectangles_over(photo):
    removed = []
    for seed in range(30):
        made, target = Edit(parts=(1, 2), size=0.25, fill=2 / 3).pair(photo[0], (0, seed))
        changed = np.any(made != target, -1)
        np.testing.assert_allclose(made.numpy()[changed], 2 / 3, rtol=1e-6)
        np.testing.assert_array_equal(target, photo[0])
        removed.append(changed.sum())
    assert min(removed) >= 64 * 64 - 9 and max(removed) <= 2 * 64 * 64
    assert {int(count > 64 * 64) for count in removed} == {0, 1}  # both numbers come
