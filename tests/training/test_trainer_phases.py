"""Filters of keys between photos and the networks that are trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm import attacks, losses, metrics
from tfwm.layers import RandomPhases
from tfwm.losses import AlignmentLoss
from tfwm.models import redmark
from tfwm.training import WatermarkTrainer

COVERS = np.random.default_rng(0).random((64, 32, 32, 1)).astype("float32")


def make_trainer(**arguments):
    keras.utils.set_random_seed(0)
    embedder = redmark.build_embedder(width=16, depth=2)
    extractor = redmark.build_extractor(width=16, depth=1)
    phases = RandomPhases(2, 2.0, seed=5)
    return WatermarkTrainer(embedder, extractor, (4, 4, 1), phases=phases, seed=0, **arguments)


def test_phases_stand_between_photos_and_networks():
    trainer = make_trainer()
    outputs = trainer(COVERS[:4], training=True)
    phases = RandomPhases(2, 2.0, seed=5)
    filters = phases(COVERS[:4])
    seen = phases.apply(COVERS[:4], filters)
    inputs = {"image": seen, "message": outputs["message"], "strength": tf.ones(4)}
    change = phases.undo(trainer.embedder(inputs) - seen, filters)
    np.testing.assert_allclose(outputs["watermarked"], COVERS[:4] + change, atol=1e-5)
    logits = trainer.extractor(phases.apply(outputs["attacked"], filters))
    np.testing.assert_allclose(outputs["logits"], logits, atol=1e-4)


def test_learns_behind_phases():
    trainer = make_trainer()
    trainer.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss={"watermarked": losses.SSIMLoss(), "logits": losses.MessageLoss()},
        metrics={"logits": [metrics.BitErrorRate()]},
    )
    history = trainer.fit(COVERS, batch_size=16, epochs=25, verbose=0, shuffle=False).history
    assert history["logits_bit_error_rate"][0] > 0.4
    assert history["logits_bit_error_rate"][-1] < 0.2


def test_an_alignment_reads_unfiltered_images():
    with pytest.raises(ValueError, match="Expected phases or an alignment"):
        make_trainer(attack=attacks.GaussianNoise(0.01), alignment=AlignmentLoss("place", 0.1))
