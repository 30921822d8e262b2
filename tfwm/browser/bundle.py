"""Writes the folder of the page: our scripts, the network, and the runtime from npm's packages."""

import io
import json
import shutil
from importlib import resources
from pathlib import Path

import numpy as np

from tfwm.browser.packages import licences, npm_packages
from tfwm.files import atomic_directory, check_writable
from tfwm.networks import NetworkFiles, network_directory
from tfwm.networks.manifest import write_manifest
from tfwm.pages import read_text, render
from tfwm.version import __version__

PAGE = "index.html"
# Nothing but its own files; `wasm-unsafe-eval` allows WebAssembly, and no text as a program. The
# worker starts from a blob, and so has this policy too.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "base-uri": "'none'",
    "form-action": "'none'",
}
LITERT = "@litertjs/core"
WASM_UTILS = "@litertjs/wasm-utils"
HASHES = "@noble/hashes"
# LiteRT.js takes the first where the browser knows relaxed SIMD, else the second.
WASM_BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal")
HASH_FILES = (
    ("sha3", "blake2", "scrypt", "pbkdf2", "hmac", "sha2", "utils")  # and what these import
    + ("_blake", "_md", "_u64")
)


def write_page(folder, network="photo", *, packages=None, overwrite=False):
    """Writes a page that reads and marks photos in the browser, as a folder of static files.

    Any web server can hand out the folder, 21 MB. What others made, LiteRT.js and @noble/hashes, is
    installed by npm at the versions and checksums that come with tfwm, and is not part of tfwm.

    Args:
        folder: folder to write.
        network: name or folder of a network of luminance with a TFLite file, whose blocks are read
            by themselves, such as `photo`.
        packages: folder `node_modules` in which npm put these packages before; by default npm is
            run, which needs the internet.
        overwrite: whether a page that is there is replaced.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        ValueError: the network has no TFLite file, or is none of luminance; the folder is there.
        OSError: npm is not here, or fails.

    Example:

    >>> write_page("page")  # doctest: +SKIP
    PosixPath('page')
    """
    folder = Path(folder)
    _check_new(folder, overwrite)
    name, files = _network(network)
    with npm_packages(packages) as modules, atomic_directory(folder) as draft:
        write_scripts(draft, modules)
        _write_runtime(draft, modules)
        (draft / "network").mkdir()
        for file, data in files.items():
            (draft / "network" / file).write_bytes(data)
        for file in ("page.css", "demo.css", "drop.js"):
            (draft / file).write_text(read_text(file), "utf-8")
        policy = "; ".join(f"{name} {value}" for name, value in POLICY.items())
        settings = {"network": name, "version": __version__}
        page = render("browser.html", policy=policy, settings=settings)
        (draft / PAGE).write_text(page, "utf-8")
        (draft / "LICENSES.txt").write_text(licences(modules), "utf-8")
        write_manifest(draft)
    return folder


def write_scripts(folder, modules):
    """Writes our scripts and the hash functions that they import: `folder/js`, `folder/hashes`.

    Args:
        folder: of the page.
        modules: folder `node_modules`.
    """
    (folder / "js").mkdir()
    for script in resources.files("tfwm.browser").joinpath("js").iterdir():
        if script.name.endswith(".js"):
            (folder / "js" / script.name).write_bytes(script.read_bytes())
    (folder / "hashes").mkdir()
    for name in HASH_FILES:
        shutil.copyfile(modules / HASHES / f"{name}.js", folder / "hashes" / f"{name}.js")


def _write_runtime(folder, modules):
    (folder / "litert" / "wasm").mkdir(parents=True)
    for build in WASM_BUILDS:
        for name in (f"{build}.js", f"{build}.wasm"):
            shutil.copyfile(modules / LITERT / "wasm" / name, folder / "litert" / "wasm" / name)
    # A page without a bundler finds a package by its path only.
    text = (modules / LITERT / "dist" / "index.js").read_text("utf-8")
    text = text.replace(f'"{WASM_UTILS}"', '"./wasm-utils.js"')
    (folder / "litert" / "litert.js").write_text(text, "utf-8")
    shutil.copyfile(modules / WASM_UTILS / "dist" / "index.js", folder / "litert" / "wasm-utils.js")


def _network(network):
    """The name of a network, and its files in the page: `{file: bytes}`."""
    files = NetworkFiles(network_directory(network))
    card = files.card
    geometry = card.get("geometry", {})
    # LiteRT.js does not give what a graph reshapes to computed sides, as patches of blocks do.
    fits = geometry and geometry["patch"] == geometry["block"]
    fits = fits and not geometry.get("whole") and not geometry.get("phases")
    if card.get("kind") != "message" or not fits or geometry.get("channels", 1) != 1:
        raise ValueError(
            "Expected a network that marks the luminance of photos in blocks of their own, without "
            f"the key's filter, such as photo. Received: {network}"
        )
    name = card["name"]
    if not (files.folder / f"{name}.tflite").is_file():
        raise ValueError(
            f"The network {network} has no TFLite file here: make it with `tfwm export {network} "
            "FOLDER`, and name that folder."
        )
    as_they_are = (f"{name}.tflite", "card.json")
    golden = _golden(files.read("golden.npz"))
    return name, {file: files.read(file) for file in as_they_are} | {"golden.json": golden}


def _golden(data):
    """A marked picture and its logits, which the page repeats before it reads anything."""
    with np.load(io.BytesIO(data)) as file:
        image, logits = file["watermarked"][0], file["logits"][0]
    values = {"shape": image.shape, "image": image.ravel().tolist()}
    return json.dumps({**values, "logits": logits.ravel().tolist()}).encode()


def _check_new(folder, overwrite):
    check_writable(folder)
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "js" / "worker.js").is_file():
            raise ValueError(f"{folder} holds no page of tfwm, it is kept: choose another name.")
        if not overwrite:
            raise ValueError(f"{folder} exists: choose another name, or add --overwrite.")
