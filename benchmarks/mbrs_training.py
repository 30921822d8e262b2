"""Training speed of MBRS: this package's way against plain Keras, in one run.

    python benchmarks/mbrs_training.py            # width 16, crops of 64 x 64, batches of 24
    python benchmarks/mbrs_training.py --full     # and the paper's: width 64, 128 x 128
    python benchmarks/mbrs_training.py --xla      # and what XLA makes of it; minutes to compile
    python benchmarks/mbrs_training.py --csv      # also writes results/speed/mbrs-training.csv

All ways train the same network with the same steps: embedder, real JPEG of quality 50, extractor,
losses and Adam. `keras` is the network as one writes it down with Keras's own layers, in float32.
Each of the others adds one measure: the fused batch normalisation; `DepthToSpace` in place of the
transposed convolutions, which is `tfwm.models.mbrs` as it is; mixed bfloat16, as the recipes train.
They take turns, and of each the fastest round counts, the least disturbed one. On a busy machine
trust the ratios of CPU seconds. Before, it is checked that the networks compute the same.
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import keras
import numpy as np

from tfwm import data
from tfwm.files import result_head, write_csv
from tfwm.layers import FusedBatchNormalization
from tfwm.models import mbrs
from tfwm.recipes.mbrs import RECIPE, Config

DOUBLINGS = 4
JPEG = {"name": "JPEG", "quality": 50, "gradient": "zero", "subsampling": "4:4:4"}
SMALL = Config(width=16, crop_size=64, batch_size=24, attacks=[JPEG], adversarial_weight=0.0)
PAPER = dataclasses.replace(SMALL, width=64, crop_size=128, batch_size=16)


class PlainNetwork:
    """MBRS of 16 pixels a bit, in Keras's own layers; names are those of `tfwm.models.mbrs`.

    Args:
        width: channels.
        normalization: class of the normalisation layers.
        depth: blocks in each part.
    """

    def __init__(self, width, normalization=keras.layers.BatchNormalization, depth=4):
        self.width, self.normalization, self.depth = width, normalization, depth

    def embedder(self):
        """Returns message processor and encoder."""
        image = keras.Input((None, None, 3), name="image")
        message = keras.Input((None, None, 1), name="message")
        strength = keras.Input((), name="strength")
        signal = keras.layers.Rescaling(2.0, offset=-1.0)(image)
        x = self._convolution(signal, self.width, "image_conv")
        for i in range(self.depth):
            x = self._block(x, self.width, f"image_block{i + 1}")
        m = keras.layers.Rescaling(2.0, offset=-1.0)(message)
        m = self._convolution(m, self.width, "message_conv")
        for i in range(DOUBLINGS):
            name = f"message_up{i + 1}"
            m = keras.layers.Conv2DTranspose(self.width, 2, 2, use_bias=False, name=name)(m)
            m = keras.layers.ReLU()(self._normalise(m, name))
        for i in range(max(self.depth - DOUBLINGS, 1) + self.depth):
            m = self._block(m, self.width, f"message_block{i + 1}")
        x = self._convolution(keras.layers.Concatenate()([x, m]), self.width, "fusion_conv")
        x = keras.layers.Concatenate()([x, signal])
        residual = keras.layers.Conv2D(3, 1, name="residual")(x)
        scale = keras.layers.Reshape((1, 1, 1))(keras.layers.Rescaling(0.5)(strength))
        watermarked = keras.layers.Add()([image, keras.layers.Multiply()([residual, scale])])
        return keras.Model({"image": image, "message": message, "strength": strength}, watermarked)

    def extractor(self):
        """Returns the decoder."""
        image = keras.Input((None, None, 3), name="image")
        x = keras.layers.Rescaling(2.0, offset=-1.0)(image)
        x = self._block(self._convolution(x, self.width, "conv"), self.width, "block")
        for i in range(DOUBLINGS):
            x = self._block(x, self.width << i, f"block{i + 1}_same")
            x = self._block(x, self.width << i + 1, f"block{i + 1}_half", stride=2)
        x = self._convolution(x, self.width, "narrow_conv")
        for i in range(self.depth - DOUBLINGS):
            x = self._block(x, self.width, f"last_block{i + 1}")
        return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", name="places")(x))

    def _convolution(self, x, width, name):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, name=name)(x)
        return keras.layers.ReLU()(self._normalise(x, name))

    def _normalise(self, x, name):
        return self.normalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)

    def _block(self, x, width, name, stride=1):
        y = x
        for i, (size, step) in enumerate(((1, stride), (3, 1), (1, 1)), 1):
            layer = f"{name}_conv{i}"
            y = keras.layers.Conv2D(width, size, step, "same", use_bias=False, name=layer)(y)
            y = self._normalise(y, layer)
            if i < 3:
                y = keras.layers.ReLU()(y)
        gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = keras.layers.Dense(width // 8, activation="relu", name=f"{name}_squeeze")(gate)
        gate = keras.layers.Dense(width, activation="sigmoid", name=f"{name}_excite")(gate)
        y = keras.layers.Multiply()([y, gate])
        if stride > 1 or x.shape[-1] != width:
            layer = f"{name}_shortcut"
            x = keras.layers.Conv2D(width, 1, stride, use_bias=False, name=layer)(x)
            x = self._normalise(x, layer)
        return keras.layers.ReLU()(keras.layers.Add()([x, y]))


def copy_weights(source, target):
    """Copies the weights of a network of `tfwm.models.mbrs` into a `PlainNetwork`."""
    known = {layer.name for layer in target.layers}
    for layer in source.layers:
        weights, name = layer.get_weights(), layer.name
        if name.endswith("_gate"):
            target.get_layer(name.replace("_gate", "_squeeze")).set_weights(weights[:2])
            target.get_layer(name.replace("_gate", "_excite")).set_weights(weights[2:])
        elif weights and name in known:
            if isinstance(target.get_layer(name), keras.layers.Conv2DTranspose):
                inputs = weights[0].shape[2]
                kernel = weights[0].reshape(inputs, 2, 2, -1)
                weights = [kernel.transpose(1, 2, 3, 0)]
            target.get_layer(name).set_weights(weights)


def check_equality(width):
    """Exits unless both ways compute the same; prints how far they are apart."""
    # Noise: photos lie so close to a line in colour space that rounding counts for more.
    rng = np.random.default_rng(0)
    image, message = rng.random((4, 64, 64, 3)), rng.integers(0, 2, (4, 4, 4, 1))
    inputs = {"image": image, "message": message, "strength": np.ones(len(image))}
    inputs = {key: value.astype(np.float32) for key, value in inputs.items()}
    plain = PlainNetwork(width)
    pairs = (
        ("embedder", mbrs.build_embedder(width=width), plain.embedder(), inputs),
        (
            "extractor",
            mbrs.build_extractor(width=width),
            plain.extractor(),
            inputs["image"],
        ),
    )
    for name, ours, theirs, given in pairs:
        errors = {}
        for training in (True, False):
            copy_weights(ours, theirs)
            first, second = (np.asarray(n(given, training=training)) for n in (ours, theirs))
            errors["training" if training else "use"] = np.abs(first - second).max()
            if training:
                errors["statistics"] = _statistics_error(ours, theirs, given)
        print(name, *(f"{key} {value:.1e}" for key, value in errors.items()))
        if max(errors.values()) > 1e-4:
            sys.exit(f"{name}: the two ways do not compute the same")


def _statistics_error(ours, theirs, given):
    """How far apart the running statistics are after the first step."""
    norms = [layer for layer in ours.layers if isinstance(layer, FusedBatchNormalization)]
    maps = keras.Model(ours.input, [layer.output for layer in norms])(given)
    errors = []
    for layer, features in zip(norms, maps, strict=True):
        other, count = theirs.get_layer(layer.name), np.prod(features.shape[:3])
        # The fused kernel gives the unbiased variance.
        batch_variance = (other.moving_variance.numpy() - 0.9) * count / (count - 1)
        errors.append(layer.moving_mean.numpy() - other.moving_mean.numpy())
        errors.append(layer.moving_variance.numpy() - 0.9 - batch_variance)
    return np.abs(np.concatenate(errors)).max()


def build_ways(config, xla):
    """Returns the trainers, in the order of the measures."""

    def plain(normalization):
        network = PlainNetwork(config.width, normalization)
        return network.embedder(), network.extractor()

    def ours():
        return mbrs.build_embedder(width=config.width), mbrs.build_extractor(width=config.width)

    def trainer(networks, **changes):
        recipe = dataclasses.replace(RECIPE, networks=lambda config, training: networks())
        return recipe.build_model(dataclasses.replace(config, **changes))

    ways = {
        "keras": trainer(lambda: plain(keras.layers.BatchNormalization)),
        "+ fused normalisation": trainer(lambda: plain(FusedBatchNormalization)),
        "+ DepthToSpace": trainer(ours),
        "+ bfloat16": trainer(ours, precision="mixed_bfloat16"),
    }
    if xla:
        ways["keras, XLA"] = trainer(
            lambda: plain(keras.layers.BatchNormalization), jit_compile=True
        )
        ways["+ DepthToSpace, XLA"] = trainer(ours, jit_compile=True)
    return ways


def measure(config, options):
    """Trains in turns; returns rows for the table."""
    size = f"{config.crop_size}x{config.crop_size}"
    print(f"width {config.width}, {size}, batches of {config.batch_size}", flush=True)
    patches = data.cut_patches(data.read_photos("bundled:train"), config.crop_size, per_photo=64)
    batches = iter(data.CropStream(patches, config.crop_size, config.batch_size).dataset())
    ways = build_ways(config, options.xla and config is SMALL)
    for way in ways.values():
        way.train_on_batch(next(batches))  # traces
    seconds = {name: [] for name in ways}
    for run in range(options.rounds):
        for name, way in ways.items():
            start = time.perf_counter(), time.process_time()
            for _ in range(options.steps):
                way.train_on_batch(next(batches))
            wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
            images = options.steps * config.batch_size
            seconds[name].append((wall / images, cpu / images))
            print(f"round {run + 1}  {name:22} {images / wall:7.1f} images/s", flush=True)
    rows, reference = [], None
    for name, values in seconds.items():
        wall, cpu = (min(column) for column in zip(*values, strict=True))
        reference = reference or (wall, cpu)
        rows.append(
            {
                "width": config.width,
                "size": size,
                "batch": config.batch_size,
                "way": name,
                "images_per_second": f"{1 / wall:.1f}",
                "ratio": f"{reference[0] / wall:.2f}",
                "images_per_cpu_second": f"{1 / cpu:.1f}",
                "cpu_ratio": f"{reference[1] / cpu:.2f}",
            }
        )
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()))
    return rows


def main():
    """Prints images a second of all ways, round by round, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="of each way in each round")
    parser.add_argument("--xla", action="store_true", help="also compiled by XLA")
    parser.add_argument("--full", action="store_true", help="also the paper's width and crops")
    parser.add_argument("--csv", action="store_true", help="write results/speed/mbrs-training.csv")
    options = parser.parse_args()
    rows = []
    for config in (SMALL, PAPER) if options.full else (SMALL,):
        check_equality(config.width)
        rows += measure(config, options)
    if options.csv:
        path = Path(__file__).resolve().parents[1] / "results/speed/mbrs-training.csv"
        write_csv(rows, path, result_head("random pixels", "each number of the fastest round"))


if __name__ == "__main__":
    main()
