"""What every attack must do: keep shapes, serialise, compile, let gradients through, repeat."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm import attacks
from tfwm.attacks import (
    JPEG,
    Affine,
    Brightness,
    Chain,
    Contrast,
    Crop,
    Cropout,
    Dropout,
    FIRFilter,
    Frame,
    Gamma,
    GaussianBlur,
    GaussianNoise,
    GridCrop,
    Hue,
    Identity,
    MeanFilter,
    MedianFilter,
    Mirror,
    MotionBlur,
    PerspectiveWarp,
    Ramp,
    RandomChoice,
    RandomResizedCrop,
    RectangleCrop,
    Resize,
    SaltAndPepper,
    Saturation,
    Sharpen,
    UniformNoise,
)


def two():
    return [GaussianNoise(0.05), GaussianBlur((0.5, 1.0))]


MAKERS = {
    "identity": lambda: Identity(seed=3),
    "gaussian_noise": lambda: GaussianNoise((0.01, 0.1), seed=3),
    "uniform_noise": lambda: UniformNoise((0.01, 0.1), seed=3),
    "salt_and_pepper": lambda: SaltAndPepper((0.05, 0.2), seed=3),
    "grid_crop": lambda: GridCrop((0.2, 0.5), (8, 4), seed=3),
    "rectangle_crop": lambda: RectangleCrop((0.1, 0.3), seed=3),
    "crop": lambda: Crop((0.3, 0.6), seed=3),
    "crop_cut": lambda: Crop((0.3, 0.9), fill=None, seed=3),
    "cropout": lambda: Cropout((0.3, 0.6), seed=3),
    "dropout": lambda: Dropout((0.2, 0.5), seed=3),
    "dropout_element": lambda: Dropout(0.3, per="element", seed=3),
    "fir_filter": lambda: FIRFilter([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], seed=3),
    "mean_filter": lambda: MeanFilter(3, seed=3),
    "gaussian_blur": lambda: GaussianBlur((0.5, 2.0), seed=3),
    "gaussian_blur_fixed": lambda: GaussianBlur(1.5, size=7, padding="zero", seed=3),
    "median_filter": lambda: MedianFilter(3, seed=3),
    "mirror": lambda: Mirror(seed=3),
    "sharpen": lambda: Sharpen((1, 5), (50, 150), threshold=0, seed=3),
    "affine": lambda: Affine((-3, 3), (0.9, 1.1), (-2, 2), seed=3),
    "affine_fixed": lambda: Affine(5.0, 1.1, 1.0, seed=3),
    "brightness": lambda: Brightness((0.6, 1.4), (-0.1, 0.1), seed=3),
    "contrast": lambda: Contrast((0.6, 1.5), seed=3),
    "frame": lambda: Frame((0.05, 0.3), seed=3),
    "hue": lambda: Hue((-0.1, 0.1), seed=3),
    "saturation": lambda: Saturation((0.0, 1.5), seed=3),
    "motion_blur": lambda: MotionBlur(5, sigma=(0.3, 1.0), seed=3),
    "perspective_warp": lambda: PerspectiveWarp((0.0, 0.1), seed=3),
    "perspective_cover": lambda: PerspectiveWarp(0.1, fill="cover", seed=3),
    "perspective_edge": lambda: PerspectiveWarp(0.1, fill="edge", seed=3),
    "random_resized_crop": lambda: RandomResizedCrop((0.6, 1.0), (0.8, 1.2), seed=3),
    "gamma": lambda: Gamma((0.5, 2.0), seed=3),
    "resize": lambda: Resize((0.5, 1.5), seed=3),
    "resize_fixed": lambda: Resize(0.75, seed=3),
    "resize_nearest": lambda: Resize((0.5, 1.5), method="nearest", seed=3),
    "resize_one_way": lambda: Resize((0.4, 0.8), restore=False, seed=3),
    **{
        f"jpeg_{method}": lambda method=method: JPEG((50, 90), method=method, seed=3)
        for method in ("faithful", "codec", "noise", "cubic", "cubic_at_zero", "mask")
    },
    "jpeg_cubic_gradient": lambda: JPEG(60, subsampling="4:4:4", gradient="cubic", seed=3),
    "jpeg_zero_gradient": lambda: JPEG(60, subsampling="4:4:4", gradient="zero", seed=3),
    "choice_batch": lambda: RandomChoice(two(), [0.3, 0.7], seed=3),
    "choice_image": lambda: RandomChoice(two(), per="image", seed=3),
    "choice_slice": lambda: RandomChoice(two(), [0.6, 0.4], per="slice", seed=3),
    "choice_of_sizes": lambda: RandomChoice(
        [Identity(), Crop(0.6, fill=None), Resize(0.5, restore=False)], seed=3
    ),
    "chain": lambda: Chain([*two(), SaltAndPepper(0.1)], seed=3),
    "ramp": lambda: Ramp(RandomChoice(two()), steps=2, seed=3),
    "ramp_of_parameters": lambda: Ramp(
        Chain([Affine(5.0), JPEG((50, 90), "noise"), PerspectiveWarp(), RandomResizedCrop()]),
        steps=2,
        seed=3,
    ),
}


def maker(attack):
    """Returns a function that makes an attack with the level of its first twin."""
    made = attack.twins[0].attack(attack)
    return lambda: attack.from_config({**made.get_config(), "seed": 3})


CLASSES = {
    name: getattr(attacks, name)
    for name in attacks.__all__
    if isinstance(getattr(attacks, name), type) and name != "Attack"
}
# Attacks that have no maker above are found by themselves.
KNOWN = {type(make()) for make in MAKERS.values()}
FOUND = {name: maker(attack) for name, attack in CLASSES.items() if attack not in KNOWN}
MAKERS |= FOUND


def changes_size(make):
    return make().compute_output_shape((1, 64, 64, 3)) != (1, 64, 64, 3)


def needs_cover(make):
    try:
        make()(tf.zeros((1, 64, 64, 3)))
    except ValueError:
        return True
    return False


NEED_COVER = {"cropout", "dropout", "dropout_element", "perspective_cover"}
NEED_COVER |= {name for name, make in FOUND.items() if needs_cover(make)}
CHANGE_SIZE = {"crop_cut", "resize_one_way", "choice_of_sizes"}
CHANGE_SIZE |= {name for name, make in FOUND.items() if changes_size(make)}
WITHOUT_GRADIENT = {"jpeg_zero_gradient"}
EVERY = pytest.mark.parametrize("name", MAKERS)


def batch(photo, channels=3, sides=(30, 41)):
    crops = [photo[0, i : i + sides[0], 2 * i : 2 * i + sides[1], :channels] for i in (0, 30, 60)]
    return tf.constant(np.stack(crops) * 0.9 + 0.05)


def run(attack, image):
    return attack(image, cover=1 - tf.stop_gradient(image))


def test_the_list_is_complete():
    public = {getattr(attacks, name) for name in attacks.__all__} - {attacks.Attack}
    classes = {thing for thing in public if isinstance(thing, type)}
    assert {type(make()) for make in MAKERS.values()} == classes
    assert public - classes == {attacks.printed_photo, attacks.crop_chain}


def test_every_attack_has_an_example():
    # tests/test_examples.py runs them.
    public = {getattr(attacks, name) for name in attacks.__all__}
    without = {thing for thing in public if ">>>" not in (thing.__doc__ or "")}
    assert without == {attacks.Attack}


def test_an_attack_is_found_by_its_twin():
    attack = maker(attacks.GaussianBlur)()
    assert attack.get_config()["sigma"] == 1.6 and attack.seed == 3


@EVERY
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_seed_and_fresh_noise(name, channels, photo):
    image = batch(photo, channels)
    attack, again = MAKERS[name](), MAKERS[name]()
    first, second = run(attack, image).numpy(), run(attack, image).numpy()
    assert name in CHANGE_SIZE or first.shape == image.shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, run(again, image))
    np.testing.assert_array_equal(second, run(again, image))
    steady = {"identity", "fir_filter", "mean_filter", "gaussian_blur_fixed", "median_filter"}
    steady |= {"affine_fixed", "mirror", "resize_fixed", "jpeg_mask", "jpeg_cubic_gradient"}
    steady |= WITHOUT_GRADIENT
    steady |= {"saturation"} if channels == 1 else set()
    assert name in FOUND or (name in steady) == np.array_equal(first, second)


@EVERY
def test_config_round_trip(name, photo):
    image = batch(photo)
    attack = MAKERS[name]()
    config = keras.saving.serialize_keras_object(attack)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    np.testing.assert_array_equal(run(attack, image), run(again, image))
    signature = inspect.signature(type(attack).__init__).parameters
    expected = set(signature) - {"self", "kwargs"}
    assert expected <= set(attack.get_config())


@EVERY
def test_in_a_saved_model(name, photo, tmp_path):
    image = batch(photo, sides=(32, 32))
    inputs, cover = keras.Input((32, 32, 3)), keras.Input((32, 32, 3))
    outputs = MAKERS[name]()(inputs, cover=cover)
    assert outputs.shape == ((None,) * 3 + (3,) if name in CHANGE_SIZE else (None, 32, 32, 3))
    model = keras.Model([inputs, cover], outputs)
    model([image, 1 - image])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    both = [image, 1 - image]
    np.testing.assert_allclose(model(both), loaded(both), atol=1e-6)


@EVERY
@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_gradients_in_graphs(name, jit, photo):
    attack = MAKERS[name]()
    image = batch(photo)
    run(attack, image)  # the first step of a ramp is the identity
    if jit and (name in CHANGE_SIZE or not attack.supports_jit):
        pytest.skip("the codec runs on the host, and XLA needs known sizes")

    @tf.function(jit_compile=jit)
    def gradient(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            attacked = run(attack, image)
            loss = tf.reduce_sum(tf.cos(100 * attacked))
        return attacked, tape.gradient(loss, image)

    attacked, slope = gradient(image)
    assert name in CHANGE_SIZE or attacked.shape == image.shape
    assert np.isfinite(slope).all()
    steepness = np.abs(slope.numpy()).reshape(3, -1).mean(axis=1)
    assert (steepness == 0).all() if name in WITHOUT_GRADIENT else (steepness > 0.05).all()


@EVERY
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(name, policy, photo):
    image = batch(photo)
    attack = MAKERS[name]()
    expected = run(attack, image)
    attack = type(attack).from_config({**MAKERS[name]().get_config(), "dtype": policy})
    attacked = run(attack, image)
    assert attacked.dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(attacked, tf.float32), expected, atol=0.01)


@EVERY
def test_unknown_sizes(name, photo):
    image = batch(photo)
    attack, again = MAKERS[name](), MAKERS[name]()
    call = tf.function(
        lambda image: run(attack, image), input_signature=[tf.TensorSpec((None, None, None, 3))]
    )
    np.testing.assert_allclose(call(image), run(again, image), atol=1e-5)


@EVERY
def test_cover_is_accepted_or_asked_for(name, photo):
    image = batch(photo)
    if name in NEED_COVER:
        with pytest.raises(ValueError, match="must be called as `attack.image, cover=cover.`"):
            MAKERS[name]()(image)
        return
    np.testing.assert_array_equal(MAKERS[name]()(image, cover=image), MAKERS[name]()(image))
