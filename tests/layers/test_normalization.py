import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.layers import FusedBatchNormalization, InstanceNormalization

SHAPE = (4, 6, 10, 5)
COUNT = 4 * 6 * 10


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(2.0, 3.0, SHAPE).astype("float32")


def pair():
    """The layer and Keras's, with the same weights."""
    rng = np.random.default_rng(1)
    layers = FusedBatchNormalization(), keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    weights = [rng.uniform(0.5, 2.0, 5).astype("float32") for _ in range(4)]
    for layer in layers:
        layer.build(SHAPE)
        layer.set_weights(weights)
    return layers


def test_inference_equals_keras(features):
    fused, plain = pair()
    before = fused.get_weights()
    np.testing.assert_allclose(fused(features), plain(features), atol=1e-5)
    np.testing.assert_array_equal(fused.get_weights(), before)


def test_training_equals_keras(features):
    fused, plain = pair()
    for _ in range(3):
        outputs = fused(features, training=True), plain(features, training=True)
        np.testing.assert_allclose(*outputs, atol=2e-5)
    np.testing.assert_allclose(fused.moving_mean, plain.moving_mean, atol=1e-5)
    # The kernel gives the unbiased variance.
    start = np.asarray(pair()[0].moving_variance) * 0.9**3
    seen = [np.asarray(layer.moving_variance) - start for layer in (fused, plain)]
    np.testing.assert_allclose(seen[0], seen[1] * COUNT / (COUNT - 1), rtol=1e-5)


def test_gradients_equal_keras(features):
    target = np.random.default_rng(2).normal(size=SHAPE).astype("float32")
    gradients = []
    for layer in pair():
        x = tf.constant(features)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) * target)
        gradients.append(tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)]))
    for fused, plain in zip(*gradients, strict=True):
        np.testing.assert_allclose(fused, plain, atol=1e-4, rtol=1e-4)


def test_mixed_precision_keeps_statistics_in_float32(features):
    fused, _ = pair()
    reference, _ = pair()
    half = tf.cast(features, tf.bfloat16)
    for training in (True, False):
        outputs = fused(half, training=training)
        expected = reference(tf.cast(half, tf.float32), training=training)
        assert outputs.dtype == "bfloat16" and fused.moving_mean.dtype == "float32"
        np.testing.assert_allclose(tf.cast(outputs, tf.float32), expected, rtol=2**-7, atol=1e-3)
    for seen, exact in zip(fused.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(seen, exact, rtol=1e-4)


def test_in_a_mixed_precision_model(features):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = keras.Input((None, None, 5))
        x = keras.layers.Conv2D(3, 1)(inputs)
        model = keras.Model(inputs, FusedBatchNormalization()(x))
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(features, training=True).dtype == "bfloat16"
    assert {v.dtype for v in model.variables} == {"float32"}


def test_frozen_means_its_statistics_too(features):
    fused, plain = pair()
    fused.trainable = plain.trainable = False
    before = fused.get_weights()
    outputs = fused(features, training=True)
    np.testing.assert_allclose(outputs, plain(features, training=True), atol=1e-5)
    np.testing.assert_array_equal(fused.get_weights(), before)


def test_saves_and_loads(tmp_path, features):
    inputs = keras.Input((None, None, 5))
    model = keras.Model(inputs, FusedBatchNormalization(0.8, 1e-4)(inputs))
    model(features, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.layers[-1].momentum, loaded.layers[-1].epsilon) == (0.8, 1e-4)
    np.testing.assert_array_equal(loaded(features), model(features))
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_replicas_average_their_statistics():
    code = """
    import numpy as np
    import keras
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from tfwm.layers import FusedBatchNormalization

    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        inputs = keras.Input((4, 4, 3))
        layer = FusedBatchNormalization()
        outputs = keras.layers.GlobalAveragePooling2D()(layer(inputs))
        model = keras.Model(inputs, keras.layers.Dense(1)(outputs))
        model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(m, s, (8, 4, 4, 3)) for m, s in ((-1, 1), (3, 2))])
    x = x.astype("float32")
    model.fit(x, np.zeros((16, 1)), batch_size=16, epochs=1, shuffle=False, verbose=0)
    means = [half.mean(axis=(0, 1, 2)) for half in (x[:8], x[8:])]
    variances = [half.var(axis=(0, 1, 2), ddof=1) for half in (x[:8], x[8:])]
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * np.mean(means, axis=0), atol=1e-5)
    expected = 0.9 + 0.1 * np.mean(variances, axis=0)
    np.testing.assert_allclose(layer.moving_variance.numpy(), expected, atol=1e-5)
    print("same")
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300
    )
    assert result.stdout.strip().endswith("same"), result.stderr


@pytest.fixture
def instance_features():
    return np.random.default_rng(0).normal(3.0, 2.0, (2, 6, 10, 4)).astype("float32")


def test_equals_group_normalization_of_keras(instance_features):
    reference = keras.layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False)
    np.testing.assert_allclose(
        InstanceNormalization()(instance_features), reference(instance_features), atol=2e-6
    )


def test_vectors_are_normalized_over_their_features(instance_features):
    vectors = instance_features.reshape(2, -1)
    reference = keras.layers.LayerNormalization(epsilon=1e-5, center=False, scale=False)
    np.testing.assert_allclose(InstanceNormalization()(vectors), reference(vectors), atol=2e-6)


def test_no_weights_and_no_difference_in_training(instance_features):
    layer = InstanceNormalization()
    np.testing.assert_array_equal(layer(instance_features, training=True), layer(instance_features))
    assert layer.weights == []


def test_statistics_of_bfloat16_are_exact(instance_features):
    """In bfloat16 a mean of 300 and a deviation of 1 would be lost."""
    layer = InstanceNormalization(dtype="mixed_bfloat16")
    out = np.asarray(layer(instance_features)).astype("float32")
    assert layer(instance_features).dtype == "bfloat16"
    np.testing.assert_allclose(out.mean(axis=(1, 2)), 0, atol=0.01)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 1, atol=0.01)


def test_constant_channel_gives_zeros():
    out = InstanceNormalization()(np.full((1, 4, 4, 2), 0.7, "float32"))
    np.testing.assert_allclose(out, 0, atol=1e-4)


def test_instance_normalization_saves_and_loads(tmp_path, instance_features):
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, InstanceNormalization(1e-3)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(instance_features), model(instance_features))
    assert loaded.layers[-1].epsilon == 1e-3


def test_affine_has_a_scale_and_offset_for_each_channel(instance_features):
    layer = InstanceNormalization(affine=True)
    np.testing.assert_array_equal(
        layer(instance_features), InstanceNormalization()(instance_features)
    )
    reference = keras.layers.GroupNormalization(-1, epsilon=1e-5)
    reference.build(instance_features.shape)
    weights = [np.array([1.0, 2.0, -1.0, 0.5]), np.array([0.0, 3.0, 1.0, -2.0])]
    layer.set_weights(weights)
    reference.set_weights(weights)
    np.testing.assert_allclose(layer(instance_features), reference(instance_features), atol=5e-6)
    again = InstanceNormalization.from_config(layer.get_config())
    assert again.affine


@pytest.mark.parametrize("arguments", [{"axis": 1}, {"scale": False, "center": False}])
def test_what_the_kernel_lacks_is_refused(arguments):
    with pytest.raises(ValueError, match=f"Received: {', '.join(sorted(arguments))}"):
        FusedBatchNormalization(**arguments)


def test_fused_layer_is_made_again_from_its_config():
    layer = FusedBatchNormalization(0.7, 1e-3, name="norm", trainable=False, dtype="bfloat16")
    copy = FusedBatchNormalization.from_config(layer.get_config())
    assert (copy.momentum, copy.epsilon, copy.name, copy.trainable) == (0.7, 1e-3, "norm", False)
    assert copy.dtype == "float32"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_bfloat16"])
def test_learned_scale_in_half_precision(dtype, features):
    half = InstanceNormalization(affine=True, dtype=dtype)
    plain = InstanceNormalization(affine=True)
    outputs = half(features)
    assert outputs.dtype.name == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), plain(features), atol=0.05)
