"""What all attacks share: seeds, saving, replicas, errors."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import (
    JPEG,
    Affine,
    Attack,
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
    MedianFilter,
    MotionBlur,
    PerspectiveWarp,
    Ramp,
    RandomChoice,
    RandomResizedCrop,
    RectangleCrop,
    Resize,
    SaltAndPepper,
    Saturation,
)

GRAY = tf.fill((4, 16, 16, 1), 0.5)


def model_with(attack):
    inputs = keras.Input((16, 16, 1))
    return keras.Model(inputs, attack(inputs))


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_noise_goes_on_after_loading(suffix, tmp_path):
    def make():
        noise = GaussianNoise(0.1, seed=1)
        return model_with(Chain([noise, Ramp(SaltAndPepper(0.2), 10)], seed=7))

    model = make()
    seen = [model(GRAY).numpy() for _ in range(3)]
    path = tmp_path / f"model{suffix}"
    if suffix == ".keras":
        model.save(path)
        loaded = keras.saving.load_model(path)
    else:
        model.save_weights(path)
        loaded = make()
        loaded.load_weights(path)
    resumed = loaded(GRAY).numpy()
    np.testing.assert_array_equal(resumed, model(GRAY))
    assert not any(np.array_equal(resumed, before) for before in seen)


def test_backup_and_restore_goes_on(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def make():
        inputs = keras.Input((16, 16, 1))
        outputs = keras.layers.Conv2D(1, 1)(GaussianNoise(0.1, seed=1)(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        return model, model.layers[1]

    def fit(model, *callbacks):
        backup = keras.callbacks.BackupAndRestore(tmp_path)
        model.fit(GRAY, GRAY, batch_size=2, epochs=3, verbose=0, callbacks=[backup, *callbacks])

    straight, noise = make()
    straight.fit(GRAY, GRAY, batch_size=2, epochs=3, verbose=0)
    killed, _ = make()
    with pytest.raises(KeyboardInterrupt):
        fit(killed, Stop())
    resumed, resumed_noise = make()
    fit(resumed)
    assert noise.seed_generator.state.numpy()[1] == 6
    np.testing.assert_array_equal(resumed_noise.seed_generator.state, noise.seed_generator.state)


def test_own_attack():
    class Darken(Attack):
        def apply(self, image, seed, cover=None):
            return image * tf.random.stateless_uniform((), seed, 0.5, 0.9)

    attack = RandomChoice([Darken(), Darken()], seed=1)
    dark = [float(attack(GRAY)[0, 0, 0, 0]) for _ in range(4)]
    assert len(set(dark)) == 4 and all(0.25 <= value <= 0.45 for value in dark)


def test_own_attack_without_apply():
    with pytest.raises(NotImplementedError, match="must implement `apply`"):
        Attack()(GRAY)


def test_cover_reaches_nested_attacks():
    class Swap(Attack):
        def apply(self, image, seed, cover=None):
            return cover

    cover = tf.zeros_like(GRAY)
    swap = Chain([RandomChoice([Swap()], per=per) for per in ("batch", "image", "slice")])
    assert not Chain([swap])(GRAY, cover).numpy().any()
    ramp = Ramp(swap, 1)
    ramp(GRAY, cover)
    assert not ramp(GRAY, cover=cover).numpy().any()


def test_replicas_draw_their_own_noise():
    script = """
        import tensorflow as tf
        cpus = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
        from tfwm.attacks import Chain, GaussianNoise, Identity, JPEG, Ramp, RandomChoice
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        with strategy.scope():
            noise = GaussianNoise(0.1, seed=1)
            nested = RandomChoice(
                [Ramp(GaussianNoise(0.1), 3), Chain([JPEG(50), GaussianNoise(0.2)])], seed=1
            )
            nested.build((2, 8, 8, 1))
        image = tf.zeros((2, 8, 8, 1))

        for attack in (noise, nested):
            @tf.function
            def step():
                return strategy.run(lambda: attack(image))

            attack(image)
            (first, second), (third, _) = step().values, step().values
            assert (first.numpy() != second.numpy()).mean() > 0.9
            assert (first.numpy() != third.numpy()).mean() > 0.9
            state = attack.seed_generator.state.value.values
            assert (state[0].numpy() == state[1].numpy()).all()
        assert nested.attacks[0].step.numpy() == 3, nested.attacks[0].step.numpy()
        print("fine")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.stdout.endswith("fine\n"), result.stderr[-3000:]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: GaussianNoise(-0.1), "stddev=-0.1"),
        (lambda: GaussianNoise((0.2, 0.1)), "pair"),
        (lambda: GaussianNoise("much"), "stddev='much'"),
        (lambda: SaltAndPepper(1.5), "from 0.0 to 1.0"),
        (lambda: GridCrop(0.3, (8,)), "block_shape"),
        (lambda: RectangleCrop((0.1, 0.2, 0.3)), "amount"),
        (lambda: MedianFilter(4), "odd positive integer"),
        (lambda: GaussianBlur(1.0, padding="wrap"), "padding='wrap'"),
        (lambda: FIRFilter([[1, 2]]), "odd sides"),
        (lambda: FIRFilter([1, 2, 1]), "2D kernel"),
        (lambda: Resize(0), "scale=0"),
        (lambda: JPEG(0), "quality=0"),
        (lambda: JPEG(50.5), "an integer"),
        (lambda: JPEG(50, method="true"), "method='true'"),
        (lambda: JPEG(50, subsampling="4:2:2"), "subsampling='4:2:2'"),
        (lambda: RandomChoice([]), "at least one"),
        (lambda: RandomChoice([GaussianNoise()], [0.5, 0.5]), "one per attack"),
        (lambda: RandomChoice([GaussianNoise()], [0]), "not all 0"),
        (lambda: RandomChoice([GaussianNoise()], per="pixel"), "per='pixel'"),
        (lambda: Chain([abs]), "Keras layer"),
        (lambda: Ramp(GaussianNoise(), 0), "steps=0"),
        (lambda: Ramp(Crop(0.5, fill=None), 9), "Ramp needs attacks that keep the size"),
        (lambda: RandomChoice([Resize(restore=False)], per="image"), "per='batch'"),
        (lambda: RandomChoice([Chain([Crop(0.5, fill=None)])], per="slice"), "per='batch'"),
        (lambda: Crop(0), "fraction=0"),
        (lambda: Crop(1.2), "from 0.001 to 1.0"),
        (lambda: Crop(0.5, fill=2), "fill=2"),
        (lambda: Crop(0.5, fill="gray"), "fill='gray'"),
        (lambda: Cropout((0.5, 0.4)), "pair"),
        (lambda: Dropout(1.1), "keep=1.1"),
        (lambda: Dropout(0.3, per="image"), "per='image'"),
        (lambda: Resize(0.5, method="lanczos"), "method='lanczos'"),
        (lambda: Resize(0.5, restore="later"), "restore='later'"),
        (lambda: JPEG(50, gradient="none"), "gradient='none'"),
        (lambda: Affine(scale=0), "scale=0"),
        (lambda: Affine(rotation=(5, -5)), "rotation=(5, -5)"),
        (lambda: Brightness(-1), "factor=-1"),
        (lambda: Brightness(offset=2), "offset=2"),
        (lambda: Contrast("much"), "factor='much'"),
        (lambda: Gamma(0), "gamma=0"),
        (lambda: PerspectiveWarp(0.3), "offset=0.3"),
        (lambda: PerspectiveWarp(fill="black"), "fill='black'"),
        (lambda: RandomResizedCrop(0), "area=0"),
        (lambda: RandomResizedCrop(1.2), "area=1.2"),
        (lambda: RandomResizedCrop(aspect=0), "aspect=0"),
        (lambda: MotionBlur(4), "size=4"),
        (lambda: MotionBlur(sigma=-1), "sigma=-1"),
        (lambda: MotionBlur(padding="wrap"), "padding='wrap'"),
        (lambda: Hue(2), "offset=2"),
        (lambda: Saturation(-1), "factor=-1"),
        (lambda: Frame(0.5), "width=0.5"),
        (lambda: GaussianNoise(0.1, clip="yes"), "clip='yes'"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match="Received") as error:
        make()
    assert message in str(error.value)


def test_jpeg_needs_one_or_three_channels():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        JPEG(50)(tf.zeros((1, 8, 8, 2)))
