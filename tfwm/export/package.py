"""Writing everything that belongs to a trained network."""

import contextlib
from pathlib import Path

from tfwm.export.golden import make_golden, write_golden
from tfwm.export.saved_model import write_saved_model
from tfwm.export.tflite import write_tflites
from tfwm.export.verify import verify
from tfwm.files import atomic_directory
from tfwm.networks.card import check_card, write_card
from tfwm.networks.keras_network import KerasNetwork
from tfwm.networks.manifest import write_manifest


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
    with open_package(directory, card, files, verify) as draft:
        write_saved_model(embedder, extractor, draft / "1")
        write_tflites(draft, card["name"])
        embedder.save(draft / "embedder.keras")
        extractor.save(draft / "extractor.keras")
        network = KerasNetwork(embedder, extractor, card["name"], card)
        write_golden(make_golden(network, card["strength"]["default"]), draft)
    return Path(directory)


@contextlib.contextmanager
def open_package(directory, card, files, check):
    """Yields a folder for a network's forms; adds card and checksums, and verifies the whole.

    Args:
        directory: folder to write, whole or not at all.
        card: dict, see `tfwm.export.make_card`.
        files: dict of more files to add, name to bytes; or `None`.
        check: function of the folder to its `VerifyReport`.
    """
    check_card(card)
    with atomic_directory(directory) as draft:
        yield draft
        write_card(card, draft)
        for file, content in (files or {}).items():
            (draft / file).write_bytes(content)
        write_manifest(draft)
        failed = [c for c in check(draft).checks if not c.passed]
        if failed:
            raise ValueError(
                f"The network was not written to {Path(directory)}, its forms disagree: "
                f"{failed[0].name}: {failed[0].detail}"
            )
