"""Devices and machines: the choice of a distribution strategy, and what this process is in it."""

import functools
import json
import os
import re
from pathlib import Path

import tensorflow as tf

from tfwm.training.config import ConfigError


def worker():
    """Returns the number of this process among those that train together, and their number.

    They are the `worker`s (a `chief` before them) of the environment variable `TF_CONFIG`.

    Example:

    >>> worker()
    (0, 1)
    """
    if not os.environ.get("TF_CONFIG"):
        return 0, 1
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        chiefs, workers = (len(config["cluster"].get(kind, ())) for kind in ("chief", "worker"))
        kind, index = config["task"]["type"], int(config["task"]["index"])
        index += chiefs if kind == "worker" else 0
        if kind not in ("chief", "worker") or not 0 <= index < chiefs + workers:
            raise ValueError("the task is not in the cluster")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            'Expected a TF_CONFIG such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": '
            f'{{"type": "worker", "index": 0}}}}. Received: {os.environ["TF_CONFIG"]} ({error})'
        ) from error
    return index, chiefs + workers


def set_workers(workers: list[str], index: int):
    """Writes `TF_CONFIG`: which processes train together, and which of them this one is.

    Args:
        workers: `"host:port"` of each, in the same order for all.
        index: the place of this process among them, from 0.

    Raises:
        ConfigError: an index beyond the workers, a port that is none, another `TF_CONFIG` there.
    """
    for one in workers:
        host, _, port = one.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError(f"Expected workers as host:port,host:port. Received: {one!r}")
    if index is None or not 0 <= index < len(workers):
        raise ConfigError(
            f"Expected a worker index from 0 to {len(workers) - 1}. Received: {index}"
        )
    task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    text = json.dumps(task)
    if os.environ.get("TF_CONFIG", text) != text:
        raise ConfigError("Expected --workers or TF_CONFIG. Received: both, unset TF_CONFIG")
    os.environ["TF_CONFIG"] = text


def set_devices(devices: str):
    """Chooses what this process computes on; call it before anything is computed.

    Args:
        devices: `"cpu"`; a number of GPUs, of virtual CPUs where there is no GPU; or `"gpu:0,1"`,
            those GPUs.

    Raises:
        ConfigError: other words, GPUs that are not there, or a TensorFlow that has begun.
    """
    gpus = tf.config.list_physical_devices("GPU")
    match = re.fullmatch(r"cpu|([1-9]\d*)|gpu:(\d+(?:,\d+)*)", devices)
    if match is None:
        raise ConfigError(f"Expected devices such as 2, cpu or gpu:0,1. Received: {devices!r}")
    count, places = match.groups()
    if count and not gpus:
        places = []
    elif count:
        places = range(int(count))
    else:
        places = sorted({int(place) for place in (places or "").split(",") if place})
    if places and max(places) >= len(gpus):
        raise ConfigError(f"Expected devices among {len(gpus)} GPUs. Received: {devices!r}")
    try:
        tf.config.set_visible_devices([gpus[place] for place in places], "GPU")
        if count and not gpus:
            _split_cpu(int(count))
    except RuntimeError as error:
        text = f"Expected devices before anything is computed. Received: {error}"
        raise ConfigError(text) from error


def _split_cpu(count):
    if count > 1 and worker()[1] > 1:
        raise ConfigError(f"Expected one CPU of each worker. Received: {count} devices")
    if count > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)


def is_chief():
    """Returns whether this process writes checkpoints, logs and reports."""
    return worker()[0] == 0


@functools.cache
def training_strategy():
    """Returns the strategy of this process, the same each time.

    With several workers (see `worker`) it is a `MultiWorkerMirroredStrategy` over their GPUs, or
    their CPUs; ask for it before anything is computed. Else it is a `MirroredStrategy` where there
    are several GPUs or virtual CPUs, or the default, which uses a GPU if there is one.

    Example:

    >>> with training_strategy().scope():
    ...     pass
    """
    if worker()[1] > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    cpus = tf.config.list_logical_devices("CPU")
    if len(cpus) > 1 and not tf.config.list_logical_devices("GPU"):
        return tf.distribute.MirroredStrategy([cpu.name for cpu in cpus])
    return tf.distribute.get_strategy()


def wait_for_all():
    """Returns once all workers call it."""
    if worker()[1] > 1:
        one = training_strategy().run(
            lambda: tf.distribute.get_replica_context().all_reduce("SUM", tf.ones(()))
        )
        float(training_strategy().experimental_local_results(one)[0])


def devices():
    """Returns one line that tells what is trained with.

    Example:

    >>> devices()
    'training on 1 CPU'
    """
    index, workers = worker()
    gpus = len(tf.config.list_logical_devices("GPU"))
    count = training_strategy().num_replicas_in_sync // workers
    kind = "GPU" if gpus else "CPU" if count == 1 else "virtual CPU"
    text = f"training on {count} {kind}{'s' * (count > 1)}"
    return text if workers == 1 else f"{text} each of {workers} workers, of which this is {index}"


def lacks_bfloat16(cpuinfo="/proc/cpuinfo"):
    """Returns whether this process computes on a processor that has no products of bfloat16.

    There TensorFlow computes them in float32 and rounds, which takes longer than float32 alone.

    Args:
        cpuinfo: file in which Linux tells what its processor has; other systems have none, and
            `False` is returned.

    Example:

    >>> lacks_bfloat16("no/such/file")
    False
    """
    if tf.config.list_logical_devices("GPU") or not Path(cpuinfo).is_file():
        return False
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)", Path(cpuinfo).read_text("utf-8"), re.M)
    return bool(lines) and not {"amx_bf16", "avx512_bf16", "bf16"} & set(lines[0].split())
