"""The forms of a network (Keras, SavedModel, TFLite): their files, and which one is opened."""

from pathlib import Path

from tfwm.checks import nearest
from tfwm.networks.card import kind_of
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.places import how_to_get, is_partial
from tfwm.startup import NEEDS_TENSORFLOW, check_fork, has_tensorflow, import_tensorflow, quiet

TFLITE_FORMATS = ("float32", "float16", "int8")
FORMS = ("keras", "saved_model", *(f"tflite {name}" for name in TFLITE_FORMATS))
# What each runtime opens, the best first. Of "auto", LiteRT comes first, with the file that gives
# what TensorFlow gives: it starts at once, and a marked photo is the same in each installation.
RUNTIMES = {
    "auto": ("tflite float32", "saved_model", "tflite float16", "tflite int8", "keras"),
    "lite": tuple(f"tflite {name}" for name in TFLITE_FORMATS),
    "tensorflow": ("saved_model", "keras"),
}


def tflite_name(name, number_format):
    """Returns the name of a TFLite file: `<name>.tflite`, or `<name>-<number format>.tflite`."""
    return f"{name}.tflite" if number_format == "float32" else f"{name}-{number_format}.tflite"


def form_files(name, folder, card):
    """Returns the paths that a form, one of `FORMS`, consists of, whether they are there or not."""
    folder = Path(folder)
    if name == "keras":
        return [folder / file for file in kind_of(card).keras_files]
    if name == "saved_model":
        return [newest_version(folder) / "saved_model.pb"]
    name, number_format = card.get("name", folder.name), name.removeprefix("tflite ")
    return [folder / tflite_name(name, number_format)]


def newest_version(folder):
    """Returns the folder of the newest SavedModel, `folder/1` if there is none."""
    versions = [p for p in folder.iterdir() if p.name.isdecimal() and p.is_dir()]
    return max(versions, key=lambda p: int(p.name), default=folder / "1")


def available_form(files, card, runtime="auto"):
    """Returns the name of the form that is taken from a network's folder.

    Args:
        files: `NetworkFiles`.
        card: its card, `{}` if there is none.
        runtime: one of `RUNTIMES`. `"auto"` takes the TFLite file in float32, else the SavedModel
            if it may be run, else a less exact TFLite file, else the Keras files.
    """
    folder = files.folder
    wanted = RUNTIMES[nearest("runtime", runtime, RUNTIMES)]
    here = [name for name in RUNTIMES["auto"] if _is_here(name, folder, card)]
    fit = [name for name in here if name in wanted]
    newest = newest_version(folder)
    if fit[:1] != ["tflite float32"] and newest.is_dir() and "saved_model" not in here:
        raise FileNotFoundError(f"The network {newest} is incomplete: saved_model.pb is missing.")
    trusted = "saved_model" in here and files.trusted()  # or the signature is not of these files
    if fit[1:] and fit[0] == "saved_model" and not trusted:
        fit = fit[1:]
    if not has_tensorflow():
        fit = [name for name in fit if name.startswith("tflite")]
    if fit:
        return fit[0]
    if here:
        raise _unfit(files, card, runtime, here)
    if is_partial(folder):
        name = Path(folder).name
        raise FileNotFoundError(f"The network {name} is not here. {how_to_get(name)}")
    raise FileNotFoundError(
        f"There is no network in {folder}: expected a SavedModel in {folder / '1'}, a TFLite file "
        f"or {' and '.join(kind_of(card).keras_files)}."
    )


def _unfit(files, card, runtime, here):
    """The error for a network that is here, in forms that this runtime does not open."""
    if runtime == "tensorflow" and not has_tensorflow():
        return ImportError(NEEDS_TENSORFLOW, name="tensorflow")
    name = card.get("name", files.folder.name)
    if here[0].startswith("tflite"):
        return ValueError(
            f"Expected a SavedModel or Keras files for the runtime tensorflow. Received: {name}, "
            "which is here as a TFLite file: take the runtime lite or auto."
        )
    forms = {"keras": "Keras files", "saved_model": "a SavedModel"}
    told = f"The network {name} is here as {' and '.join(forms[form] for form in here)}, which "
    export = f"`tfwm export {name} FOLDER` writes a TFLite file"
    if has_tensorflow():
        return ValueError(f"{told}LiteRT does not run: take the runtime auto. Or {export}.")
    return ImportError(
        f"{told}TensorFlow runs, and it is not installed: pip install 'tfwm[tensorflow]'. Or where "
        f"it is, {export}: name that folder here.",
        name="tensorflow",
    )


def _is_here(name, folder, card):
    return all(path.is_file() for path in form_files(name, folder, card))


def open_form(name, folder, card, num_threads=1):
    """Opens one form of a network of any kind.

    Args:
        name: one of `FORMS`.
        folder: the network's folder, or its `NetworkFiles`: a SavedModel that does not come with
            tfwm needs `NetworkFiles(folder, trust=True)`.
        card: its card.
        num_threads: threads for a TFLite file.

    Returns:
        `Form`. Raises `ValueError` or `FileNotFoundError`, in one line, if it cannot be read, or
        may do more than compute.

    Example:

    >>> folder = network_directory("keyed-colorize")  # doctest: +SKIP
    >>> form = open_form("saved_model", folder, read_card(folder))  # doctest: +SKIP
    >>> colored = form("run", image=gray)["output"]  # doctest: +SKIP
    """
    nearest("form", name, FORMS)
    files = NetworkFiles.of(folder)
    names = [path.relative_to(files.folder) for path in form_files(name, files.folder, card)]
    return open_files(files, [name.as_posix() for name in names], kind_of(card), num_threads)


def open_files(files, names, kind, num_threads=1):
    """Opens the form that consists of files of these names, of a network of a `Kind`.

    Args:
        files: `NetworkFiles`.
        names: the two Keras files, one TFLite file, or the `saved_model.pb` of a SavedModel.
        kind: `Kind`.
        num_threads: threads for a TFLite file.
    """
    check_fork()
    (first, *rest) = names
    if first.endswith(".tflite"):
        from tfwm.networks.lite import open_tflite

        return open_tflite(files, first, kind, num_threads)
    import_tensorflow()
    with quiet():
        from tfwm.networks import tensorflow_forms
        from tfwm.networks.keras_files import read_keras_models
    if rest:
        return tensorflow_forms.open_keras(*read_keras_models(files, kind.name), kind.name)
    return tensorflow_forms.open_saved_model(files, first.removesuffix("saved_model.pb"), kind)
