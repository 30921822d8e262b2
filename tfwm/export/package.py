"""Writing everything that belongs to a trained network."""

from pathlib import Path

from tfwm.export.golden import golden_of, write_golden
from tfwm.export.verify import verify
from tfwm.export.write import export_saved_model, write_saved_model, write_tflite
from tfwm.files import atomic_directory
from tfwm.networks.card import CARD, check_card, guess_kind, kind_of, read_card, write_card
from tfwm.networks.forms import (
    TFLITE_FORMATS,
    find_keras_models,
    open_keras,
    read_keras_models,
    tflite_name,
)
from tfwm.networks.manifest import write_manifest
from tfwm.networks.places import network_directory

# What else lies in the folders of barriers and keyed networks, and goes along.
MORE_FILES = ("watermark.png", "demonstration.secret")


def package_network(first, second, directory, card, files=None, key=None):
    """Writes a network of any kind in every form, and verifies what it wrote.

    The folder holds `1/` (SavedModel), `<name>.tflite`, `<name>-float16.tflite`,
    `<name>-int8.tflite`, the two Keras files, `card.json`, `golden.npz` and `manifest.json`. It
    appears whole, and only if the golden tensors come out alike in all forms; an older folder of
    that name is replaced.

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

    Returns:
        `pathlib.Path` of the folder.
    """
    check_card(card)
    kind = kind_of(card)
    with atomic_directory(directory) as draft:
        write_saved_model(first, second, draft / "1", kind.name)
        for form in TFLITE_FORMATS:
            write_tflite(
                draft / "1", draft / tflite_name(card["name"], form), form, kind.signatures
            )
        for model, name in zip((first, second), kind.keras_files, strict=True):
            model.save(draft / name)
        write_golden(golden_of(open_keras(first, second, kind.name), card), draft)
        write_card(card, draft)
        for file, content in (files or {}).items():
            (draft / file).write_bytes(content)
        write_manifest(draft)
        failed = [check for check in verify(draft, key).checks if not check.passed]
        if failed:
            raise ValueError(
                f"The network was not written to {directory}, its forms disagree: "
                f"{failed[0].name}: {failed[0].detail}"
            )
    return Path(directory)


def export_again(source, directory):
    """Writes the forms of a network of any kind from its Keras files.

    Args:
        source: name of a network, or the folder of a run or of an exported network. With a
            `card.json` there, `package_network` writes all forms; without, the SavedModel
            `directory/1` is written alone.
        directory: folder to write; an older one is replaced.

    Returns:
        `pathlib.Path` of what was written.
    """
    folder = find_keras_models(network_directory(source))
    if (folder / CARD).is_file():
        card = read_card(folder)
        models = read_keras_models(folder, card["kind"])
        files = {
            name: (folder / name).read_bytes() for name in MORE_FILES if (folder / name).is_file()
        }
        return package_network(*models, directory, card, files)
    kind = guess_kind({}, folder)
    models = read_keras_models(folder, kind)
    with atomic_directory(directory) as draft:
        export_saved_model(*models, draft, kind=kind)
    return Path(directory) / "1"
