"""Removal by further training of a surrogate on clean pairs."""

import keras
import numpy as np

from tfwm.training import TranslationTrainer


def fine_tune(network, pairs, steps=(50, 200), learning_rate=1e-4, batch_size=8, seed=0):
    """Trains a surrogate further on clean pairs, so that it may forget the mark.

    Args:
        network: the surrogate, a `keras.Model`; it stays as it is.
        pairs: dict of `"input"` and `"target"`, arrays `(n, height, width, channels)` in [0, 1],
            that the attacker has without a mark.
        steps: after how many steps in all the network is handed out, rising.
        learning_rate: of Adam; the loss is L2.
        batch_size: pairs a step, drawn anew each time; all of them if there are fewer.
        seed: integer.

    Yields:
        `(step, network)`, the same network each time, further trained.

    Example:

    >>> from tfwm.models import translators
    >>> rain, clean = np.random.rand(2, 4, 32, 32, 3).astype("float32")
    >>> surrogate = translators.build_unet(width=4, depth=2)
    >>> [step for step, _ in fine_tune(surrogate, {"input": rain, "target": clean}, (1, 2))]
    [1, 2]
    """
    count = len(pairs["input"])
    if not count or count != len(pairs["target"]):
        raise ValueError(
            "Expected as many inputs as targets, at least one. "
            f"Received: {count} and {len(pairs['target'])}"
        )
    if not steps or min(steps) < 1 or sorted(set(steps)) != list(steps):
        raise ValueError(f"Expected rising numbers of steps from 1. Received: steps={steps}")
    return _tune(network, pairs, steps, learning_rate, min(batch_size, count), seed)


def _tune(network, pairs, steps, learning_rate, batch_size, seed):
    tuned = keras.models.clone_model(network)
    tuned.set_weights(network.get_weights())
    trainer = TranslationTrainer(tuned)
    trainer.build(None)
    trainer.compile(keras.optimizers.Adam(learning_rate), loss={"output": "mse"})
    rng = np.random.default_rng(seed)
    for step in range(1, steps[-1] + 1):
        chosen = rng.choice(len(pairs["input"]), batch_size, replace=False)
        trainer.train_on_batch({key: np.float32(images[chosen]) for key, images in pairs.items()})
        if step in steps:
            yield step, tuned
