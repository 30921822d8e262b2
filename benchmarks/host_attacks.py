"""Attacks on a watermarked host network itself, which remove its mark or claim it.

Each attack takes the host and returns another, a function from a batch of inputs to outputs in
[0, 1]; it does not change the host that it is given. Attacks on its outputs alone are in
`tfwm.distortions`.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

from tfwm import data
from tfwm.export import write_tflite
from tfwm.keys import read_key_file
from tfwm.networks import make_run_endpoint, tflite_name
from tfwm.networks.lite import interpreter_class
from tfwm.protection.keyed import DEMONSTRATION
from tfwm.training import KeyedTrainer, TranslationTrainer

LEARNING_RATE = 1e-4


def copy_of(model):
    """Returns a copy of a Keras model, with weights of its own."""
    serialized = keras.saving.serialize_keras_object(model)
    copied = keras.saving.deserialize_keras_object(serialized)
    copied.set_weights(model.get_weights())
    return copied


def prune(host, share):
    """Returns the host with the smallest weights of each kernel set to 0.

    Args:
        host: `keras.Model`.
        share: of the weights of each kernel (variables of two or more axes), from 0 to 1.

    Example:

    >>> host = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    >>> float(np.mean(prune(host, 0.5).layers[0].get_weights()[0] == 0))
    0.5
    """
    if not 0 <= share <= 1:
        raise ValueError(f"Expected a share from 0 to 1. Received: share={share}")
    pruned = copy_of(host)
    weights = []
    for weight in pruned.get_weights():
        if weight.ndim > 1:
            smallest = np.argsort(np.abs(weight), axis=None)[: round(share * weight.size)]
            weight = weight.copy()
            weight.reshape(-1)[smallest] = 0
        weights.append(weight)
    pruned.set_weights(weights)
    return pruned


def quantize(host, kind="int8"):
    """Returns the host as it runs from a TFLite file: a function of inputs to outputs.

    Args:
        host: `keras.Model` from an image to an image.
        kind: `"float16"`, or `"int8"`: weights of 8 bits, activations quantized on the fly; see
            `tfwm.export.write_tflite`.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        archive = keras.export.ExportArchive()
        archive.add_endpoint("run", make_run_endpoint(host))
        archive.write_out(str(folder / "1"), verbose=False)
        path = write_tflite(folder / "1", folder / tflite_name("host", kind), kind, ["run"])
        content = path.read_bytes()
    interpreter = interpreter_class()(model_content=content)

    def run(images, training=False):
        return interpreter.get_signature_runner("run")(image=np.float32(images))["output"]

    return run


def fine_tune(host, task, crops, steps, loss="mae", learning_rate=LEARNING_RATE, batch_size=8):
    """Returns the host after training on clean pairs of its task.

    Args:
        host: `keras.Model`.
        task: a `tfwm.data.tasks.Task`.
        crops: uint8 photos of the attacker, `(n, height, width, channels)`.
        steps: number of batches.
        loss: Keras loss of the task.
        learning_rate: of Adam.
        batch_size: pairs a batch.

    Returns:
        `keras.Model`.
    """
    trainer = TranslationTrainer(copy_of(host))
    trainer.compile(keras.optimizers.Adam(learning_rate), loss={"output": loss})
    fit_pairs(trainer, task, crops, steps, batch_size, seed=1)
    return trainer.network


def overwrite(
    host,
    extractor,
    watermark,
    key,
    task,
    crops,
    steps,
    loss="mae",
    learning_rate=LEARNING_RATE,
    batch_size=8,
    attack=None,
):
    """Returns the host and the extractor after a second owner has trained another mark into it.

    Args:
        host: `keras.Model`.
        extractor: the second owner's, untrained or trained.
        watermark: the second owner's picture `(height, width, channels)` in [0, 1].
        key: the second owner's key.
        task: see `fine_tune`, also for `crops`, `steps`, `loss`, `learning_rate`, `batch_size`.
        attack: a `tfwm.attacks.Attack` on what the second extractor reads, or `None`.
    """
    trainer = KeyedTrainer(copy_of(host), copy_of(extractor), watermark, key, attack, seed=2)
    weights = {"output": 1.0, "marked": 1.0, "unmarked": 0.5, "wrong_key": 0.5}
    losses = {"output": loss, **dict.fromkeys(("marked", "unmarked", "wrong_key"), "mse")}
    trainer.compile(keras.optimizers.Adam(learning_rate), loss=losses, loss_weights=weights)
    fit_pairs(trainer, task, crops, steps, batch_size, seed=2)
    return trainer.host, trainer.extractor


def demonstration_reader(network):
    """Returns the reader of a shipped `tfwm.protection.KeyedNetwork`, whose key is public."""
    return network.reader(read_key_file(network.folder / DEMONSTRATION))


def guess_keys(reader, images, count, seed=0):
    """Returns random keys `(count, bits)` and the mean similarity that each reads, `(count,)`.

    Args:
        reader: a `tfwm.protection.KeyedReader`.
        images: marked images.
        count: number of keys.
        seed: integer.
    """
    keys = np.random.default_rng(seed).integers(0, 2, (count, reader.bits))
    return keys, reader.similarities_of_keys(images, keys).mean(axis=1)


def fit_pairs(trainer, task, crops, steps, batch_size, seed):
    """Trains on pairs of a task, made of crops, for some steps; see `fine_tune`."""
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"Expected at least 1 step. Received: steps={steps!r}")
    crops = data.CropStream(crops, crops.shape[1], batch_size, mirror="left-right", seed=seed)
    pairs = data.pair_dataset(crops, task)
    trainer.fit(pairs, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)
