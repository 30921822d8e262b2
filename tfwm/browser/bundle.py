"""Writes the folder of the page: our scripts, the network, and the runtime from npm's packages."""

import shutil
from importlib import resources
from pathlib import Path

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

    Any web server can hand out the folder, 22 MB. What others made, LiteRT.js and @noble/hashes, is
    installed by npm at the versions and checksums that come with tfwm, and is not part of tfwm.

    Args:
        folder: folder to write.
        network: name or folder of a network of luminance with a TFLite file.
        packages: folder `node_modules` in which npm put these packages before; by default npm is
            run, which downloads 12 MB.
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
    card, tflite = _network(network)
    with npm_packages(packages) as modules, atomic_directory(folder) as draft:
        write_scripts(draft, modules)
        _write_runtime(draft, modules)
        (draft / "network").mkdir()
        for name, data in ((f"{card['name']}.tflite", tflite[0]), ("card.json", tflite[1])):
            (draft / "network" / name).write_bytes(data)
        for name in ("page.css", "demo.css"):
            (draft / name).write_text(read_text(name), "utf-8")
        policy = "; ".join(f"{name} {value}" for name, value in POLICY.items())
        settings = {"network": card["name"], "version": __version__}
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


def _network(name):
    """The card of a network, and the bytes of its TFLite file and of its card's."""
    files = NetworkFiles(network_directory(name))
    card = files.card
    geometry = card.get("geometry", {})
    if card.get("kind") != "message" or geometry.get("channels", 1) != 1 or geometry.get("whole"):
        raise ValueError(
            "Expected a network that marks the luminance of photos in blocks, such as photo. "
            f"Received: {name}"
        )
    tflite = f"{card['name']}.tflite"
    if not (files.folder / tflite).is_file():
        raise ValueError(
            f"The network {name} has no TFLite file here: make it with `tfwm export {name} "
            "FOLDER`, and name that folder."
        )
    return card, (files.read(tflite), files.read("card.json"))


def _check_new(folder, overwrite):
    check_writable(folder)
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "js" / "worker.js").is_file():
            raise ValueError(f"{folder} holds no page of tfwm, it is kept: choose another name.")
        if not overwrite:
            raise ValueError(f"{folder} exists: choose another name, or add --overwrite.")
