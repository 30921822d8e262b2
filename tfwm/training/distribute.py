"""Devices and machines: the choice of a distribution strategy, and what this process is in it."""

import functools
import json
import os

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


def is_chief():
    """Returns whether this process writes checkpoints, logs and reports."""
    return worker()[0] == 0


@functools.cache
def training_strategy():
    """Returns the strategy of this process, the same each time.

    With several workers (see `worker`) it is a `MultiWorkerMirroredStrategy` over their GPUs, or
    their CPUs; ask for it before anything is computed. Else it is a `MirroredStrategy` where there
    are several GPUs, or the default, which uses a GPU if there is one.

    Example:

    >>> with training_strategy().scope():
    ...     pass
    """
    if worker()[1] > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
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
    kind = "GPU" if gpus else "CPU"
    text = f"training on {count} {kind}{'s' * (count > 1)}"
    return text if workers == 1 else f"{text} each of {workers} workers, of which this is {index}"
