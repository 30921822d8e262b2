import numpy as np
import pytest

from tfwm.protection import load_barrier


def test_marks_and_reads_any_size(barrier, images):
    marked = barrier.mark(images)
    assert marked.shape == images.shape and 0 < np.abs(marked - images).max() < 0.11
    assert barrier.read(marked).shape == (3, 32, 32, 1)
    similarity = barrier.similarity(marked)
    assert similarity.shape == (3,) and (np.abs(similarity) <= 1).all()


def test_bytes_are_levels_of_255(barrier, images):
    pixels = np.uint8(np.round(images * 255))
    np.testing.assert_allclose(barrier.mark(pixels), barrier.mark(pixels / 255), atol=1e-6)


def test_many_images_are_marked_like_each(barrier, images):
    many = np.concatenate([images] * 7)
    np.testing.assert_allclose(barrier.mark(many)[-3:], barrier.mark(images), atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 56, 3), (0, 40, 56, 3)])
def test_bad_images(barrier, shape):
    with pytest.raises(ValueError, match="Expected images"):
        barrier.mark(np.zeros(shape, np.float32))


def test_other_networks_are_no_barriers():
    with pytest.raises(ValueError, match="Expected a barrier"):
        load_barrier("redmark-mt")
