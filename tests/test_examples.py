"""The examples in public docstrings run and print what they say."""

import doctest
import importlib
import inspect
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage import data

import tfwm


def public_modules():
    for info in pkgutil.walk_packages(tfwm.__path__, "tfwm."):
        if not any(part[0] == "_" for part in info.name.split(".")[1:]):
            yield importlib.import_module(info.name)


def with_examples():
    """Yields every public thing whose docstring has an example, with name and module."""
    for module in public_modules():
        for name, thing in vars(module).items():
            if name[0] == "_" or getattr(thing, "__module__", None) != module.__name__:
                continue
            members = vars(thing).items() if inspect.isclass(thing) else ()
            methods = [(f"{name}.{key}", method) for key, method in members if key[0] != "_"]
            for key, part in [(name, thing), *methods]:
                if ">>>" in (getattr(part, "__doc__", None) or ""):
                    yield f"{module.__name__}.{key}", part, module


EXAMPLES = {key: (thing, module) for key, thing, module in with_examples()}


@pytest.mark.parametrize("key", EXAMPLES)
def test_example(key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(data.coffee()).save("photo.jpg", quality=95)
    thing, module = EXAMPLES[key]
    package = importlib.import_module(module.__name__.rpartition(".")[0])
    public = {name: getattr(package, name) for name in getattr(package, "__all__", ())}
    names = {**vars(package), **public, **vars(module)}
    names |= {"np": np, "keras": keras, "tf": tf, "tfwm": tfwm}
    test = doctest.DocTestParser().get_doctest(thing.__doc__, names, key, None, None)
    output = []
    doctest.DocTestRunner().run(test, out=output.append)
    assert not output, "".join(output)
