"""The packages of others that the page needs, from npm at the pinned versions."""

import contextlib
import json
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from tfwm.checks import one_line

LOCK = "package-lock.json"
NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
TOP = """What this page is made of, beside the scripts, styles and the network of tfwm ({licence}).
{used}
Changed by tfwm: one import in litert/litert.js, which names ./wasm-utils.js.
"""


def pinned():
    """Returns `{package: {"version", "license", "integrity"}}` of what the page needs."""
    lock = json.loads(_file(LOCK).read_text("utf-8"))
    inside = "node_modules/"
    packages = lock["packages"].items()
    return {name.removeprefix(inside): each for name, each in packages if name.startswith(inside)}


@contextlib.contextmanager
def npm_packages(folder=None):
    """Yields the folder `node_modules` with the packages of the page.

    Args:
        folder: one that npm made before, whose versions are checked; by default npm is run in a
            temporary folder, and compares its downloads with the checksums of the lock file.
    """
    if folder is not None:
        yield checked_packages(folder)
        return
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(
            "npm is not here, which comes with Node.js: install it, or name a folder node_modules "
            "that another computer made (--packages)."
        )
    with tempfile.TemporaryDirectory(prefix="tfwm-") as draft:
        for name in (LOCK, "package.json"):
            (Path(draft) / name).write_bytes(_file(name).read_bytes())
        done = subprocess.run([npm, *NPM], cwd=draft, capture_output=True, text=True)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            reason = one_line(" ".join(line.removeprefix("npm error ") for line in lines[:2]))
            raise OSError(f"npm could not get the packages of the page: {reason}")
        yield checked_packages(Path(draft) / "node_modules")


def checked_packages(folder):
    """Returns the folder as a path, or raises `ValueError` if a package is missing or another one.

    Args:
        folder: `node_modules`.
    """
    folder = Path(folder)
    for name, wanted in pinned().items():
        try:
            found = json.loads((folder / name / "package.json").read_bytes())["version"]
        except (OSError, ValueError, KeyError, TypeError):
            found = "none"
        if found != wanted["version"]:
            raise ValueError(
                f"Expected {name} {wanted['version']} in {folder}: run npm ci with the files of "
                f"tfwm/browser/npm. Received: {found}"
            )
    return folder


def licences(modules):
    """Returns the text of the licences of everything in the page.

    Args:
        modules: folder `node_modules`.
    """
    packages = pinned()
    used = [f"{name} {each['version']}: {each['license']}" for name, each in packages.items()]
    texts = [TOP.format(licence="MIT", used="\n".join(used))]
    for name in packages:
        file = modules / name / "LICENSE"
        if file.is_file():
            texts.append(f"{name}\n\n{file.read_text('utf-8')}")
    texts.append(_file("Apache-2.0.txt").read_text("utf-8"))
    return f"\n{78 * '-'}\n\n".join(texts)


def _file(name):
    return resources.files("tfwm.browser").joinpath("npm").joinpath(name)
