"""Imports inside the package run one way (see CONTRIBUTING.md)."""

import ast
from pathlib import Path

import tfwm

PACKAGE = Path(tfwm.__file__).parent
LEVEL = {
    "checks": 0,
    "files": 0,
    "keys": 0,
    "pages": 0,
    "startup": 0,
    "payload": 1,
    "images": 1,
    "ops": 1,
    "corners": 2,
    "distortions": 2,
    "marking": 2,
    "layers": 2,
    "attacks": 3,
    "losses": 3,
    "metrics": 3,
    "data": 3,
    "models": 4,
    "training": 5,
    "networks": 5,
    "export": 6,
    "convert": 7,
    "watermarker": 7,
    "batch": 8,
    "protection": 9,
    "evaluation": 10,
    "recipes": 11,
    "report": 11,
    "demo": 11,
    "cli": 12,
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
