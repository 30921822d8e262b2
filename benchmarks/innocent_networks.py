"""How often networks that never saw a mark are said to carry one.

    python benchmarks/innocent_networks.py --photos photos/photos299 --images photos/bsds500/test \
        --radiographs photos/chestxray256/No_findings \
        --test-radiographs photos/chestxray256-pneumonia

Trains short networks, each for a task, of a structure, with a loss, from a seed and on photos of
its own draw, and lets the owners of the shipped barriers and keyed hosts look at their outputs, as
`tfwm barrier prove` and `tfwm keyed prove` do, at a false-positive rate of 0.001: against photos
that are known to be unmarked (`photos`), and as they should, against outputs of other networks for
the same task, none of which may read nearly as much (`likes`); of a keyed host against random keys
as well. What is counted is networks: images of one network are not independent.

Writes results/networks/innocent-networks.csv, one row for each reader: networks, how many were
claimed in either way, with the highest rate that the count allows (Wilson, 95 %), and the mean
similarity of a network that read most, with its task.
"""

import argparse
import functools
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfwm.files import result_head, write_csv
from tfwm.startup import import_tensorflow
from tfwm.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
SIDE, IMAGES, CROPS, BATCH = 64, 16, 600, 4
# Random keys that read the first images of networks that are claimed without them.
KEYS, KEY_IMAGES = 999, 4
HOSTS, BARRIER, XRAY = ("keyed-colorize", "keyed-super-resolve"), "barrier-derain", "barrier-xray"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", required=True, help="folder that networks learn from")
    parser.add_argument("--images", required=True, help="folder of other photos")
    parser.add_argument("--radiographs", help="the same of radiographs, for barrier-xray")
    parser.add_argument("--test-radiographs", help="the same")
    parser.add_argument("--networks", type=int, default=50, help="of each kind of image")
    parser.add_argument("--steps", type=int, default=200, help="batches that each learns from")
    parser.add_argument("--output", type=Path, default=ROOT / "results/networks")
    args = parser.parse_args()
    import_tensorflow()
    from host_attacks import demonstration_reader

    from tfwm.data import tasks
    from tfwm.protection import load_barrier, load_keyed

    kinds = (
        tasks.Colorize(),
        tasks.Derain(),
        tasks.Edit(),
        tasks.Denoise(),
        tasks.SuperResolve(),
        tasks.EdgesToPhoto(),
    )
    readers = {name: demonstration_reader(load_keyed(name)) for name in HOSTS}
    readers[BARRIER] = load_barrier(BARRIER)
    rows = measure(readers, kinds, args.photos, args.images, args)
    if args.radiographs:
        gray = tasks.BoneSuppression(), tasks.Denoise(channels=1), tasks.Edit(channels=1)
        sources = args.radiographs, args.test_radiographs
        rows += measure({XRAY: load_barrier(XRAY)}, gray, *sources, args)
    used = " and ".join(filter(None, (args.images, args.test_radiographs)))
    head = result_head(f"{used}, {IMAGES} images of each network")
    print(*rows, sep="\n")
    print("wrote", write_csv(rows, args.output / "innocent-networks.csv", head))


def measure(readers, kinds, photos, images, args):
    """Returns a row for each reader."""
    from tfwm.data import all_pairs, task_crops
    from tfwm.evaluation.ownership import run_network

    crops = task_crops(photos, kinds[0], SIDE, per_photo=2)
    others = task_crops(images, kinds[0], SIDE, per_photo=1)
    suspects, unmarked = others[:IMAGES], others[IMAGES : 2 * IMAGES]
    outputs, names = [], []
    for number in tqdm(range(args.networks), unit="network"):
        task = kinds[number % len(kinds)]
        network = train(number, task, crops, args.steps)
        outputs.append(run_network(network, all_pairs(suspects, task)[0]))
        names.append(type(task).__name__)
    return [claims(name, reader, outputs, names, unmarked) for name, reader in readers.items()]


def claims(name, reader, outputs, tasks, unmarked):
    """Returns the row of a reader: which networks its owner would claim."""
    from tfwm.protection import compare_with_unmarked, prove_images
    from tfwm.protection.evidence import clearly_above

    @functools.cache
    def has_key(number):
        images = outputs[number][:KEY_IMAGES]
        return not hasattr(reader, "key") or prove_images(reader, images, keys=KEYS, seed=0).proven

    read, photos = [reader.similarity(images) for images in outputs], reader.similarity(unmarked)
    claimed = {"photos": 0, "likes": 0}
    for number, similarity in enumerate(tqdm(read, desc=name, unit="network")):
        same = [n for n, task in enumerate(tasks) if task == tasks[number] and n != number]
        references = {"photos": [photos], "likes": [read[n] for n in same]}
        for kind, groups in references.items():
            proven = compare_with_unmarked(similarity, np.concatenate(groups)).proven
            above = clearly_above(similarity.mean(), max(group.mean() for group in groups))
            claimed[kind] += proven and above and has_key(number)
    most = int(np.argmax([similarity.mean() for similarity in read]))
    row = {"network": name, "networks": len(read)}
    for kind, count in claimed.items():
        high = wilson_interval(count / len(read), len(read))[1]
        row |= {f"claimed_{kind}": count, f"rate_high_{kind}": high}
    return {**row, "similarity": float(read[most].mean()), "task": tasks[most]}


def train(number, task, crops, steps):
    """Returns the innocent network of a number, short trained."""
    import keras
    from host_attacks import fit_pairs

    from tfwm.training import TranslationTrainer

    rng = np.random.default_rng(number)
    keras.utils.set_random_seed(number)
    build, loss = structures(task)[number % 3], ("mae", "mse")[number // 3 % 2]
    trainer = TranslationTrainer(build())
    trainer.compile(keras.optimizers.Adam(1e-3), loss={"output": loss}, jit_compile=False)
    own = crops[rng.choice(len(crops), min(CROPS, len(crops)), replace=False)]
    fit_pairs(trainer, task, own, steps, BATCH, seed=number)
    return trainer.network


def structures(task):
    """Returns the builders of networks for a task: a U-Net, and residual networks."""
    from tfwm.models import translators

    channels = task.channels_in, task.channels_out
    resnet = translators.build_resnet
    return (
        functools.partial(translators.build_unet, *channels, 16, 4),
        functools.partial(resnet, 0, *channels, 12),
        functools.partial(resnet, 2, *channels, 8, residual=channels[0] == channels[1]),
    )


if __name__ == "__main__":
    main()
