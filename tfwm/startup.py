"""Imports TensorFlow without the lines that it writes at its start, and only where it is needed."""

import contextlib
import importlib
import os
import sys
import tempfile


def import_tensorflow():
    """Imports TensorFlow silently; its output is shown only if the import fails.

    Sets `TF_CPP_MIN_LOG_LEVEL` to 3 unless the environment sets it; with 0 or 1, everything is
    shown.
    """
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        return
    with contextlib.nullcontext() if level in ("0", "1") else held_back_stderr():
        import tensorflow  # noqa: F401


def on_first_use(package, modules):
    """Returns `__all__`, `__getattr__` and `__dir__` of a package that imports its names late.

    Args:
        package: its `__name__`.
        modules: dict of its modules and the names in each, with blanks in between.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def find(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return sorted(homes), find, lambda: sorted(homes)


@contextlib.contextmanager
def held_back_stderr():
    """Holds back what C++ writes to stderr; it is shown only if an error leaves the block."""
    # The lines come from C++ and know file descriptor 2 only.
    with tempfile.TemporaryFile() as held, _descriptor_copy(2) as stderr:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(stderr, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(stderr, 2)


@contextlib.contextmanager
def _descriptor_copy(descriptor):
    copy = os.dup(descriptor)
    try:
        yield copy
    finally:
        os.close(copy)
