"""What the papers' own recipes cost: operations of a step, counted, and seconds of one, measured.

    python benchmarks/training_cost.py            # counts, and times 2 steps of each recipe
    python benchmarks/training_cost.py --steps 0  # counts only
    python benchmarks/training_cost.py --csv      # also writes results/speed/training-cost.csv

A step is traced as `fit` runs it: networks, attacks, losses, critic, gradients. TensorFlow's
profiler counts the floating-point operations of its convolutions, products and sums; what it does
not count (normalisations in one operation, warps, filters by table) is small beside them. Seconds
are those of the fastest step in float32 on noise; the first, which compiles, does not count. Steps
of more than `--largest` operations are counted only.
"""

import argparse
import dataclasses
import os
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.files import result_head, write_csv
from tfwm.recipes.registry import find_recipe

# The papers' sizes, batches and steps.
PAPERS = ["redmark/mt", "hidden/combined", "mbrs/mbrs", "mbrs/diffusion", "mbrs/large"]
PAPERS += ["stegastamp/original", "stegastamp/crop"]


def step_of(trainer, shape):
    """Return a training step as `fit` compiles it, traced for batches of a shape."""
    compiled = trainer.jit_compile is True
    step = tf.function(lambda image: trainer.train_step((image,)), jit_compile=compiled)
    return step.get_concrete_function(tf.TensorSpec(shape, tf.float32))


def operations(step):
    """Return the floating-point operations of a traced step."""
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(step.graph, options=options).total_float_ops


def seconds(step, shape, steps):
    """Return the seconds of the fastest of some steps on noise, or `None` for no steps."""
    image = tf.constant(np.random.default_rng(0).random(shape, np.float32))
    times = []
    for _ in range(steps + 1 if steps else 0):
        start = time.perf_counter()
        step(image)
        times.append(time.perf_counter() - start)
    return min(times[1:], default=None)


def measure(name, steps, largest):
    """Return the row of a recipe `NAME/CONFIG`, timed if a step has at most `largest` GFLOP."""
    kind, file = name.split("/")
    recipe = find_recipe(kind)
    config = recipe.load(file)
    if getattr(config, "perceptual", "offline") != "offline":  # its weights may not be at hand
        config = dataclasses.replace(config, perceptual="offline")
    trainer = recipe.build_model(config)
    shape = (config.batch_size, config.crop_size, config.crop_size, config.channels)
    trainer.build(shape)
    step = step_of(trainer, shape)
    counted = operations(step)
    took = seconds(step, shape, steps if counted <= largest * 1e9 else 0)
    total = counted * config.steps
    return {
        "recipe": name,
        "batch": config.batch_size,
        "side": config.crop_size,
        "steps": config.steps,
        "gflop_a_step": round(counted / 1e9, 1),
        "pflop": round(total / 1e15, 1),
        "seconds_a_step": None if took is None else round(took, 3),
        "gflop_a_second": None if took is None else round(counted / 1e9 / took),
        "days": None if took is None else round(took * config.steps / 86400, 2),
        "hours_at_100_tflops": round(total / 1e14 / 3600, 3),
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--recipes", nargs="+", default=PAPERS, metavar="NAME/CONFIG")
    parser.add_argument("--steps", type=int, default=2, help="steps to time; 0: none")
    parser.add_argument("--largest", type=float, default=3000, metavar="GFLOP")
    parser.add_argument("--csv", action="store_true", help="write results/speed/training-cost.csv")
    arguments = parser.parse_args(argv)
    rows = []
    for name in arguments.recipes:
        rows.append(measure(name, arguments.steps, arguments.largest))
        print(*(f"{key} {value}" for key, value in rows[-1].items()), sep=", ", flush=True)
    if arguments.csv:
        head = result_head("noise", f"{len(os.sched_getaffinity(0))} cores; float32")
        folder = Path(__file__).parents[1] / "results" / "speed"
        write_csv(rows, folder / "training-cost.csv", head)


if __name__ == "__main__":
    main()
