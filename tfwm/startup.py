"""Imports TensorFlow without the lines that it writes at its start, and only where it is needed."""

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
import warnings

from tfwm.console import STDERR

VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
NEEDS_TENSORFLOW = (
    "This needs TensorFlow, which is not installed: pip install 'tfwm[tensorflow]'. Marking, "
    "reading and reports work without it."
)
# Lines of TensorFlow's C++ log, as they look before and after the log is set up.
_LOG_LINES = re.compile(
    rb"(WARNING: All log messages before absl|To enable the following instructions:"
    rb"|INFO: Created TensorFlow Lite |[IWE]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IWE] )"
)
_ignoring = threading.Lock()
_ignored = []
_forked = False


def import_tensorflow():
    """Imports TensorFlow silently; its output is shown only if the import fails.

    With `TF_CPP_MIN_LOG_LEVEL` 0 or 1 in the environment, everything is shown. Raises
    `ImportError`, one line that says how to install it, where it is missing.
    """
    check_fork()
    if sys.modules.get("tensorflow") is None:
        with quiet():
            try:
                import tensorflow  # noqa: F401
            except ModuleNotFoundError as error:
                raise told(error) from error


def has_tensorflow():
    """Returns whether TensorFlow is installed; it is not imported."""
    try:
        return importlib.util.find_spec("tensorflow") is not None
    except (ImportError, ValueError):
        return False


@contextlib.contextmanager
def quiet():
    """Holds back what TensorFlow logs while it starts, and nothing else that goes to stderr."""
    if os.environ.get(VARIABLE) in ("0", "1"):
        yield
        return
    # The lines come from C++ and know file descriptor 2 only, which one thread at a time may turn.
    with STDERR, tempfile.TemporaryFile() as held, _descriptor_copy(2) as stderr:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(stderr, 2)
            held.seek(0)
            kept = [line for line in held if failed or not _LOG_LINES.match(line)]
            if kept:
                os.write(2, b"".join(kept))


@contextlib.contextmanager
def muted():
    """Drops what a library in C writes to stderr, such as a decoder that raises errors as well."""
    with STDERR, open(os.devnull, "wb") as nowhere, _descriptor_copy(2) as stderr:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)


@contextlib.contextmanager
def without_warnings(modules):
    """Ignores what some modules warn of, in all threads, while any thread is in here.

    `warnings.catch_warnings` is not made for threads: each would restore what it found, and the
    last one what another had set.

    Args:
        modules: regular expression that the names of the modules begin with.
    """
    with _ignoring:
        if not _ignored:
            _ignored.append(warnings.catch_warnings())
            _ignored[0].__enter__()
        _ignored.append(modules)
        warnings.filterwarnings("ignore", module=modules)
    try:
        yield
    finally:
        with _ignoring:
            _ignored.pop()
            if len(_ignored) == 1:
                _ignored.pop().__exit__(None, None, None)


def check_fork():
    """Raises `RuntimeError` in a process that was forked after TensorFlow had run.

    TensorFlow's threads do not live on there: whatever it is asked for, it waits for ever.
    """
    if _forked:
        raise RuntimeError(
            "TensorFlow ran before this process was forked, and would wait here for ever: use "
            "networks in the child alone (tfwm.load may stand before the fork), or start "
            'processes with multiprocessing.get_context("spawn")'
        )


def need_tensorflow():
    """Raises `ImportError`, one line that says how to install TensorFlow, where it is missing."""
    if not has_tensorflow():
        raise ImportError(NEEDS_TENSORFLOW, name="tensorflow")


# What else is missing without an extra, and the extra.
LIBRARIES = {"scipy": "evaluate", "skimage": "evaluate", "h5py": "tensorflow"}


def told(error):
    """Returns an `ImportError` that says, in one line, what to install; others as they are."""
    if not isinstance(error, ModuleNotFoundError):
        return error
    library = (error.name or "").partition(".")[0]
    if library in ("tensorflow", "keras"):
        return ImportError(NEEDS_TENSORFLOW, name=library)
    if library in LIBRARIES:
        return ImportError(
            f"This needs the library {library}, which is not installed: pip install "
            f"'tfwm[{LIBRARIES[library]}]'",
            name=library,
        )
    return error


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
        try:
            return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        except ModuleNotFoundError as error:
            raise told(error) from error

    return sorted(homes), find, lambda: sorted(homes)


def _note_fork():
    global _forked
    eager = sys.modules.get("tensorflow.python.eager.context")
    _forked = _forked or getattr(getattr(eager, "_context", None), "_initialized", False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@contextlib.contextmanager
def _descriptor_copy(descriptor):
    copy = os.dup(descriptor)
    try:
        yield copy
    finally:
        os.close(copy)
