"""Files and folders that appear whole or not at all, tables as CSV, numbers for JSON."""

import contextlib
import csv
import hashlib
import io
import itertools
import math
import os
import re
import secrets
import shlex
import shutil
import stat
import sys
import time
from importlib import metadata
from pathlib import Path

from tfwm.checks import one_line
from tfwm.version import __version__

LIBRARIES = ("numpy", "scipy", "pillow", "scikit-image", "tensorflow", "keras")


def write_whole(path, data, overwrite=True, mode=None):
    """Writes text or bytes to a file that appears whole or not at all.

    A device or a pipe, such as `/dev/stdout`, is written to as it is.

    Args:
        path: file to write; its folder is made.
        data: bytes, or text, which is written in UTF-8; a lone surrogate, as of a file name that is
            no UTF-8, becomes `\\udcff`, which JSON reads back.
        overwrite: whether an existing file is replaced; the new one gets its permissions.
        mode: permissions of the file, from its first byte on, such as 0o600 for a secret.

    Returns:
        `pathlib.Path`.

    Raises:
        OSError: one line; what was there before is still there.
    """
    path = Path(path)
    draft = draft_of(path)
    if isinstance(data, str):
        data = data.encode("utf-8", "backslashreplace")
    try:
        if is_stream(path):
            with path.open("ab") as file:
                file.write(data)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made here rather than by tempfile, whose files nobody else may read.
        draft.touch(0o666 if mode is None else mode, exist_ok=False)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.lexists(path):
            _check_replaceable(path, overwrite)
            with contextlib.suppress(OSError):  # not all file systems know permissions
                if mode is None:
                    shutil.copymode(path, draft)
        draft.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise OSError(f"Could not write {path}: {reason}. Nothing was changed.") from error
        raise
    return path


def is_stream(path):
    """Returns whether a path is a device or a pipe, which is written to and never replaced.

    Links of the system to what is open, such as `/dev/stdout`, are, whatever they lead to.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if path.is_symlink() and path.absolute().parts[1:2] in (("dev",), ("proc",)):
        return True
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_writable(path):
    """Raises `OSError`, in one line, where permissions tell that nothing can be written to a path.

    So that this is said before the work. The folders that lack on the way would be made.

    Args:
        path: of a file or a folder, there or not.
    """
    if is_stream(path):
        return
    there = next(p for p in (Path(path).absolute(), *Path(path).absolute().parents) if p.exists())
    folder = there if there.is_dir() else there.parent
    if there != Path(path).absolute() and not there.is_dir():
        raise NotADirectoryError(f"{there} is a file: expected a folder there, to write {path}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {folder} may not be written to: check its permissions.")


def check_new_file(path, overwrite=False):
    """Raises, in one line and before the work, where a file cannot be written.

    Args:
        path: file to write.
        overwrite: whether an existing one may be replaced.
    """
    path = Path(path).expanduser()
    if path.exists() and not overwrite and not is_stream(path):
        raise ValueError(f"{path} exists: choose another name, or add --overwrite.")
    check_writable(path)


def draft_of(path):
    """Returns a new name beside a path, for what is not whole yet; it fits wherever `path` does."""
    return Path(path).with_name(f".tfwm-{secrets.token_hex(6)}.part")


def remove_drafts(folder, age=3600):
    """Removes what runs that were killed left unfinished in a folder and its sub-folders.

    Args:
        folder: path.
        age: seconds for which nobody may have written to a draft that is removed.
    """
    for path in Path(folder).rglob(".tfwm-*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > age:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def is_same_name(first, second):
    """Returns whether two paths are one and the same entry of a folder, perhaps a link."""
    try:
        return os.path.samestat(os.lstat(first), os.lstat(second))
    except (OSError, TypeError, ValueError):  # one is missing, or no path
        return False


def in_place(source, output):
    """Returns the file to write: behind a link, if it is the link that is also read."""
    return Path(output).resolve() if is_same_name(source, output) else Path(output)


def other_names(source, output):
    """Returns a note, in a list, if replacing a file by itself leaves hard links to the old one."""
    if not is_same_name(source, output) or os.stat(output).st_nlink < 2:
        return []
    return ["it has other names (hard links), under which the unmarked photo stays"]


@contextlib.contextmanager
def atomic_directory(target):
    """Fills a temporary sibling folder and renames it to `target` at the end.

    If anything goes wrong inside the `with` block, `target` is as it was before and the
    temporary folder is gone. A failure to write, a full disk included, is an `OSError`
    of one line.

    Args:
        target: folder to make; an older one of that name is replaced, behind a link if it is one.

    Yields:
        `pathlib.Path` of the empty folder to fill.
    """
    target = Path(target).absolute()
    target = Path(os.path.realpath(target)) if target.is_symlink() else target
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"Cannot write the folder {target}: a file has that name.")
    missing = [p for p in target.parents if not p.exists()]
    draft = draft_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
        yield draft
        _replace(draft, target)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        with contextlib.suppress(OSError):
            for parent in missing:
                parent.rmdir()
        if isinstance(error, OSError) or _is_tensorflow_error(error):
            raise OSError(
                f"Could not write {target}: {_reason(error)}. Nothing was changed."
            ) from error
        raise


def named(text):
    """Returns a file's name as this system writes it, also where the locale is not UTF-8.

    Example:

    >>> named("é.png")  # in a UTF-8 locale
    'é.png'
    """
    with contextlib.suppress(UnicodeError):
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    return text


def sha256(path):
    """Returns the SHA-256 of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bounded(path, most, what):
    """Returns the bytes of a file that may be a pipe, such as `<(pass show key)`.

    Args:
        path: of the file.
        most: largest number of bytes; an endless device has more.
        what: what the error calls the file.
    """
    with open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{what} {path} has more than {most / 2**20:g} MiB: name the right file.")
    return content


def write_csv(rows, path, comments=()):
    """Writes rows as CSV, under comment lines that start with `# `.

    Args:
        rows: list of dicts with the same keys; floats are written with six digits.
        path: file to write.
        comments: lines for the head of the file.

    Returns:
        `pathlib.Path`.

    Example:

    >>> write_csv([{"network": "a", "ber": 0.25}], "results/a.csv")  # doctest: +SKIP
    """
    text = io.StringIO()
    for comment in comments:
        text.write(f"# {' '.join(str(comment).split())}\n")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return write_whole(path, text.getvalue())


def read_csv(path):
    """Returns the rows of a file that `write_csv` wrote, a list of dicts.

    Numbers come back as int or float, empty cells as `None`, and everything else as text.

    Example:

    >>> rows = read_csv(write_csv([{"network": "a", "ber": 0.25, "n": 3}], "rows.csv"))
    >>> rows
    [{'network': 'a', 'ber': 0.25, 'n': 3}]
    """
    with open(path, newline="", encoding="utf-8") as file:
        lines = itertools.dropwhile(lambda line: line.startswith("#"), file)
        rows = list(csv.DictReader(lines))
    return [{key: _value(cell) for key, cell in row.items()} for row in rows]


def result_head(data, *notes, what="", command=None):
    """Returns the comment lines of a result: how to make it again, of what, and with what.

    Args:
        data: name of the data set and number of images, such as `"bsds500-test, 200 images"`.
        *notes: further lines.
        what: a few words that say what the result is.
        command: the command; by default the one that runs.

    Example:

    >>> result_head("photos, 10 images", "seed 0", command="tfwm evaluate photo")[:3]
    ['tfwm evaluate photo', 'data photos, 10 images', 'seed 0']
    """
    if command is None:
        command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    data = f"{what}; data {data}" if what else f"data {data}"
    return [command, data, *notes, versions()]


def finite(value):
    """Returns a value without NaN and infinities, which JSON does not know.

    Example:

    >>> finite({"psnr": float("inf"), "margins": [1.5, float("nan")]})
    {'psnr': None, 'margins': [1.5, None]}
    """
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def versions():
    """Returns one line with the versions of the package and of what its numbers depend on."""
    parts = [f"tfwm {__version__}"]
    for library in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            parts.append(f"{library} {metadata.version(library)}")
    return ", ".join(parts)


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else value


def _value(cell):
    for number in (int, float):
        try:
            return number(cell)
        except ValueError:
            continue
    return cell or None


def _check_replaceable(path, overwrite):
    if not overwrite:
        raise FileExistsError(None, "it exists, choose another name or overwrite it")
    if path.exists() and not path.stat().st_mode & 0o222:
        raise PermissionError(None, "it is write-protected")


def _replace(draft, target):
    old = draft_of(target)
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
    text = one_line(getattr(error, "message", None) or error, length=None)
    # TensorFlow: "{{function_node ...}} path of a temporary file; reason [Op:SaveV2]"
    return re.sub(r"\s*\[Op:\w+\]$", "", text).split("; ")[-1].rstrip(".")


def _is_tensorflow_error(error):
    # Known without importing TensorFlow, which takes seconds.
    return any(kind.__name__ == "OpError" for kind in type(error).__mro__)


def refuse_same(output, store):
    """Raises `ValueError` if a file to write is the store itself, which it would replace."""
    if os.path.realpath(output) == os.path.realpath(store):
        raise ValueError(f"Expected an output beside the store. Received: both are {output}")
