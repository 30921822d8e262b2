"""The layer marks inside a graph what the watermarker marks outside, and is saved with a model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfwm
from tfwm.provenance import Stamp, Stamper, StampLayer


@pytest.fixture(scope="module")
def stamper():
    return Stamper("acme-image", "2.1", key="secret")


@pytest.fixture(scope="module")
def photos():
    """(1, 680, 604, 3): larger than the size for marking, sides no multiples of 8."""
    from skimage import data, transform

    return transform.resize(data.astronaut(), (680, 604))[None].astype(np.float32)


@pytest.mark.parametrize("shape", [(680, 604), (250, 203)])
def test_it_marks_as_the_watermarker_does(stamper, photos, shape):
    image = photos[:, : shape[0], : shape[1]]
    marked = stamper.layer("x")(image).numpy()
    message = Stamp("acme-image", "2.1", "x").message
    mark = stamper.watermarker.prepare(image[0], message, key="secret")
    expected = mark.apply().to_array(image[0])
    np.testing.assert_allclose(marked[0], expected, atol=2e-4)
    rounded = np.uint8(np.rint(255 * marked[0]))
    found = tfwm.load().extract(rounded, key="secret", search="none")
    assert found.message == message and found.binding.fits


def test_a_mark_that_is_carried_away_is_told(stamper, photos):
    """Its change, put onto another picture, reads as copied; without a key, nothing is bound."""
    other = photos[:, ::-1, ::-1]
    change = stamper.layer("x")(photos).numpy() - photos
    copied = np.uint8(np.rint(255 * np.clip(other + change, 0, 1)))[0]
    assert tfwm.load().extract(copied, key="secret", search="none").decision == "copied"
    assert Stamper("acme-image", "2.1").layer("x").bound is None


def test_a_model_with_it_is_saved_and_exported(stamper, photos, tmp_path):
    noise = keras.Input((256, 256, 3))
    outputs = stamper.layer("x", range=(-1, 1))(keras.layers.Rescaling(1.0)(noise))
    model = keras.Model(noise, outputs)
    given = 2 * photos[:, 100:356, 100:356] - 1
    marked = model(given)
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_allclose(loaded(given), marked, atol=1e-5)
    model.export(tmp_path / "served", verbose=False)
    exported = tf.saved_model.load(tmp_path / "served")
    served = exported.serve(tf.constant(given))
    np.testing.assert_allclose(served, marked, atol=1e-4)
    image = np.uint8(np.rint(127.5 * (np.asarray(served)[0] + 1)))
    found = tfwm.load().extract(image, key="secret", search="none")
    assert found.message == "gen:acme-image/2.1/x" and found.binding.fits
    assert not model.trainable_weights


def test_each_picture_can_have_its_own_message(stamper, photos):
    pair = np.concatenate([photos[:, :256, 200:456], photos[:, 200:456, 100:356]])
    stamps = [stamper.new_stamp(), stamper.new_stamp()]
    slots = np.stack([stamper.slots(stamp) for stamp in stamps])
    marked = np.uint8(np.rint(255 * stamper.layer()(pair, slots).numpy()))
    found = [tfwm.load().extract(m, key="secret", search="none").message for m in marked]
    assert found == [stamp.message for stamp in stamps]


def test_gradients_pass_through(stamper, photos):
    image = tf.constant(0.25 + 0.5 * photos[:, :64, :64])
    layer = stamper.layer()
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(layer(image))
    gradient = tape.gradient(total, image).numpy()
    assert 0.5 < np.median(gradient) < 1.5


def test_bad_input_is_told_in_one_line(stamper):
    with pytest.raises(ValueError, match="with fixed sides"):
        stamper.layer().build((None, None, 64, 3))
    with pytest.raises(ValueError, match="at least 8 x 8 pixels"):
        stamper.layer().build((None, 4, 64, 3))
    whole = tfwm.Watermarker("stegastamp-original").network
    with pytest.raises(ValueError, match="marks blocks"):
        StampLayer.of(whole, [0])


def test_slots_and_batches_that_do_not_fit(stamper, photos):
    layer, images = stamper.layer("x"), photos[:, :64, :64]
    for slots in (np.zeros((1, 7)), np.zeros(1024), np.zeros((3, 1024))):
        with pytest.raises(ValueError, match=r"Expected slots \(batch, 1024\) for images"):
            layer(images, slots)
    with pytest.raises(ValueError, match="Expected at least one image"):
        layer(images[:0])
    for slots in (np.zeros(7), np.full(1024, 2)):
        with pytest.raises(ValueError, match="Expected slots as Stamper.slots gives them"):
            StampLayer.of(stamper.watermarker.network, slots)
