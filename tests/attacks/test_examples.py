"""The examples in the docstrings run and print what they say."""

import doctest

import pytest
import tensorflow as tf

from tfwm import attacks
from tfwm.ops import color, filters, jpeg, libjpeg, perspective, random, resample, rounding, tf_jpeg

MODULES = (color, filters, jpeg, libjpeg, perspective, random, resample, rounding, tf_jpeg)
PUBLIC = [getattr(attacks, name) for name in attacks.__all__]
FUNCTIONS = [
    thing
    for module in MODULES
    for thing in vars(module).values()
    if getattr(thing, "__module__", None) == module.__name__
]
WITH_EXAMPLE = [thing for thing in PUBLIC + FUNCTIONS if ">>>" in (thing.__doc__ or "")]


@pytest.mark.parametrize("thing", WITH_EXAMPLE, ids=lambda thing: thing.__name__)
def test_example(thing):
    names = {"tf": tf, **{one.__name__: one for one in PUBLIC + FUNCTIONS}}
    [test] = doctest.DocTestFinder(recurse=False).find(thing, thing.__name__, globs=names)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_every_attack_has_an_example():
    assert set(PUBLIC) - set(WITH_EXAMPLE) == {attacks.Attack}
