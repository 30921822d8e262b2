"""Writing everything that belongs to a trained network."""

import shutil
import warnings
from pathlib import Path

from tfwm.export.golden import golden_of, write_golden
from tfwm.export.verify import verify
from tfwm.export.write import export_saved_model, write_saved_model, write_tflite
from tfwm.files import atomic_directory
from tfwm.networks import TFLITE_FORMATS, open_keras, tflite_name
from tfwm.networks.card import KINDS, check_card, guess_kind, kind_of, write_card
from tfwm.networks.fit import check_fit
from tfwm.networks.keras_files import find_keras_models, read_keras_models
from tfwm.networks.manifest import write_manifest
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.places import network_directory
from tfwm.networks.signing import read_private_key, sign_network

SMALLEST = "int8"
# What else lies in the folders of barriers and keyed networks, and goes along.
MORE_FILES = ("watermark.png", "demonstration.secret")


def package_network(first, second, directory, card, files=None, key=None, keras_only=False):
    """Writes a network of any kind in every form, and verifies what it wrote.

    The folder holds `1/` (SavedModel), `<name>.tflite`, `<name>-float16.tflite`,
    `<name>-int8.tflite`, the two Keras files, `card.json`, `golden.npz` and `manifest.json`. It
    appears whole, and only if the golden tensors come out alike in all forms; an older folder of
    that name is replaced. Where int8 alone is too far from the others, it is left out with a
    warning.

    Args:
        first: the embedder, such as `tfwm.models.redmark.build_embedder` gives; of a keyed
            network the host, a `keras.Model` from an image to an image, both in [0, 1].
        second: the extractor.
        directory: folder to write.
        card: dict, see `tfwm.networks.make_card`: its `kind` tells what the models are, and the
            files are called after its `name`.
        files: dict of more files to add, name to bytes.
        key: of a keyed network the owner's key, with which all forms must read alike as well: a
            trained extractor gives plain gray with the golden tensors' random key. It is not
            stored.
        keras_only: whether the SavedModel and the TFLite files are left out, after they were
            compared: those of networks with large constants are a hundred times as large.

    Returns:
        `pathlib.Path` of the folder.
    """
    check_card(card)
    kind = kind_of(card)
    form = open_keras(first, second, kind.name)
    check_fit(card, form)
    golden = golden_of(form, card)
    with atomic_directory(directory) as draft:
        write_saved_model(first, second, draft / "1", kind.name)
        for number in TFLITE_FORMATS:
            file = draft / tflite_name(card["name"], number)
            write_tflite(draft / "1", file, number, kind.signatures)
        for model, name in zip((first, second), kind.keras_files, strict=True):
            model.save(draft / name)
        write_golden(golden, draft)
        write_card(card, draft)
        for name, content in (files or {}).items():
            (draft / name).write_bytes(content)
        write_manifest(draft)
        checks = verify(draft, key, trust=True).checks
        failed = _without_poor_int8(draft, card["name"], [c for c in checks if not c.passed])
        if failed:
            raise ValueError(
                f"The network was not written to {directory}, its forms disagree: "
                f"{failed[0].name}: {failed[0].detail}"
            )
        if keras_only:
            shutil.rmtree(draft / "1")
            for number in TFLITE_FORMATS:
                (draft / tflite_name(card["name"], number)).unlink(missing_ok=True)
            write_manifest(draft)
    return Path(directory)


def _without_poor_int8(draft, name, failed):
    """Leaves out the file in int8 if it is too far from the others; returns the other failures."""
    poor = [check for check in failed if check.name == f"tflite {SMALLEST}"]
    if poor:
        file = draft / tflite_name(name, SMALLEST)
        file.unlink()
        write_manifest(draft)
        text = f"{file.name} is left out, as 8 bits are too few for this network: {poor[0].detail}"
        warnings.warn(text, stacklevel=3)
    return [check for check in failed if check not in poor]


def export_again(source, directory, sign=None, keras_only=False):
    """Writes the forms of a network of any kind from its Keras files.

    Args:
        source: name of a network, or the folder of a run or of an exported network. With a
            `card.json` there, `package_network` writes all forms; without, the SavedModel
            `directory/1` and the Keras files are written alone.
        directory: folder to write; an older one is replaced.
        sign: file of a private Ed25519 key to sign the network with, `None` for no signature.
        keras_only: see `package_network`; needs a `card.json`.

    Returns:
        `pathlib.Path` of what was written.
    """
    key = None if sign is None else read_private_key(sign)
    folder = find_keras_models(network_directory(source))
    files = NetworkFiles(folder)
    card = files.card
    kind = card["kind"] if card else guess_kind({}, folder)
    models = read_keras_models(files, kind)
    if card:
        more = {name: files.read(name) for name in MORE_FILES if (folder / name).exists()}
        package_network(*models, directory, card, more, keras_only=keras_only)
    elif keras_only:
        raise ValueError(f"Expected a network with a card.json. Received: {source}, without one")
    else:
        with atomic_directory(directory) as draft:
            export_saved_model(*models, draft, kind=kind)
            for model, name in zip(models, KINDS[kind].keras_files, strict=True):
                model.save(draft / name)
            write_manifest(draft)
    if key is not None:
        sign_network(directory, key)
    return Path(directory) if card else Path(directory) / "1"
