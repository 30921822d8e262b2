"""Imports inside the package run one way (see CONTRIBUTING.md)."""

import ast
from pathlib import Path

import tfwm

PACKAGE = Path(tfwm.__file__).parent
LEVEL = {
    "payload": 0,
    "images": 0,
    "startup": 0,
    "ops": 0,
    "marking": 1,
    "layers": 1,
    "attacks": 1,
    "losses": 1,
    "metrics": 1,
    "data": 1,
    "models": 2,
    "training": 3,
    "export": 3,
    "watermarker": 4,
    "protection": 4,
    "evaluation": 5,
    "recipes": 6,
    "report": 6,
    "demo": 6,
    "cli": 7,
}


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tfwm":
            rest = node.module.split(".")[1:]
            yield from ([rest[0]] if rest else [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("tfwm."):
                    yield alias.name.split(".")[1]


def test_imports_run_one_way():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for other in imported_parts(path):
            if part in LEVEL and other in LEVEL and other != part:
                if LEVEL[other] > LEVEL[part]:
                    wrong.append(f"{path.relative_to(PACKAGE)} imports tfwm.{other}")
    assert not wrong


def test_files_stay_short():
    long = [
        f"{path.relative_to(PACKAGE)}: {count}"
        for path in PACKAGE.rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 400
    ]
    assert not long
