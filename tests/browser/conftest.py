import json
import runpy
from pathlib import Path

import pytest

from tfwm.browser import bundle, packages


@pytest.fixture(scope="session")
def golden():
    """The golden cases, a dict ready for JSON."""
    return runpy.run_path(str(Path(__file__).with_name("golden.py")))["make_cases"]()


@pytest.fixture(scope="session")
def modules():
    """Folder `node_modules` with the packages of the page, which npm downloads or has kept."""
    context = packages.npm_packages()
    try:
        folder = context.__enter__()
    except OSError as error:
        pytest.skip(f"needs npm and its registry: {error}")
    yield folder
    context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def scripts(modules, tmp_path_factory):
    """Folder with the scripts of the page, as node takes them."""
    folder = tmp_path_factory.mktemp("scripts")
    bundle.write_scripts(folder, modules)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture
def stand_ins(tmp_path):
    """A folder `node_modules` such as npm makes, its files almost empty."""
    folder = tmp_path / "node_modules"
    wasm = [f"wasm/{build}.{ending}" for build in bundle.WASM_BUILDS for ending in ("js", "wasm")]
    files = {
        bundle.LITERT: [*wasm, "dist/index.js"],
        bundle.WASM_UTILS: ["dist/index.js"],
        bundle.HASHES: [f"{name}.js" for name in bundle.HASH_FILES],
    }
    for package, names in files.items():
        for name in names:
            (folder / package / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / package / name).write_text('import { x } from "@litertjs/wasm-utils";\n')
        version = {"version": packages.pinned()[package]["version"]}
        (folder / package / "package.json").write_text(json.dumps(version))
    (folder / bundle.HASHES / "LICENSE").write_text("The MIT License, of its author")
    return folder
