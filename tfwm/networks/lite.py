"""Networks in TFLite files, which LiteRT runs: without TensorFlow, and with it just the same."""

import contextlib
import os
import threading

from tfwm.checks import one_line
from tfwm.networks.form import Form
from tfwm.networks.operations import check_tflite
from tfwm.startup import quiet, without_warnings


def open_tflite(files, name, kind, num_threads=1):
    """Opens a TFLite file.

    Images of other sizes than the last ones cost hardly anything: a network that
    reads 768 x 512 pixels in 21 ms takes 5 ms for the new size (`benchmarks/lite.py`). So one
    interpreter serves all sizes; there are as many as calls at once, each with memory of its own.

    Args:
        files: `NetworkFiles`.
        name: of the file.
        kind: `Kind`.
        num_threads: threads of one call.

    Returns:
        `Form`. Raises `ValueError` if it is no TFLite file with the signatures of its kind.
    """
    data, path = files.read(name), files.folder / name
    if not files.shipped:
        check_tflite(data, path)
    try:
        pool = _Interpreters(data, kind.signatures, num_threads)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is not a TFLite file with the signatures {' and '.join(kind.signatures)}: "
            f"{one_line(error)}"
        ) from error
    functions = {key: pool.function(key) for key in kind.signatures}
    inputs = {
        key: {name: _free_shape(x) for name, x in runner.get_input_details().items()}
        for key, runner in pool.first.items()
    }
    return Form("tflite", functions, inputs, pool.interpreter, parallel=_cores())


def _cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


class _Interpreters:
    """Interpreters of one file: each runs one input at a time, and more are made when needed."""

    def __init__(self, data, signatures, num_threads):
        self._how = {"model_content": data, "num_threads": num_threads}
        self._signatures = signatures
        self._lock = threading.Lock()
        self.interpreter, self.first = self._open()
        self._idle = [self.first]

    def _open(self):
        with without_warnings("tensorflow"):  # whose own interpreter calls itself outdated
            interpreter = interpreter_class()(**self._how)
        with quiet(), contextlib.suppress(ValueError, RuntimeError):
            interpreter.allocate_tensors()  # the first one writes a line about its delegate
        return interpreter, {x: interpreter.get_signature_runner(x) for x in self._signatures}

    def function(self, signature):
        def run(**inputs):
            with self._lock:
                runners = self._idle.pop() if self._idle else None
            runners = runners or self._open()[1]
            try:
                return runners[signature](**inputs)
            finally:
                with self._lock:
                    self._idle.append(runners)

        return run


def _free_shape(details):
    return tuple(None if side < 0 else int(side) for side in details["shape_signature"])


def interpreter_class():
    """Returns the interpreter of TFLite files that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tfwm.startup import import_tensorflow

        import_tensorflow()
        import tensorflow as tf

        return tf.lite.Interpreter
    return Interpreter
