import numpy as np
import pytest
import tensorflow as tf

from tfwm import attacks
from tfwm.losses import AlignmentLoss
from tfwm.losses.alignment import affine_map
from tfwm.models.stegastamp import SpatialTransformer

IDENTITY = [1, 0, 0, 0, 1, 0]


@pytest.fixture
def smooth():
    """Two photos without edges or detail, 64 x 64."""
    corners = np.random.default_rng(0).random((2, 4, 4, 3)).astype("float32")
    return tf.image.resize(corners, (64, 64), "bicubic")


def moved(attack, image, cover=None):
    attacked, positions = attack.call_with_positions(image, cover)
    return attacked, positions, affine_map(positions).numpy()


def test_nothing_moves(smooth):
    attacked, positions, maps = moved(attacks.GaussianNoise(0.1, seed=1), smooth)
    assert np.abs(attacked - smooth).max() > 0.1
    np.testing.assert_allclose(maps, [IDENTITY] * 2, atol=1e-4)
    np.testing.assert_allclose(positions[0, 0, :, 0], (np.arange(64) + 0.5) / 64, atol=1e-6)
    np.testing.assert_allclose(positions[0, :, 5, 1], (np.arange(64) + 0.5) / 64, atol=1e-6)


def test_a_crop_s_map_is_its_scale_and_place(smooth):
    attack = attacks.RandomResizedCrop((0.25, 0.25), (1, 1), seed=3)
    _, positions, maps = moved(attack, smooth)
    np.testing.assert_allclose(maps[:, [0, 1, 3, 4]], [[2, 0, 0, 2]] * 2, atol=0.1)
    # The middle of the window is where the map leads to the middle of the copy.
    for place, (a, _, c, _, e, f) in zip(positions.numpy(), maps, strict=True):
        middle = 2 * place.mean((0, 1))[:2] - 1
        np.testing.assert_allclose([a * middle[0] + c, e * middle[1] + f], 0, atol=0.05)


@pytest.mark.parametrize("fill", ["white", "cover", "edge"])
def test_the_transformer_undoes_the_attack_by_the_map(smooth, fill):
    chain = attacks.Chain(
        [
            attacks.PerspectiveWarp((0.03, 0.05), fill),
            attacks.RandomResizedCrop((0.6, 0.8)),
            attacks.GaussianNoise(0.02),
        ],
        seed=5,
    )
    attacked, _, maps = moved(chain, smooth, tf.zeros_like(smooth))
    back = SpatialTransformer()([attacked, maps])
    middle = (slice(None), slice(24, 40), slice(24, 40))
    before = np.abs(attacked - smooth)[middle].mean()
    assert np.abs(back - smooth)[middle].mean() < 0.5 * before


def test_ramps_and_choices_draw_the_same_for_image_and_positions(smooth):
    crop = attacks.Ramp(attacks.RandomResizedCrop((0.3, 0.3), (1, 1)), steps=4)
    attack = attacks.RandomChoice([crop, attacks.Identity()], [0.5, 0.5], per="image", seed=2)
    attack.build(smooth.shape)
    for step in range(6):
        attacked, positions, maps = moved(attack, smooth)
        scale = 1 / np.sqrt(1 - 0.7 * min(step / 4, 1))
        for image, cover, (a, *_), place in zip(attacked, smooth, maps, positions, strict=True):
            changed = np.abs(image - cover).max() > 1e-4
            assert a == pytest.approx(scale if changed else 1, abs=0.06)
            np.testing.assert_allclose(place[..., 2], 0.5, atol=1e-4)
    assert float(crop.step) == 6


def test_loss_is_the_logarithm_of_the_squared_difference(smooth):
    layer = AlignmentLoss("locate_map", weight=5.0)
    _, positions, maps = moved(attacks.RandomResizedCrop((0.25, 0.25), seed=1), smooth)
    loss = layer([np.zeros((2, 6), "float32"), positions])
    assert float(loss) == pytest.approx(5 * np.log(np.mean(maps**2) + 1e-5), rel=1e-4)
    assert float(layer.tracker.result()) == pytest.approx(np.mean(maps**2), rel=1e-4)


def test_nothing_left_of_the_image():
    np.testing.assert_allclose(affine_map(np.zeros((1, 8, 8, 3))), [IDENTITY], atol=1e-4)
