"""What a surrogate learns of traditional watermarks, 64 bits, in the place of a barrier's.

    python benchmarks/barrier_baselines.py runs/barrier-derain
    python benchmarks/barrier_baselines.py runs/barrier-derain --methods "spread spectrum" \\
        --surrogates unet-l2 --steps 2000

Takes a finished run of `tfwm.recipes.barrier`. The owner marks the outputs with the same 64 bits by
each method, at the mean PSNR that the barrier has on the test photos, and the attacker trains
the run's surrogates on them, from the attacker's photos of the run. `exact` is the share of a
surrogate's outputs with all bits right (success rate of T in the paper's Table 2);
`pooled_accuracy` that of each bit's majority over all its outputs; `p_value` compares similarities
with those of unmarked outputs. The run's own barrier stands beside them.

Additive spread spectrum and DFT magnitude are ours; dwtDct (wavelet), dwtDctSvd and blind-watermark
(wavelet and DCT) are other packages: `pip install tfwm[bench]` and `pip install --no-deps
invisible-watermark blind-watermark`. One that is missing, or cannot mark crops of this size or
gray ones, is left out with a line; so are surrogates of a mark that not even the owner's
own outputs prove. Marking is done while training, one photo after the other.

Surrogates are kept in RUN/baselines and gone on with. Writes
results/barrier/barrier-baselines-NAME.csv.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
from peers import PEERS, make_peer
from photo_sets import places

from tfwm.files import result_head, write_csv
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
BITS = 64
# At the PSNR wanted; RivaGAN has 32 bits only.
METHODS = [name for name in PEERS if not name.endswith("as it is") and name != "RivaGAN"]
TUNED = 32  # images on which a strength is tuned


def main():
    args = parse_args()
    import_tensorflow()
    from tfwm.evaluation.runs import BarrierRun
    from tfwm.recipes.barrier import Config
    from tfwm.training import ConfigError, load_config

    try:
        run = BarrierRun.load(args.run)
        config = load_config(Config, run.folder / "initial" / "config.toml")
        if args.steps:
            config = dataclasses.replace(config, surrogate_steps=args.steps)
        names = args.surrogates or config.surrogates
        path = args.output / f"barrier-baselines-{run.name}.csv"
        steps = f"surrogates of the baselines: {config.surrogate_steps} steps"
        head = result_head(f"{config.test_photos}, {args.images} images", f"crops; {steps}")
        rows = []
        for row in measure(run, config, names, args):
            rows.append(row)
            write_csv(rows, path, head)
            print(row, flush=True)
    except (ConfigError, FileNotFoundError, ValueError) as error:
        sys.exit(f"barrier_baselines: error: {error}")
    print("wrote", path)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--images", type=int, default=128, help="test crops, 128 by default")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--surrogates", nargs="+", help="those of the run's settings by default")
    parser.add_argument("--steps", type=int, help="of each surrogate; as the run by default")
    parser.add_argument("--psnr", type=float, help="in dB; the barrier's by default")
    parser.add_argument("--seed", type=int, default=0, help="of the 64 bits")
    parser.add_argument("--output", type=Path, default=ROOT / "results/barrier")
    return parser.parse_args()


def measure(run, config, names, args):
    """Yields the rows of the barrier, then of each method: its own outputs, and surrogates'."""
    from bit_mark import BitMark
    from removal import cost

    from tfwm.evaluation.ownership import run_network
    from tfwm.images.arrays import to_uint8
    from tfwm.recipes.barrier import ATTACKER, test_pairs
    from tfwm.recipes.translation import open_crops

    inputs, targets = test_pairs(config, config.test_images)
    chosen = places(len(inputs), args.images)
    inputs, targets = inputs[chosen], to_uint8(targets[chosen])
    barrier = run.barrier()
    marked = to_uint8(barrier.mark(inputs if config.source == "input" else targets))
    wanted = args.psnr or cost(targets, marked)
    row_of = rows_of(barrier, targets, run.name)
    yield row_of("marked", marked, cost(targets, marked))
    for name in run.surrogates:
        if name in names:
            yield row_of(name, run_network(run.surrogate(name), inputs))
    crops = open_crops(config, ATTACKER)
    payload = np.random.default_rng(args.seed).bytes(BITS // 8)
    for method in args.methods:
        marker = make_marker(method, targets.shape[1:], payload)
        if marker is None:
            continue
        mark = BitMark.at_psnr(marker, payload, targets[:TUNED], wanted)
        row_of = rows_of(mark, targets, method)
        marked = mark.mark(targets)
        row = row_of("marked", marked, cost(targets, marked))
        yield row
        yield row_of("unmarked", targets)
        if not row["proven"]:
            left_out(f"surrogates of {method}", "not even the owner's own outputs prove it")
            continue
        for name in names:
            folder = run.folder / "baselines" / method.replace(" ", "-") / f"attack-{name}"
            yield row_of(name, run_network(train(config, mark, name, crops, folder), inputs))


def make_marker(method, shape, payload):
    """Returns a method's marker; `None` with a line if it cannot be used."""
    from bit_mark import BitMark

    if shape[-1] == 1 and method.startswith("dwtDct"):
        return left_out(method, "it marks colour, and outputs are gray")
    try:
        marker = make_peer(method, BITS)
    except ImportError as error:
        return left_out(method, error)
    marker.small = True  # go past a package's check of the size where its method can
    reason = BitMark(marker, payload).fits(shape)
    return left_out(method, reason) if reason else marker


def left_out(what, reason):
    print(f"{what} left out: {reason}", file=sys.stderr, flush=True)


def rows_of(mark, unmarked, method):
    """Returns a function from a group's name and images to its row."""
    from tfwm.evaluation.ownership import ownership_row

    similarities = mark.similarity(unmarked)
    no_bits = dict.fromkeys(("exact", "bit_accuracy", "pooled_accuracy"))

    def row_of(images_of, images, quality=None):
        row = ownership_row(images_of, mark.read(images), mark.watermark, similarities)
        bits = mark.bit_row(images) if hasattr(mark, "bit_row") else no_bits
        return {"method": method, **row, **bits, "psnr": quality}

    return row_of


def train(config, mark, name, crops, folder):
    """Returns a surrogate of what the owner lets out with that mark."""
    import tensorflow as tf

    from tfwm.recipes.surrogates import Surrogate, train_surrogate

    def let_out(pair):
        marked = tf.numpy_function(mark.mark, [pair["target"]], tf.float32)
        return tf.ensure_shape(marked, pair["target"].shape)

    return train_surrogate(Surrogate.of(name), config, crops, let_out, folder)


if __name__ == "__main__":
    main()
