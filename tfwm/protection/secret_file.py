"""The file that holds an owner's secret."""

import os
from pathlib import Path

from tfwm.protection.key import checked_secret, new_secret


def write_secret(path):
    """Writes a new secret to a new file, which only its owner can read; returns its path.

    Args:
        path: file to write; one that exists is never replaced.

    Returns:
        `pathlib.Path`.
    """
    path = Path(path).expanduser()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ValueError(
            f"{path} exists, and a lost secret cannot be made again: choose another name."
        ) from None
    except OSError as error:
        raise OSError(f"The secret cannot be written to {path}: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(new_secret() + "\n")
    return path


def read_secret_file(path):
    """Returns the secret in a file, without white space around it; checks that it is not weak."""
    path = Path(path).expanduser()
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"The secret file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"The secret file {path} cannot be read: it is no text.") from error
    try:
        checked_secret(secret)
    except ValueError as error:
        raise ValueError(f"The secret file {path}: {error}") from error
    return secret
