"""What is left of a watermarked network's mark when its host is attacked, and what guesses read.

    python benchmarks/keyed_bench.py runs/keyed-colorize --key-file my.key
    python benchmarks/keyed_bench.py runs/keyed-quick --steps 10 100 --limit 32

RUN is the folder of a finished run of `tfwm.recipes.keyed`. The host is pruned, quantized as
TFLite files, fine-tuned on clean pairs, and overwritten by a second owner with another mark and
key, each for some numbers of steps; random keys are guessed. Each host then does its task on
the run's test photos, and the owner's key reads its outputs. The attacker has the run's own photos,
or those of --photos.

Writes results/keyed/keyed-bench-<name>.csv: `task_psnr` of the outputs to the photos in dB; `ssim`
to the outputs before the attack; `similarity`, `success` (similarity of at least 0.9) and `qr`
(share of QR codes decoded) of what the key reads; `p_value` that the outputs are those of the
unmarked host.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from tfwm.files import result_head, write_csv
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
STEPS = (10, 100, 1000)
STEPS_HELP = "numbers of steps of fine-tuning and overwriting"
SECOND = "secret of the second owner, for this benchmark"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a finished run")
    parser.add_argument("--key-file", help="the owner's; by default what the run's settings say")
    parser.add_argument("--photos", help="the attacker's; by default the run's")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS, help=STEPS_HELP)
    parser.add_argument("--keys", type=int, default=10_000, help="random keys that are guessed")
    parser.add_argument("--limit", type=int, default=200, help="pairs that are measured")
    parser.add_argument("--output", type=Path, default=ROOT / "results/keyed")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.recipes import keyed
    from tfwm.training import load_config

    config = load_config(keyed.Config, args.run / "keyed" / "config.toml")
    changes = {"key_file": args.key_file} if args.key_file else {}
    changes |= {"photos": [args.photos]} if args.photos else {}
    config = dataclasses.replace(config, output=str(args.run), **changes)
    rows = [print_row(row) for row in measure(config, args)]
    path = args.output / f"keyed-bench-{config.name}.csv"
    print(write_csv(rows, path, result_head(f"{config.test_photos}, {rows[0]['images']} images")))


def print_row(row):
    print(", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    return row


def measure(config, args):
    """Yields one row for each attack."""
    import keras
    from host_attacks import guess_keys

    from tfwm.evaluation.ownership import reading_row, run_network
    from tfwm.images.arrays import to_uint8
    from tfwm.images.quality import mean_quality
    from tfwm.protection import load_keyed
    from tfwm.recipes import keyed
    from tfwm.recipes.keyed_report import UNMARKED, qr_text
    from tfwm.recipes.translation import read_crops

    folder = args.run / config.name
    network = load_keyed(folder)
    host, reader = network.host, network.reader(keyed.read_key(config))
    inputs, targets = (images[: args.limit] for images in keyed.test_pairs(config))
    targets, crops = to_uint8(targets), read_crops(config, config.photos)
    text = qr_text(config)
    plain_host = keras.saving.load_model(args.run / UNMARKED, compile=False)
    plain, marked = (run_network(model, inputs) for model in (plain_host, host))
    unmarked = reader.similarity(plain)

    def row(attack, level, outputs, reader=reader, text=text, unmarked=unmarked):
        values = reading_row("", "", reader.read(outputs), reader, unmarked, text)
        return {
            "network": config.name,
            "attack": attack,
            "level": level,
            "images": len(outputs),
            "task_psnr": mean_quality(targets, outputs)["psnr"],
            "ssim": mean_quality(marked, outputs)["ssim"],
            **{key: values[key] for key in ("similarity", "success", "qr", "p_value")},
        }

    yield row("no mark at all", "", plain)
    yield row("none", "", marked)
    for attack, level, attacked in attacked_hosts(config, args.steps, host, crops):
        yield row(attack, level, run_network(attacked, inputs))
    for steps in args.steps:
        second_host, second = second_owner(config, steps, host, crops)
        outputs = run_network(second_host, inputs)
        yield row("overwritten", f"{steps} steps", outputs)
        # How well the second owner's own mark took, which is no QR code.
        reference = second.similarity(plain)
        level = f"{steps} steps, read by the second owner"
        yield row("overwritten", level, outputs, second, None, reference)
    keys, similarities = guess_keys(reader, marked[:4], args.keys)
    best = keys[np.argmax(similarities)]
    guessed = reader.with_key(best)  # of which what the right key reads says nothing
    yield row("key guessed", f"best of {args.keys:,}", marked, guessed, unmarked=None)


def attacked_hosts(config, numbers, host, crops):
    """Yields attack, level and the host after it."""
    from host_attacks import fine_tune, prune, quantize

    from tfwm.data.tasks import build_task
    from tfwm.recipes.translation import build_task_loss

    for share in SHARES:
        yield "pruned", f"{share:g} of the weights", prune(host, share)
    for kind in ("float16", "int8"):
        yield "quantised", f"TFLite {kind}", quantize(host, kind)
    loss, size = build_task_loss(config.task_loss), config.batch_size
    for steps in numbers:
        tuned = fine_tune(host, build_task(config.task), crops, steps, loss, batch_size=size)
        yield "fine-tuned", f"{steps} steps", tuned


def second_owner(config, steps, host, crops):
    """Returns the host with a second mark, and its reader."""
    from host_attacks import overwrite

    from tfwm.data import watermark_image
    from tfwm.data.tasks import build_task
    from tfwm.keys import derive_key
    from tfwm.protection import KeyedReader
    from tfwm.recipes import keyed
    from tfwm.recipes.translation import build_task_loss

    watermark = watermark_image("flower", config.watermark_size, config.watermark_channels)
    extractor = keyed.build_extractor(config)
    key = derive_key(SECOND, extractor.input["key"].shape[-1])
    marked, read = overwrite(
        host,
        extractor,
        watermark,
        key,
        build_task(config.task),
        crops,
        steps,
        build_task_loss(config.task_loss),
        batch_size=config.batch_size,
        attack=keyed.build_attack(config),
    )
    return marked, KeyedReader(read, watermark, key, "second owner")


if __name__ == "__main__":
    main()
