"""The named chains of StegaStamp and CropDefender."""

import tomllib
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import Chain, PerspectiveWarp, Ramp, crop_chain, printed_photo
from tfwm.recipes.parts import attack_names, build_attack
from tfwm.training import ConfigError


def parts(chain):
    return [part.attack if isinstance(part, Ramp) else part for part in chain.attacks]


def names(chain):
    return [type(part).__name__ for part in parts(chain)]


CAMERA = ["PerspectiveWarp", "RandomChoice", "GaussianNoise", "Brightness", "Hue", "Saturation"]


def test_order_of_the_papers():
    assert names(printed_photo()) == [*CAMERA, "JPEG"]
    assert names(crop_chain()) == [*CAMERA, "RandomResizedCrop"]
    assert names(crop_chain(quality=50)) == [*CAMERA, "JPEG", "RandomResizedCrop"]
    assert names(printed_photo(perspective=0)) == [*CAMERA[1:], "JPEG"]


def test_ramps_of_the_papers():
    steps = {
        type(p.attack).__name__: p.steps
        for p in crop_chain(quality=50).attacks
        if p.name[:4] == "ramp"
    }
    slow = {"PerspectiveWarp": 10_000, "RandomResizedCrop": 20_000}
    assert steps == dict.fromkeys([*CAMERA[2:], "JPEG"], 1_000) | slow
    assert not any(isinstance(part, Ramp) for part in printed_photo(ramp=0).attacks)


def test_arguments_reach_their_attacks():
    warp, *_, jpeg, crop = parts(crop_chain(0.8, 0.05, 70, "edge"))
    assert (warp.offset, warp.fill) == ((0.0, 0.05), "edge")
    assert jpeg.quality == (70, 100) and jpeg.subsampling == "4:2:0"
    assert crop.area == (0.8, 1.0)
    assert parts(printed_photo())[0].fill == "white"
    for factor, sigma, size in ((1.0, (1.0, 3.0), 7), (0.5, (0.5, 1.5), 3), (0.3, (0.3, 0.9), 3)):
        gaussian, motion, _ = parts(printed_photo(blur=factor))[1].attacks
        assert gaussian.sigma == pytest.approx(sigma)
        assert (gaussian.size, motion.size) == (size, size)


@pytest.mark.parametrize(
    "attack, jit",
    [
        (printed_photo(ramp=0, seed=2), False),
        (crop_chain(ramp=0, seed=2), False),
        pytest.param(crop_chain(quality=50, ramp=0, seed=2), True, marks=pytest.mark.slow),
    ],
)
def test_chain_damages_and_lets_gradients_through(attack, jit, photo):
    image = tf.constant(np.concatenate([photo[:, :32, :48], photo[:, 90:122, 60:108]]))

    @tf.function(jit_compile=jit)
    def step(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            attacked = attack(image, cover=image)
            loss = tf.reduce_sum(tf.cos(20 * attacked))
        return attacked, tape.gradient(loss, image)

    for _ in range(4):
        attacked, slope = step(image)
        assert attacked.shape == image.shape and np.isfinite(attacked).all()
        assert 0.03 < np.abs(attacked - image).mean() < 0.6
        assert np.isfinite(slope).all()
        assert (np.abs(slope).mean(axis=(1, 2, 3)) > 0.01).all()


def test_chain_begins_with_blur_alone(photo):
    image = photo[:, :64, :64]
    attack = printed_photo(seed=1)
    # JPEG 100 is left, and a blur in half of the calls.
    errors = [np.abs(attack(image, training=False) - image).mean() for _ in range(12)]
    assert 3 <= sum(error < 0.004 for error in errors) <= 9
    assert max(errors) < 0.1


def test_chain_is_saved_and_resumed(photo, tmp_path):
    image = photo[:, :16, :16]

    def make():
        inputs = keras.Input((16, 16, 3))
        return keras.Model(inputs, printed_photo(ramp=20, seed=1)(inputs))

    model, resumed = make(), make()
    for _ in range(5):
        model(image, training=True)
    model.save_weights(tmp_path / "model.weights.h5")
    resumed.load_weights(tmp_path / "model.weights.h5")
    assert [float(w.numpy()) for w in resumed.weights if w.path.endswith("step")] == [5.0] * 6
    np.testing.assert_array_equal(model(image, training=True), resumed(image, training=True))


RECIPE = """
attacks = [
    { name = "printed_photo", quality = 70, fill = "edge", ramp = 100, weight = 2 },
    { name = "crop_chain", area = 0.7 },
    { name = "Ramp", steps = 50, attack = { name = "PerspectiveWarp", offset = [0.0, 0.05] } },
]
"""


def test_sets_and_ramps_are_tables_of_a_recipe(photo):
    tables = tomllib.loads(RECIPE)["attacks"]
    config = SimpleNamespace(rounding_noise=0.0, seed=1)
    chain = build_attack(config, tables, "batch")
    printed, cropped, ramp = chain.attacks[0].attacks
    assert isinstance(printed, Chain) and printed.attacks[0].steps == 100
    assert isinstance(cropped, Chain)
    assert isinstance(ramp.attack, PerspectiveWarp) and ramp.attack.offset == (0.0, 0.05)
    assert np.isfinite(chain(photo[:, :32, :32], cover=photo[:, :32, :32])).all()
    assert attack_names(tables) == ["printed_photo", "crop_chain", "PerspectiveWarp"]
    with pytest.raises(ConfigError, match="printed_photo"):
        build_attack(config, [{"name": "printed_foto"}], "batch")
    with pytest.raises(ConfigError, match="offset"):
        build_attack(config, [{"name": "printed_photo", "perspective": 0.5}], "batch")
