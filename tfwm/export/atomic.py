"""Folders that appear whole or not at all."""

import contextlib
import os
import re
import shutil
from pathlib import Path

import tensorflow as tf


@contextlib.contextmanager
def atomic_directory(target):
    """Fills a temporary sibling folder and renames it to `target` at the end.

    If anything goes wrong inside the `with` block, `target` is as it was before and the
    temporary folder is gone. A failure to write, a full disk included, is an `OSError`
    of one line.

    Args:
        target: folder to make; an older one of that name is replaced.

    Yields:
        `pathlib.Path` of the empty folder to fill.
    """
    target = Path(target).absolute()
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"Cannot write the folder {target}: a file has that name.")
    missing = [p for p in target.parents if not p.exists()]
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        yield draft
        _replace(draft, target)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        with contextlib.suppress(OSError):
            for parent in missing:
                parent.rmdir()
        if isinstance(error, (OSError, tf.errors.OpError)):
            raise OSError(
                f"Could not write {target}: {_reason(error)}. Nothing was changed."
            ) from error
        raise


def _replace(draft, target):
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _reason(error):
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(getattr(error, "message", None) or error).strip().split("\n")[0]
    # TensorFlow: "{{function_node ...}} path of a temporary file; reason [Op:SaveV2]"
    return re.sub(r"\s*\[Op:\w+\]$", "", text).split("; ")[-1].rstrip(".")
