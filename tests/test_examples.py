"""The examples in public docstrings run and print what they say."""

import doctest
import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfwm

PARTS = (
    "corners",
    "data",
    "data.tasks",
    "evaluation.ownership.removal",
    "layers",
    "losses",
    "marking",
    "metrics",
    "payload",
    "protection",
    "training",
)
MODULES = (
    "evaluation.ownership.host_attacks",
    "evaluation.ownership.keyed_measures",
    "keys",
    "models.barrier",
    "models.critic",
    "models.hidden",
    "models.keyed_extractor",
    "models.mbrs",
    "models.photo",
    "models.redmark",
    "models.translators",
    "ops.blocks",
    "ops.ssim",
    "ops.transforms",
    "ops.warp",
    "resources",
)


def public_things():
    for part in PARTS:
        module = importlib.import_module(f"tfwm.{part}")
        yield from ((f"{part}.{name}", getattr(module, name)) for name in module.__all__)
    for name in MODULES:
        module = importlib.import_module(f"tfwm.{name}")
        for key, thing in vars(module).items():
            if getattr(thing, "__module__", None) == module.__name__:
                yield f"{name}.{key}", thing


THINGS = {
    key: thing
    for key, thing in public_things()
    if callable(thing) and ">>>" in (thing.__doc__ or "")
}


@pytest.mark.parametrize("key", THINGS)
def test_example(key):
    thing = THINGS[key]
    names = {"np": np, "keras": keras, "tf": tf, "tfwm": tfwm}
    module = vars(importlib.import_module(thing.__module__))
    test = doctest.DocTestParser().get_doctest(thing.__doc__, {**module, **names}, key, None, None)
    output = []
    doctest.DocTestRunner().run(test, out=output.append)
    assert not output, "".join(output)
