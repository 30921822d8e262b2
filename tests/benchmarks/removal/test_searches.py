import numpy as np
import pytest
import tensorflow as tf
from removal import remove_by_gradients, remove_by_queries

from tfwm.images import psnr


def test_gradients_blank_the_mark_within_the_psnr(mark, photos, marked):
    few = marked[:20]  # more than a batch
    before = mark.similarity(few)
    assert before.mean() > 0.7 and np.abs(mark.similarity(photos[:20]).mean()) < 0.2
    weak, strong = (
        remove_by_gradients(few, mark.read_tensor, mark.watermark, budget, 10)
        for budget in (40, 25)
    )
    assert min(map(psnr, few, weak)) >= 40 and min(map(psnr, few, strong)) >= 25
    assert np.abs(mark.similarity(strong)).max() < 0.1
    assert (mark.similarity(weak) < before).all()
    assert mark.similarity(weak).mean() > np.abs(mark.similarity(strong)).mean()


def test_gradients_of_nothing_change_nothing(mark, marked):
    same = remove_by_gradients(marked[:2], lambda x: 0 * x[..., :1] + 0.5, mark.watermark, 40)
    np.testing.assert_array_equal(same, marked[:2])


def test_queries_lower_the_similarity_within_the_psnr(mark, marked):
    few = marked[:4]
    before = mark.similarity(few)
    mark.asked = 0
    attacked = remove_by_queries(few, mark.similarity, psnr=28, queries=80)
    assert mark.asked == 81
    assert min(map(psnr, few, attacked)) >= 28
    after = mark.similarity(attacked)
    assert (np.abs(after) <= np.abs(before)).all() and after.mean() < before.mean() - 0.05
    again = remove_by_queries(few, mark.similarity, psnr=28, queries=80)
    np.testing.assert_array_equal(attacked, again)
    other = remove_by_queries(few, mark.similarity, psnr=28, queries=80, seed=1)
    assert (attacked != other).any()


def test_queries_change_gray_levels_by_one_size():
    images = np.full((3, 16, 16, 1), 100, np.uint8)
    attacked = remove_by_queries(images, lambda x: x.std((1, 2, 3)) - 9, psnr=40, queries=3)
    assert set(np.unique(attacked)) <= {98, 100, 102}


@pytest.mark.parametrize("budget", [0, 120])
def test_bad_budgets(mark, marked, budget):
    with pytest.raises(ValueError, match=f"psnr={budget}"):
        remove_by_gradients(marked, mark.read_tensor, mark.watermark, budget)
    with pytest.raises(ValueError, match=f"psnr={budget}"):
        remove_by_queries(marked, mark.similarity, budget)


def test_bad_counts(mark, marked):
    with pytest.raises(ValueError, match="steps=0"):
        remove_by_gradients(marked, tf.identity, mark.watermark, steps=0)
    with pytest.raises(ValueError, match="psnr=49"):
        remove_by_queries(marked, mark.similarity, psnr=49)
    with pytest.raises(ValueError, match="queries=0"):
        remove_by_queries(marked, mark.similarity, queries=0)
