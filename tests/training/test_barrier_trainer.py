import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import GaussianNoise, Ramp
from tfwm.losses import AdversarialLoss
from tfwm.models import barrier
from tfwm.models.critic import build_patch_critic
from tfwm.training import BarrierTrainer, Carrier, Innocent
from tfwm.training.carrier import common_part, learnable_part

SIZE = 16
WATERMARK = np.random.default_rng(0).random((SIZE, SIZE, 1)).astype("float32")


class Constant(keras.Model):
    """An "extractor" that reads the image's first channel."""

    def call(self, image):
        return image[..., :1]


def make(surrogate=None, **arguments):
    embedder = barrier.build_embedder(3, 1, width=4, depth=2, residual_limit=0.2)
    extractor = arguments.pop("extractor", None) or barrier.build_extractor(
        3, 1, width=4, halvings=1, dilations=(1,), output="sigmoid"
    )
    trainer = BarrierTrainer(embedder, extractor, WATERMARK, surrogate=surrogate, **arguments)
    names = ("watermarked", "extracted", "clean", "consistency", *["surrogate"] * bool(surrogate))
    trainer.compile(keras.optimizers.Adam(1e-2), loss=dict.fromkeys(names, "mse"))
    return trainer


@pytest.fixture
def pairs():
    rng = np.random.default_rng(1)
    shape = (8, SIZE, SIZE, 3)
    return {"input": rng.random(shape, "float32"), "target": rng.random(shape, "float32")}


def test_outputs_are_those_of_the_equations(pairs):
    trainer = make(extractor=Constant())
    outputs = trainer(pairs)
    marked = outputs["watermarked"]
    np.testing.assert_allclose(outputs["extracted"], marked[..., :1])
    both = np.concatenate([pairs["input"], pairs["target"]])
    np.testing.assert_allclose(outputs["clean"], both[..., :1])
    read = np.asarray(outputs["extracted"])
    np.testing.assert_allclose(outputs["consistency"], read - read.mean(0), atol=1e-6)
    # The mean over all pairs of equation 10 is twice that of the distance to the mean.
    pairwise = np.mean([np.mean((a - b) ** 2) for a in read for b in read])
    assert pairwise == pytest.approx(2 * np.mean(np.square(outputs["consistency"])), rel=1e-4)


def test_losses_compare_with_watermark_and_blank(pairs):
    trainer = make(extractor=Constant(), blank=0.25)
    logs = trainer.evaluate(pairs, batch_size=8, verbose=0, return_dict=True)
    outputs = {key: np.asarray(value) for key, value in trainer(pairs).items()}
    known = {
        "watermarked": outputs["watermarked"] - pairs["target"],
        "extracted": outputs["extracted"] - WATERMARK,
        "clean": outputs["clean"] - 0.25,
    }
    for name, error in known.items():
        assert logs[f"{name}_loss"] == pytest.approx(np.mean(error**2), rel=1e-4)


def test_what_repeats_itself_is_read_alone(pairs):
    """Patterns of the period and constants are kept whole, others and single images' averaged."""
    trainer = make(extractor=Constant(), period=4)
    outputs = trainer(pairs)
    residual = np.asarray(outputs["watermarked"]) - pairs["target"]
    tiles = residual.reshape(8, SIZE // 4, 4, SIZE // 4, 4, 3)
    pattern = np.tile(tiles.mean((0, 1, 3)), (SIZE // 4, SIZE // 4, 1))
    expected = (pairs["target"] + pattern)[..., :1]
    np.testing.assert_allclose(outputs["copied"], expected, atol=1e-6)


def test_clean_images_are_attacked_too(pairs):
    trainer = make(extractor=Constant(), attack=GaussianNoise(0.1))
    read = np.asarray(trainer(pairs, training=True)["clean"])
    both = np.concatenate([pairs["input"], pairs["target"]])[..., :1]
    assert np.std(read - both) == pytest.approx(0.1, rel=0.2)


def test_initial_stage_trains_both_and_the_critic(pairs):
    adversary = AdversarialLoss(build_patch_critic(3, width=4, depth=2), 0.01)
    trainer = make(adversary=adversary)
    parts = (trainer.embedder, trainer.extractor, adversary.critic)
    trainer(pairs)
    before = [[w.numpy() for w in part.trainable_variables] for part in parts]
    trainer.fit(pairs, batch_size=4, verbose=0)
    for part, weights in zip(parts, before, strict=True):
        changed = [
            np.any(w != v.numpy()) for w, v in zip(weights, part.trainable_variables, strict=True)
        ]
        assert np.mean(changed) > 0.9


def test_second_stage_trains_the_extractor_alone(pairs):
    surrogate = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(3, 1)])
    trainer = make(surrogate)
    trainer.embedder.trainable = False
    frozen = [w.copy() for w in (*trainer.embedder.get_weights(), *surrogate.get_weights())]
    before = trainer.extractor.get_weights()
    logs = trainer.fit(pairs, batch_size=4, verbose=0).history
    after = (*trainer.embedder.get_weights(), *surrogate.get_weights())
    for a, b in zip(frozen, after, strict=True):
        np.testing.assert_array_equal(a, b)
    changed = zip(before, trainer.extractor.get_weights(), strict=True)
    assert any(np.any(a != b) for a, b in changed)
    assert logs["surrogate_loss"][0] > 0


def test_an_unrelated_network_s_outputs_are_clean(pairs):
    unrelated = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(3, 1)])
    trainer = make(unrelated=unrelated, extractor=Constant())
    clean = np.asarray(trainer(pairs)["clean"])
    assert clean.shape[0] == 24 and not unrelated.trainable
    np.testing.assert_allclose(clean[16:], unrelated(pairs["input"])[..., :1], atol=1e-6)


def test_outputs_of_innocent_networks_are_clean_in_training(pairs):
    network = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1)])
    trainer = make(extractor=Constant(), innocent=[Innocent(network, "mse")])
    trainer.build({key: value.shape for key, value in pairs.items()})
    both = [pairs["input"][..., :1], pairs["target"][..., :1]]
    np.testing.assert_allclose(trainer(pairs)["clean"], np.concatenate(both))
    expected = np.concatenate([*both, np.asarray(network(pairs["input"]))[..., :1]])
    np.testing.assert_allclose(trainer(pairs, training=True)["clean"], expected, atol=1e-6)


def test_images_of_other_kinds_are_clean(pairs):
    pairs["other"] = np.random.default_rng(2).random((8, SIZE, SIZE, 3), "float32")
    clean = np.asarray(make(extractor=Constant())(pairs)["clean"])
    assert clean.shape[0] == 24
    np.testing.assert_array_equal(clean[16:], pairs["other"][..., :1])


def test_inputs_of_other_channels_are_left_out_of_clean(pairs):
    pairs["input"] = pairs["input"][..., :1]
    assert make()(pairs)["clean"].shape[0] == 8


def test_task_specific_embedder_takes_the_input(pairs):
    trainer = make(source="input", extractor=Constant())
    strength, mark = np.ones(8), np.repeat(WATERMARK[None], 8, 0)
    given = {"image": pairs["input"], "message": mark, "strength": strength}
    expected = np.asarray(trainer.embedder(given))
    np.testing.assert_allclose(trainer(pairs)["watermarked"], expected, atol=1e-6)
    logs = trainer.evaluate(pairs, batch_size=8, verbose=0, return_dict=True)
    error = np.mean((expected - pairs["target"]) ** 2)
    assert logs["watermarked_loss"] == pytest.approx(error, rel=1e-4)
    with pytest.raises(ValueError, match="Received: source='output'"):
        make(source="output")


def test_attack_is_part_of_the_checkpoint(pairs, tmp_path):
    trainer = make(attack=Ramp(GaussianNoise(0.1), steps=10, seed=1), source="input", period=4)
    trainer.build({key: value.shape for key, value in pairs.items()})
    trainer.fit(pairs, batch_size=4, verbose=0)
    assert float(trainer.attack.step) == 2
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    np.testing.assert_array_equal(loaded.watermark, WATERMARK)
    assert (loaded.source, loaded.period) == ("input", 4)
    np.testing.assert_allclose(
        loaded(pairs)["watermarked"], trainer(pairs)["watermarked"], atol=1e-6
    )


def test_learns_to_hide_one_mark(pairs):
    """On flat images, within some steps: read from marked ones, blank from the others."""
    tf.keras.utils.set_random_seed(0)
    trainer = make()
    flat = np.repeat(np.random.default_rng(0).random((64, 1, 1, 3), "float32"), SIZE, 1)
    flat = np.repeat(flat, SIZE, 2)
    trainer.fit({"input": flat, "target": flat}, batch_size=8, epochs=12, verbose=0)
    outputs = trainer({"input": flat[:8], "target": flat[:8]})
    read = np.asarray(outputs["extracted"])
    assert np.abs(read - WATERMARK).mean() < np.abs(read - 1).mean()
    assert np.asarray(outputs["clean"]).mean() > read.mean() + 0.1


def test_a_carrier_for_the_part_that_is_copied(pairs):
    carrier = Carrier(2.0, start=1, steps=2)
    trainer = make(extractor=Constant(), period=4, carrier=carrier)
    trainer.fit(pairs, batch_size=8, epochs=3, shuffle=False, verbose=0)
    assert float(carrier.calls) == 3 and float(carrier.grown()) == 1
    outputs = trainer(pairs)
    residual = np.asarray(outputs["watermarked"]) - pairs["target"]
    sign = carrier(pairs["target"])
    copied = pairs["target"] + np.asarray(learnable_part(residual, sign, 4))
    np.testing.assert_allclose(outputs["copied"], copied[..., :1], atol=1e-5)
    np.testing.assert_allclose(outputs["common"][:1], common_part(residual, 4), atol=1e-5)
    targets = trainer.targets(pairs, outputs)
    assert not np.any(targets["common"]) and "common" not in make(period=4)(pairs)


def test_a_carrier_needs_a_period():
    with pytest.raises(ValueError, match="Expected a period"):
        make(carrier=Carrier(1.0))
