"""The rules of the house that a program can check (see CONTRIBUTING.md)."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tfwm

PACKAGE = Path(tfwm.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 400, 60
TOP_OF_EVALUATION = 8


def functions(tree):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def length_of(function):
    """Lines of a function without its docstring."""
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        length -= docstring.end_lineno - docstring.lineno + 1
    return length


def test_imports_run_one_way():
    """The contracts of setup.cfg: layers, and no circles."""
    if not (ROOT / "setup.cfg").is_file():
        pytest.skip("needs the checkout with setup.cfg")
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache", "--no-logo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_files_stay_short():
    counts = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert not {str(path): n for path, n in counts.items() if n > MAX_FILE}


def test_functions_stay_short():
    long = [
        f"{path}: {function.name}"
        for path in SOURCES
        for function in functions(ast.parse(path.read_text()))
        if length_of(function) > MAX_FUNCTION
    ]
    assert not long


def test_what_is_printed_goes_through_the_console():
    """Which makes it printable where it goes."""
    prints = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        if path.name != "console.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert not prints


def test_modules_say_what_they_are_for():
    assert not [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]


def test_evaluation_stays_findable():
    entries = [p.name for p in (PACKAGE / "evaluation").iterdir() if p.name != "__pycache__"]
    assert len(entries) <= TOP_OF_EVALUATION
