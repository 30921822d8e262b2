"""The file with a commitment, to be published before a dispute."""

import datetime
import hashlib
import json
import os
from pathlib import Path

from tfwm.export.keyed import EXTRACTOR, HOST
from tfwm.protection.commitment import check_commitment, commitment, watermark_digest
from tfwm.protection.keyed_reader import keyed_folder
from tfwm.protection.watermark_file import read_watermark

FORM = "tfwm keyed commitment 1"
FIELDS = ("form", "date", "network", "watermark", "files", "commitment")


def write_commitment(network, secret, path, overwrite=False):
    """Writes the commitment to a watermarked network and its owner's secret.

    Args:
        network: name or folder of a watermarked network.
        secret: the owner's, see `tfwm.keys.derive_key`.
        path: JSON file to write.
        overwrite: whether a file that exists is replaced.

    Returns:
        dict, as written: `form`, `date` (UTC), `network`, the SHA-256 of `watermark` and `files`,
        and the `commitment`.
    """
    folder, path = keyed_folder(network), Path(path).expanduser()
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists: choose another name, or add --overwrite.")
    watermark, files = read_watermark(folder), _digests(folder)
    record = {
        "form": FORM,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "network": folder.name,
        "watermark": watermark_digest(watermark),
        "files": files,
        "commitment": commitment(secret, watermark, files),
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(f"Could not write {path}: {error.strerror}. Nothing was changed.") from error
    return record


def check_commitment_file(path, network, secret):
    """Returns the record of a commitment's file, with whether it holds.

    Args:
        path: JSON file that `write_commitment` wrote.
        network: name or folder of the watermarked network as it is now.
        secret: the owner's.

    Returns:
        The dict in the file, with `holds`, and in `reason` what does not fit, or `None`.
    """
    try:
        record = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
        missing = [field for field in FIELDS if field not in record]
    except OSError as error:
        raise ValueError(f"The commitment {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no commitment of `tfwm keyed prove`: no JSON.") from error
    if missing or record["form"] != FORM:
        raise ValueError(
            f"{path} is no commitment of `tfwm keyed prove`: "
            + (f"it lacks {missing[0]}." if missing else f"its form is {record['form']!r}.")
        )
    folder = keyed_folder(network)
    watermark, files = read_watermark(folder), _digests(folder)
    reason = None
    if record["watermark"] != watermark_digest(watermark):
        reason = "it is of another watermark"
    elif record["files"] != files:
        changed = [name for name, digest in files.items() if record["files"].get(name) != digest]
        reason = f"{(changed or ['a file'])[0]} is another than it was made for"
    elif not check_commitment(record["commitment"], secret, watermark, files):
        reason = "it was made with another secret"
    return {**record, "holds": reason is None, "reason": reason}


def _digests(folder):
    digests = {}
    for name in (EXTRACTOR, HOST):
        with open(folder / name, "rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
