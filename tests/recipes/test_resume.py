"""Trainings that are killed and resumed end with the very weights of those that are not."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from tfwm.training import Checkpoint

# Trains by a recipe on so many logical devices.
RUN = """
    import functools, sys
    import tensorflow as tf
    count, name, resume, *words = sys.argv[1:]
    if int(count) > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        one = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [one] * int(count))
        from tfwm.recipes import fit
        names = [f"CPU:{i}" for i in range(int(count))]
        fit.training_strategy = functools.cache(lambda: tf.distribute.MirroredStrategy(names))
    from tfwm.recipes import find_recipe
    recipe = find_recipe(name)
    recipe.train(recipe.load(None, words), resume == "resume")
"""
SHARED = ["name=tiny", "steps=9", "steps_per_epoch=3", "batch_size=4", "jit_compile=false"]
NOISE = '{name="GaussianNoise", stddev=0.02}'
BITS = ["patches_per_photo=3", "width=8", "strength=[0.5, 1.0]", "optimizer=adam"]
CASES = {
    "photo": [*BITS, f"attacks={NOISE}", "crop_size=48", "depth=1", "psnr=30", "phases=6"],
    "mbrs": [*BITS, f"attacks={NOISE}", "crop_size=32", "block_size=4", "depth=1"],
    "carriers": [*BITS, f"attacks={NOISE}", "crop_size=128", "message_length=16"],
    "stegastamp": [*BITS, f"attacks={NOISE}", "crop_size=64", "message_length=20"],
    "keyed": ["width=4", "depth=5", "crop_size=64", "watermark_size=32", "key=a secret for tests"],
}
CASES["keyed"] += ["crops_per_photo=2", "extractor_width=8", "watermark=flower"]


def start(devices, name, resume, words):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUN), str(devices), name, resume, *words],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    _, error = process.communicate(timeout=500)
    assert process.returncode == 0, error[-2000:]


def steps_of(output):
    found = [int(path.stem[5:]) for path in output.rglob("checkpoints/step-*.json")]
    return max(found, default=0)


def kill_at(process, output, step):
    """Kills a process without notice once it has saved a step; returns whether it was in time."""
    deadline = time.time() + 400
    while process.poll() is None and time.time() < deadline and steps_of(output) < step:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [0, 1e-6], ids=["between epochs", "within epochs"])
@pytest.mark.parametrize("name, devices", [("photo", 2), *((name, 1) for name in CASES)])
def test_killed_and_resumed_is_uninterrupted(name, devices, minutes, tmp_path, request):
    """With kill -9, twice; on the photos of ../shared where they are, else on the bundled."""
    photos = "bundled:train"
    if os.path.isdir(tmp_path.joinpath(request.config.rootpath, "../shared/data/bsds500/train")):
        photos = str(request.config.rootpath / "../shared/data/bsds500/train")
    words = [*SHARED, *CASES[name], f"photos={photos}", f"checkpoint_minutes={minutes}"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    finish(start(devices, name, "new", [*words, f"output={whole}"]))
    words.append(f"output={parts}")
    assert kill_at(start(devices, name, "new", words), parts, 2)
    assert kill_at(start(devices, name, "resume", words), parts, 5)
    finish(start(devices, name, "resume", words))
    folders = sorted(path.parent for path in whole.rglob("checkpoints/step-000000009.npz"))
    assert len(folders) == (2 if name == "keyed" else 1)
    for folder in folders:
        assert Checkpoint(folder).exists()
        files = [root / folder.relative_to(whole) / "step-000000009.npz" for root in (whole, parts)]
        a, b = map(np.load, files)
        assert a.files == b.files
        for key in a.files:
            np.testing.assert_array_equal(a[key], b[key], err_msg=f"{folder}: {key}")
