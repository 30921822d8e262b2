import os
import subprocess
import sys
import threading
import warnings

from tfwm.console import tell
from tfwm.startup import muted, without_warnings

HELD = """
import os, sys
from tfwm.startup import import_tensorflow
class Finder:
    def find_spec(self, name, *a):
        if name == "tensorflow":
            os.write(2, b"I0000 00:00:17.5  17 port.cc:153] noise of TensorFlow\\n")
            os.write(2, b"our own line\\n")
            {ending}
sys.meta_path.insert(0, Finder())
import_tensorflow()
os.write(2, b"after\\n")
"""


def start(ending, level=None):
    code = HELD.format(ending=ending)
    environment = {"TF_CPP_MIN_LOG_LEVEL": level} if level else {}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )


def test_noise_is_held_back():
    result = start("import importlib.util; return importlib.util.find_spec('json')")
    assert result.returncode == 0 and result.stderr == "our own line\nafter\n"


def test_noise_is_shown_when_asked_for():
    result = start("import importlib.util; return importlib.util.find_spec('json')", level="0")
    assert result.stderr.endswith("noise of TensorFlow\nour own line\nafter\n")


def test_noise_is_shown_when_the_import_fails():
    result = start("raise ImportError('no such library')")
    assert result.returncode == 1 and "after" not in result.stderr
    assert "noise of TensorFlow\n" in result.stderr
    assert "no such library" in result.stderr


def test_marking_a_photo_needs_no_extra():
    """The libraries of the extras are imported where they are used, and only there."""
    code = "import sys, tfwm.watermarker, tfwm.batch.folders, tfwm.cli\n"
    code += (
        "extras = {'skimage', 'h5py', 'matplotlib', 'tensorflow_datasets', 'zxingcpp', 'segno'}\n"
    )
    code += "assert not extras & set(sys.modules), extras & set(sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_every_part_is_there_after_import():
    code = "import tfwm; print([part for part in tfwm._PARTS if not getattr(tfwm, part).__doc__])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr[-2000:]


def test_warnings_of_a_module_are_back_when_the_last_thread_is_out():
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def first():
        with without_warnings("tests_of_nothing"):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=first)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        own = list(warnings.filters)
        thread.start()
        inside.wait(10)
        with without_warnings("nothing_else"):
            leave.set()
            thread.join()
            warnings.warn_explicit("noise", UserWarning, "a.py", 1, module="nothing_else.part")
            warnings.warn_explicit("news", UserWarning, "a.py", 1, module="somebody")
        assert list(warnings.filters) == own
    assert [str(warning.message) for warning in told] == ["news"]
    assert list(warnings.filters) == before


def test_no_line_is_lost_while_another_thread_is_silenced(capfd):
    inside, leave = threading.Event(), threading.Event()

    def silent():
        with muted():
            os.write(2, b"noise of a decoder\n")
            inside.set()
            leave.wait(0.2)

    thread = threading.Thread(target=silent)
    thread.start()
    inside.wait(10)
    tell("error", "news")
    leave.set()
    thread.join()
    assert capfd.readouterr().err == "tfwm: error: news\n"
