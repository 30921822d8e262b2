import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.training import FineTuned, KeyedTrainer

BITS = 16


@keras.saving.register_keras_serializable(package="test")
class Echo(keras.Model):
    """An "extractor" that gives the image's mean and the key's."""

    def call(self, inputs):
        image = keras.ops.mean(inputs["image"], axis=(1, 2, 3), keepdims=True)
        key = keras.ops.mean(inputs["key"], axis=1)[:, None, None, None]
        return keras.ops.concatenate([image, key], axis=-1)


def make(**arguments):
    host = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)])
    key = np.tile([0.0, 1.0], BITS // 2)
    arguments = {"extractor": Echo(), "watermark": np.ones((1, 1, 2)), "key": key, **arguments}
    trainer = KeyedTrainer(host, flipped_bits=4, seed=0, **arguments)
    names = {"output": 1.0, "marked": 1.0, "unmarked": 0.5, "wrong_key": 0.5}
    trainer.compile("adam", loss=dict.fromkeys(names, "mae"), loss_weights=names)
    return trainer


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    shape = (8, 8, 8, 3)
    return {"input": rng.random(shape, "float32"), "target": rng.random(shape, "float32")}


def test_who_reads_what_with_which_key(pairs):
    trainer = make()
    outputs = {name: np.asarray(value) for name, value in trainer(pairs).items()}
    image = outputs["output"].mean((1, 2, 3))
    np.testing.assert_allclose(
        outputs["marked"][:, 0, 0], np.stack([image, 0 * image + 0.5], -1), rtol=1e-5
    )
    target = pairs["target"].mean((1, 2, 3))
    np.testing.assert_allclose(outputs["unmarked"][:, 0, 0, 0], target, rtol=1e-5)
    np.testing.assert_allclose(outputs["wrong_key"][:, 0, 0, 0], image, rtol=1e-5)
    pairs["unmarked"] = np.zeros_like(pairs["target"])
    assert not np.asarray(trainer(pairs)["unmarked"])[..., 0].any()


def test_losses_are_the_paper_s(pairs):
    trainer = make(blank=0.5)
    logs = trainer.evaluate(pairs, batch_size=8, verbose=0, return_dict=True)
    outputs = {name: np.asarray(value) for name, value in trainer(pairs).items()}
    assert logs["output_loss"] == pytest.approx(
        np.abs(outputs["output"] - pairs["target"]).mean(), rel=1e-4
    )
    assert logs["marked_loss"] == pytest.approx(np.abs(outputs["marked"] - 1).mean(), rel=1e-4)
    assert logs["unmarked_loss"] == pytest.approx(
        np.abs(outputs["unmarked"] - 0.5).mean(), rel=1e-4
    )
    parts = [logs[f"{name}_loss"] for name in ("output", "marked", "unmarked", "wrong_key")]
    assert logs["loss"] == pytest.approx(np.dot(parts, [1, 1, 0.5, 0.5]), rel=1e-4)


@pytest.mark.parametrize("step, factor", [(0, 9), (5, 5), (10, 1), (20, 1)])
def test_gain_multiplies_what_the_host_is_told_of_the_mark(pairs, step, factor):
    def gradients(**arguments):
        trainer = make(**arguments)
        trainer(pairs)
        if "gain" in arguments:
            trainer.step.assign(step)
        with tf.GradientTape() as tape:
            outputs = trainer(pairs, training=True)
            loss = tf.reduce_sum(outputs["marked"])
        return outputs["marked"].numpy(), tape.gradient(loss, trainer.host.trainable_variables)

    keras.utils.set_random_seed(0)
    read, plain = gradients()
    keras.utils.set_random_seed(0)
    read_too, multiplied = gradients(gain=9, gain_steps=10)
    np.testing.assert_array_equal(read, read_too)
    for a, b in zip(plain, multiplied, strict=True):
        np.testing.assert_allclose(b, factor * a, rtol=1e-4)


def test_host_and_extractor_learn(pairs):
    extractor_inputs = {
        "image": keras.Input((8, 8, 3), name="image"),
        "key": keras.Input((BITS,), name="key"),
    }
    features = keras.layers.GlobalAveragePooling2D()(extractor_inputs["image"])
    joined = keras.layers.Concatenate()([features, extractor_inputs["key"]])
    read = keras.layers.Reshape((1, 1, 2))(keras.layers.Dense(2)(joined))
    trainer = make(extractor=keras.Model(extractor_inputs, read))
    before = trainer.host.get_weights() + trainer.extractor.get_weights()
    trainer.fit(pairs, batch_size=4, epochs=2, verbose=0)
    after = trainer.host.get_weights() + trainer.extractor.get_weights()
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))


def test_saves_and_loads(pairs, tmp_path):
    trainer = make()
    trainer(pairs)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    np.testing.assert_array_equal(loaded.key, trainer.key)
    np.testing.assert_allclose(loaded(pairs)["output"], trainer(pairs)["output"], atol=1e-6)


@pytest.mark.parametrize("key", [np.zeros((4, 4)), np.full(8, 0.5)])
def test_keys_are_bits(key):
    with pytest.raises(ValueError, match="key of 0 and 1"):
        make(key=key)


@pytest.mark.parametrize("arguments", [{"gain": 0.5}, {"gain_steps": 0}])
def test_bad_gain(arguments):
    with pytest.raises(ValueError, match="gain and gain_steps of at least 1"):
        make(**arguments)


def test_what_is_read_after_fine_tuning(pairs):
    trainer = make()
    tuned = FineTuned(trainer.host, "mae", 10, 0.1)
    trainer = KeyedTrainer(
        trainer.host, Echo(), trainer.watermark, trainer.key, fine_tuned=tuned, seed=0
    )
    names = ("output", "marked", "unmarked", "wrong_key", "fine_tuned")
    trainer.compile("adam", loss=dict.fromkeys(names, "mae"))
    first, second = (trainer(pairs, training=True) for _ in range(2))
    np.testing.assert_array_equal(first["fine_tuned"], first["marked"])
    assert np.abs(second["fine_tuned"] - second["marked"]).max() > 0.01
    # In use and in validation nobody has tuned the host.
    outputs = trainer(pairs, training=False)
    np.testing.assert_array_equal(outputs["fine_tuned"], outputs["marked"])
    assert float(np.asarray(tuned.taken)) == 2
    assert set(trainer.targets(pairs, outputs)) == set(names)
    assert "fine_tuned" not in make()(pairs, training=True)
