"""The rows of reports: what was marked or read, by a folder run or by a job on many machines."""

import hashlib

from tfwm.batch.done import key_id, settings_of
from tfwm.batch.messages import find_recipients
from tfwm.batch.report import EMBED_COLUMNS
from tfwm.payload import to_bytes, to_plain
from tfwm.register import find_owner
from tfwm.signatures import Signer

MEASURED = ("strength", "psnr", "p_value", "margin", "notes")
OWNER_COLUMNS = ("file", "recipient", "picture", "holds")


def marks_of(watermarker, options, salt=None):
    """Returns how a run marks, for each of its rows: network, settings and the key's name.

    Args:
        watermarker: `tfwm.Watermarker`.
        options: `tfwm.marking.EmbedOptions`.
        salt: of the key's name in an earlier run, see `tfwm.batch.done.key_id`.
    """
    return {
        "network": watermarker.network.name,
        "settings": " ".join(filter(None, (settings_of(options), watermarker.settings))),
        "key_id": key_id(options.key, salt),
    }


def embed_row(job, output, marks, values):
    """Returns the row of a photo in the report of marked photos.

    Args:
        job: `tfwm.batch.jobs.Job`.
        output: the marked copy inside the output folder, with slashes; `None` if there is no work.
        marks: see `marks_of`.
        values: see `measured`; `{}` before the work.
    """
    row = dict.fromkeys(EMBED_COLUMNS) | {"file": job.name, "source": str(job.source)}
    row["notes"] = []
    if output is not None:
        row |= {"output": output, **told_message(job), **marks}
    return row | values | job.details


def told_message(job):
    """Returns what a row tells of the message of a job: nothing, before its photo is signed."""
    if isinstance(job.message, Signer):
        return {}
    kind, _ = to_bytes(job.message)
    return {"message": to_plain(job.message), "kind": kind}


def measured(encoded, report, columns=()):
    """Returns what a row tells of a marked file.

    Args:
        encoded: its bytes.
        report: `tfwm.marking.FileReport`.
        columns: what else is told of it, see `tfwm.Watermarker.columns`.
    """
    told = (*MEASURED, *columns)
    values = {name: cell for name, cell in report.to_dict().items() if name in told}
    return values | {"bytes": len(encoded), "sha256": hashlib.sha256(encoded).hexdigest()}


def recipients_of(messages, register, watermarker, options):
    """Returns how rows of photos that were read tell whose copies they are.

    Args:
        messages: path of a table, see `find_recipients`; or `None`.
        register: `tfwm.register.Register`; or `None`.
        watermarker: `tfwm.Watermarker` that reads.
        options: dict of how it reads, with its `key`.

    Returns:
        `(columns, find)`: the names of the columns, and a function of a photo and its `Extraction`
        that returns a dict of them, and a note or `None`; `None` where nothing tells it.
    """
    if messages and register:
        raise ValueError("Expected a table of messages or a register. Received: both")
    if register:

        def find_in_register(photo, found):
            owner = find_owner(register, watermarker, photo, found, options.get("key"))
            file = "; ".join(dict.fromkeys(entry.file for entry in owner.entries))
            told = {"recipient": "; ".join(owner.recipients) or None}
            told |= {"picture": owner.picture, "holds": owner.holds}
            if owner.holds and owner.picture == "same":
                return told | {"file": file}, None
            worth = found.message is not None or owner.entries
            return told | {"file": file or None}, owner.sentence() if worth else None

        return OWNER_COLUMNS, find_in_register
    if not messages:
        return (), None
    columns, find = find_recipients(messages)

    def find_in_table(photo, found):
        given = find(found.message, found.kind) if found.message is not None else {}
        lacks = found.message is not None and not given
        return given, f"its message is not in {messages}" if lacks else None

    return columns, find_in_table


def check_values(watermarker, photo, message, how):
    """Returns what is told of whether a photo carries a message: of a mistake, that it does not.

    Args:
        watermarker: `tfwm.Watermarker`.
        photo: `tfwm.images.Photo` or `tfwm.images.Animation`.
        message: to carry.
        how: dict of the options of `Watermarker.check`.
    """
    try:
        return watermarker.check(photo, message, **how).to_dict()
    except ValueError as error:  # too small a photo, or too long a message
        return {"fits": False, "reason": str(error)}


def extract_values(photo, found, find=None):
    """Returns what a row tells of a photo that was read.

    Args:
        photo: `tfwm.images.Photo` or `tfwm.images.Animation`.
        found: its `tfwm.marking.Extraction`.
        find: see `recipients_of`.
    """
    notes = list(photo.notes) if photo.rows_read < 1 else []
    given, note = find(photo, found) if find else ({}, None)
    notes += [note] if note else []
    return {**found.to_dict(), "notes": notes, **given}
