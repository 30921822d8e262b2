import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.models.redmark import build_embedder, build_extractor


def official(network, path):
    """Copies the authors' weights into a network by layer name."""
    import h5py

    with h5py.File(path) as file:
        for layer in network.layers:
            if layer.name.startswith(("enc_", "dec_")):
                name = {"dec_output": "dec_output_depth2space"}.get(layer.name, layer.name)
                group = file[name][name]
                layer.set_weights([group["kernel:0"][()], group["bias:0"][()]])


def call(embedder, image, message, strength=1.0):
    inputs = {"image": image, "message": message, "strength": np.full(len(image), strength, "f")}
    return np.asarray(embedder(inputs))


@pytest.mark.parametrize("net", ["GT", "JT", "MT"])
def test_authors_weights_give_the_authors_output(shared, net):
    path = shared / "anchors" / "redmark" / f"{net}-Net.h5"
    golden = np.load(path.parent / "golden.npz")
    embedder, extractor = build_embedder(), build_extractor()
    official(embedder, path)
    official(extractor, path)
    cover = golden["cover_camera"][None, ..., None].astype("float32")
    bits = golden[f"{net}_camera_bits"][None, ..., None].astype("float32")
    level = np.clip(call(embedder, cover / 255, bits)[0, ..., 0] * 255, 0, 255)
    expected = golden[f"{net}_camera_marked"]
    differ = level.astype(np.uint8) != expected
    # Only pixels within float32 rounding of an integer may fall on its other side.
    assert np.all(np.abs(level - np.round(level))[differ] < 1e-4)
    assert differ.sum() < 20
    logits = extractor(expected[None, ..., None].astype("float32") / 255)[0, ..., 0]
    np.testing.assert_allclose(logits, golden[f"{net}_camera_logits"], atol=1e-3)


def test_sizes_of_the_paper():
    """Spec: 70,016 and 53,569 trainable numbers, one fixed 64 x 64 matrix each."""
    embedder, extractor = build_embedder(), build_extractor()
    count = lambda weights: sum(int(np.prod(w.shape)) for w in weights)  # noqa: E731
    assert count(embedder.trainable_weights) == 70_016
    assert count(extractor.trainable_weights) == 53_569
    assert count(embedder.non_trainable_weights) == 4096


def test_patches_are_independent(gray_photo):
    embedder = build_embedder(width=8)
    message = np.random.default_rng(0).integers(0, 2, (1, 32, 32, 1)).astype("float32")
    before = call(embedder, gray_photo, message)
    message[0, 5, 6] = 1 - message[0, 5, 6]  # block (5, 6) lies in patch (1, 1)
    changed = call(embedder, gray_photo, message) != before
    assert changed[0, 32:64, 32:64].any()
    changed[0, 32:64, 32:64] = False
    assert not changed.any()


def test_one_bit_reaches_all_blocks_of_its_patch(gray_photo):
    embedder = build_embedder(width=16)
    message = np.zeros((1, 32, 32, 1), "float32")
    before = call(embedder, gray_photo, message)
    message[0, 0, 0] = 1
    changed = np.abs(call(embedder, gray_photo, message) - before)[0, :32, :32, 0]
    assert (changed.reshape(4, 8, 4, 8).max(axis=(1, 3)) > 0).all()


def test_strength_scales_the_residual_of_each_image(gray_photo):
    embedder = build_embedder(width=8)
    images = np.repeat(gray_photo, 3, axis=0)
    message = np.ones((3, 32, 32, 1), "float32")
    strength = np.array([0.0, 1.0, 0.5], "float32")
    marked = embedder({"image": images, "message": message, "strength": strength})
    residual = np.asarray(marked) - images
    np.testing.assert_array_equal(residual[0], 0)
    np.testing.assert_allclose(residual[2], residual[1] / 2, atol=1e-6)


@pytest.mark.parametrize(
    "patch, block, transform", [((16, 32), (4, 8), "dct"), ((16, 16), (4, 4), "haar")]
)
def test_other_geometries(gray_photo, patch, block, transform):
    shared = {"patch_shape": patch, "block_shape": block, "transform": transform, "width": 8}
    embedder = build_embedder(depth=2, **shared)
    extractor = build_extractor(depth=1, **shared)
    message = np.ones((1, 256 // block[0], 256 // block[1], 1), "float32")
    marked = call(embedder, gray_photo, message)
    assert marked.shape == gray_photo.shape
    assert extractor(marked).shape == message.shape


def test_saves_and_loads(tmp_path, gray_photo):
    extractor = build_extractor(width=8)
    extractor.save(tmp_path / "extractor.keras")
    loaded = keras.models.load_model(tmp_path / "extractor.keras")
    np.testing.assert_array_equal(loaded(gray_photo), extractor(gray_photo))


def test_compiles_with_xla_and_unknown_size(gray_photo):
    extractor = build_extractor(width=8)
    compiled = tf.function(extractor, jit_compile=True)
    np.testing.assert_allclose(compiled(gray_photo), extractor(gray_photo), atol=1e-5)


def test_mixed_precision_keeps_float32_outputs(gray_photo):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        embedder, extractor = build_embedder(width=8), build_extractor(width=8)
    finally:
        keras.config.set_dtype_policy("float32")
    message = np.ones((1, 32, 32, 1), "float32")
    marked = call(embedder, gray_photo, message, strength=0.0)
    np.testing.assert_array_equal(marked, gray_photo)
    assert extractor(gray_photo).dtype == "float32"


@pytest.mark.parametrize("patch, block", [((30, 32), (8, 8)), ((8, 32), (8, 8))])
def test_bad_geometry(patch, block):
    with pytest.raises(ValueError, match="whole blocks"):
        build_embedder(patch_shape=patch, block_shape=block)
