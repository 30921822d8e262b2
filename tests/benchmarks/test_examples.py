"""The examples in the docstrings of the benchmarks' own modules run."""

import doctest
import importlib

import keras
import numpy as np
import pytest

MODULES = (
    "bit_mark",
    "host_attacks",
    "removal.bench",
    "removal.catalogue",
    "removal.fine_tuning",
    "removal.images",
    "removal.searches",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    assert not doctest.testmod(module, extraglobs={"np": np, "keras": keras}).failed
