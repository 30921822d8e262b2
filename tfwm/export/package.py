"""Writing everything that belongs to a trained network."""

from pathlib import Path

from tfwm.export.atomic import atomic_directory
from tfwm.export.card import check_card, write_card
from tfwm.export.golden import make_golden, write_golden
from tfwm.export.keras_network import KerasNetwork
from tfwm.export.manifest import write_manifest
from tfwm.export.saved_model import write_saved_model
from tfwm.export.tflite import TFLITE_KINDS, tflite_name, write_tflite
from tfwm.export.verify import verify


def package_network(embedder, extractor, directory, card, files=None):
    """Writes a network in every form, with card, golden tensors and checksums, and verifies it.

    The folder holds `1/` (SavedModel), `<name>.tflite`, `<name>-float16.tflite`,
    `<name>-int8.tflite`, `embedder.keras`, `extractor.keras`, `card.json`, `golden.npz` and
    `manifest.json`. It appears whole, and only if the golden tensors come out alike in all
    forms; an older folder of that name is replaced.

    Args:
        embedder: `keras.Model`, such as `tfwm.models.redmark.build_embedder` gives.
        extractor: `keras.Model`, such as `tfwm.models.redmark.build_extractor` gives.
        directory: folder to write.
        card: dict, see `tfwm.export.make_card`; the files are called after its `name`.
        files: dict of more files to add, name to bytes.

    Returns:
        `pathlib.Path` of the folder.
    """
    check_card(card)
    name, folder = card["name"], Path(directory)
    network = KerasNetwork(embedder, extractor, name, card)
    with atomic_directory(folder) as draft:
        write_saved_model(embedder, extractor, draft / "1")
        for kind in TFLITE_KINDS:
            write_tflite(draft / "1", draft / tflite_name(name, kind), kind)
        embedder.save(draft / "embedder.keras")
        extractor.save(draft / "extractor.keras")
        write_card(card, draft)
        for file, content in (files or {}).items():
            (draft / file).write_bytes(content)
        write_golden(make_golden(network, card["strength"]["default"]), draft)
        write_manifest(draft)
        failed = [c for c in verify(draft).checks if not c.passed]
        if failed:
            raise ValueError(
                f"The network was not written to {folder}, its forms disagree: "
                f"{failed[0].name}: {failed[0].detail}"
            )
    return folder
