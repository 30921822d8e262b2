import numpy as np
import pytest
from removal import (
    POST_PROCESSING,
    average_copies,
    cost,
    denoise,
    overwrite,
    post_process,
    subtract_average,
    subtract_by_brightness,
)

from tfwm.distortions import distort
from tfwm.images import psnr
from tfwm.models import barrier as models
from tfwm.protection import Barrier


def test_cost_is_the_mean_psnr():
    images = np.full((2, 16, 16, 3), 100, np.uint8)
    changed = images.copy()
    changed[0] += 10
    assert cost(images, changed) == pytest.approx((100 + 20 * np.log10(25.5)) / 2)


@pytest.mark.parametrize(("name", "level"), POST_PROCESSING)
def test_post_processing_is_that_of_the_suites(photos, name, level):
    few = photos[:2]
    damaged = post_process(few, name, level, seed=3)
    expected = distort(name, few[1], level, np.random.default_rng([3, 1]))
    np.testing.assert_array_equal(damaged[1], expected)
    assert damaged.shape == few.shape and (damaged != few).any()
    gray = few[..., :1]
    assert post_process(gray, name, level).shape == gray.shape


def test_post_processing_keeps_size_and_type(photos):
    with pytest.raises(ValueError, match="keeps the size. Received: name='scale'"):
        post_process(photos, "scale", 0.5)
    for images in (photos / 255, photos[0], photos[:0]):
        with pytest.raises(ValueError, match="Expected uint8 images"):
            post_process(images, "jpeg", 50)


@pytest.mark.parametrize(("method", "level"), [("nl_means", 8), ("tv", 10)])
def test_denoising_brings_photos_nearer_to_what_they_were(photos, method, level):
    few = photos[:8]
    noisy = post_process(few, "gaussian_noise", 12)
    assert cost(few, denoise(noisy, method, level)) > cost(few, noisy) + 0.5
    assert denoise(few[..., :1], method, level).shape == (8, 32, 32, 1)


def test_denoising_bad_arguments(photos):
    with pytest.raises(ValueError, match="method='median'"):
        denoise(photos, "median")
    with pytest.raises(ValueError, match="level=0"):
        denoise(photos, level=0)


def test_average_takes_a_common_mark_away(mark, photos, marked):
    few = marked[:8]
    before = mark.similarity(few).mean()
    cleaned = [subtract_average(few, marked[:n]) for n in (4, 96)]
    assert before > 0.7
    assert all(mark.similarity(images).mean() < 0.4 for images in cleaned)
    # It takes the mark, not the photo: nearer to the cover, and the more are held the nearer.
    qualities = [cost(photos[:8], images) for images in (few, *cleaned)]
    assert qualities[0] + 3 < qualities[1] and qualities[1] + 2 < qualities[2]
    smoothed = subtract_average(few, marked, lambda images: denoise(images, level=10))
    assert mark.similarity(smoothed).mean() < before - 0.1


def test_average_leaves_marks_that_depend_on_the_photo(photos):
    rng = np.random.default_rng(0)
    noise = 10 * rng.choice([-1.0, 1.0], photos.shape)
    marked = np.uint8(np.clip(photos + noise, 0, 255))
    cleaned = subtract_average(marked[:8], marked[8:])
    changes = cleaned - photos[:8].astype(float)
    kept = [np.corrcoef(c.ravel(), n.ravel())[0, 1] for c, n in zip(changes, noise, strict=False)]
    assert min(kept) > 0.7


def test_average_needs_one_size(photos):
    with pytest.raises(ValueError, match="held images of the shape"):
        subtract_average(photos, photos[:, :16])


def test_copies_are_averaged(photos):
    rng = np.random.default_rng(0)
    copies = [np.uint8(np.clip(photos + rng.normal(0, 8, photos.shape), 0, 255)) for _ in range(4)]
    mean = average_copies(copies)
    # Noise of four has half the deviation: 6 dB.
    gain = cost(photos, mean) - np.mean([cost(photos, copy) for copy in copies])
    assert gain == pytest.approx(6, abs=0.5)
    for wrong in (copies[:1], [copies[0], copies[1][:5]]):
        with pytest.raises(ValueError, match="two or more"):
            average_copies(wrong)


def test_overwriting(photos):
    embedder = models.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
    # Untrained, it sees little of the watermark.
    embedder.set_weights([5 * weight for weight in embedder.get_weights()])
    extractor = models.build_extractor(3, 1, width=4, dilations=(1,), output="sigmoid")
    barrier = Barrier(embedder, extractor, np.zeros((32, 32, 1)), "test")
    few = photos[:2]
    again = overwrite(few, barrier)
    np.testing.assert_allclose(again, 255 * barrier.mark(few), atol=0.51)
    other = overwrite(few, barrier, np.ones((32, 32, 1)))
    assert (other != again).any() and psnr(few[0], other[0]) > 19.9
    assert (barrier.watermark == 0).all()
    with pytest.raises(ValueError, match="the barrier's shape"):
        overwrite(few, barrier, np.ones((16, 16, 1)))


def test_a_mark_that_follows_brightness_is_averaged_by_it():
    rng = np.random.default_rng(0)
    photos = rng.integers(60, 80, (96, 32, 32, 1)).astype(float)
    photos += rng.integers(0, 2, (96, 1, 1, 1)) * 90
    stripes = 4.0 * (-1.0) ** np.arange(32).reshape(1, 32, 1, 1)
    marked = np.uint8(
        photos + np.where(photos.mean((1, 2, 3), keepdims=True) > 100, 1, -1) * stripes
    )
    left = [
        np.abs((cleaned - photos).mean(axis=(2, 3))).mean()
        for cleaned in (subtract_average(marked, marked), subtract_by_brightness(marked, marked))
    ]
    assert left[0] > 3 and left[1] < 1
    with pytest.raises(ValueError, match="uint8"):
        subtract_by_brightness(photos, marked)
