"""How long ReDMark takes to learn, in this package's way and in the authors'.

    python benchmarks/redmark_quality.py --images photos/photos400 --test photos/bsds500/test
    python benchmarks/redmark_quality.py --seconds 60              # bundled photos, to try it out

Both train MT-Net of the paper against its four attacks, on the same patches of 32 x 32 pixels, and
take turns. The authors' way: batches of 32, all attacks computed, SGD with momentum, fixed weights
of the losses, `train_on_batch` and then `predict_on_batch`. This package's way: `fit`, batches of
512 with the attacks side by side, compiled by XLA, Adam with a falling rate, and a PSNR that is
held and rises. After each turn, the mean share of wrong bits over the four attacks is measured on
patches that neither has seen, at a mean PSNR of 36 dB: the mark is made weaker or stronger to have
it. Only the time of training counts. `seconds_<n>` is when a way first had n % of wrong bits or
fewer; `last` is the share at its end. Writes results/speed/redmark-quality.csv, and the whole
course to redmark-quality-course.csv.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import keras
import numpy as np
from redmark_training import PACKAGE, REFERENCE, package_steps, reference_steps
from tqdm import tqdm

from tfwm import data
from tfwm.files import result_head, write_csv
from tfwm.recipes import parts
from tfwm.recipes.redmark import PAPER_ATTACKS, RECIPE

RESULTS = Path(__file__).resolve().parents[1] / "results/speed"
PSNR, PATCHES = 36.0, 512
SHARES = 20, 10, 5, 3
HELD = {"psnr": 36.5, "psnr_start": 27.0, "psnr_ramp": 0.5}


class Course:
    """A trainer, the seconds that it has trained, and the wrong bits after each turn.

    Args:
        config: of the recipe.
        patches: to train on.
        train: function of trainer and a dataset of batches that trains for some steps and returns
            how many.
    """

    def __init__(self, config, patches, train):
        self.train = train
        self.trainer = RECIPE.build_model(config)
        self.stream = data.CropStream(patches, 32, config.batch_size)
        self.seconds, self.steps, self.rows = 0.0, 0, []
        self.attacks = [parts.build_attack(config, [table], "image") for table in PAPER_ATTACKS]
        self.untimed = train(self.trainer, self.stream.dataset())  # traces and compiles

    def turn(self, seconds, most):
        """Trains for about so many seconds, and at most up to so many steps."""
        start, before = time.perf_counter(), self.steps
        while time.perf_counter() - start < seconds and self.steps < most:
            batches = self.stream.dataset(self.steps + self.untimed)
            self.steps += self.train(self.trainer, batches)
        spent = time.perf_counter() - start
        # The first steps count as long as the others take, without what compiling took.
        self.seconds += spent * (1 + self.untimed / (self.steps - before))
        self.steps, self.untimed = self.steps + self.untimed, 0

    def measure(self, name, covers, bits):
        """Adds a row: the wrong bits at the PSNR, and the PSNR at strength 1."""
        inputs = {"image": covers, "message": bits, "strength": np.ones(len(covers), np.float32)}
        residual = np.asarray(self.trainer.embedder(inputs)) - covers
        natural = psnr_of(residual)
        marked = np.clip(covers + residual * 10 ** ((natural - PSNR) / 20), 0, 1)
        marked = np.round(255 * marked) / np.float32(255)
        wrong = [
            np.mean((np.asarray(self.trainer.extractor(attack(marked, training=True))) > 0) != bits)
            for attack in self.attacks
        ]
        row = {"way": name, "seconds": round(self.seconds, 1), "steps": self.steps}
        row |= {"wrong": round(float(np.mean(wrong)), 5), "psnr": round(natural, 2)}
        self.rows.append(row)

    def summary(self):
        """Returns the row of the table; `None` for a share that was not reached."""
        first = {
            f"seconds_{n}": next((r["seconds"] for r in self.rows if r["wrong"] <= n / 100), None)
            for n in SHARES
        }
        end = self.rows[-1]
        return {"way": end["way"], **first, "last": end["wrong"], "seconds": end["seconds"]}


def psnr_of(residual):
    """Returns the PSNR of the mean squared error of a change of images in [0, 1]."""
    return float(-10 * np.log10(np.mean(np.square(residual))))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", default="bundled:train", help="photos to train on")
    parser.add_argument("--test", default="bundled:test", help="photos to measure on")
    parser.add_argument("--seconds", type=float, default=600.0, help="of training, for each way")
    parser.add_argument("--steps", type=int, default=2000, help="of this package's way: its end")
    args = parser.parse_args()
    keras.utils.set_random_seed(0)
    patches = data.cut_patches(data.read_photos(args.images, 1), 32)
    covers = data.cut_patches(data.read_photos(args.test, 1), 32)
    random = np.random.default_rng(0)
    covers = covers[random.permutation(len(covers))[:PATCHES]].astype(np.float32) / 255
    bits = random.integers(0, 2, (len(covers), 4, 4, 1)).astype(np.float32)
    package = dataclasses.replace(PACKAGE, steps=args.steps, **HELD)
    courses = {
        "the authors' way": (Course(REFERENCE, patches, reference_steps), 10**9),
        "this package's way": (Course(package, patches, package_steps), args.steps),
    }
    for _ in tqdm(range(30), desc="turns"):
        for name, (course, most) in courses.items():
            if course.steps < most:
                course.turn(args.seconds / 30, most)
                course.measure(name, covers, bits)
    head = result_head(f"{args.images} and {args.test}, {len(covers)} patches measured")
    rows = [row for course, _ in courses.values() for row in course.rows]
    write_csv(rows, RESULTS / "redmark-quality-course.csv", head)
    rows = [course.summary() for course, _ in courses.values()]
    print(*rows, "wrote", write_csv(rows, RESULTS / "redmark-quality.csv", head), sep="\n")


if __name__ == "__main__":
    main()
