"""The secret that a server may ask of its clients."""

import os

from tfwm.files import read_bounded

TOKEN_VARIABLE = "TFWM_TOKEN"
LEAST_TOKEN, LARGEST_TOKEN = 16, 4096


def read_token(path=None):
    """Returns the token of a file or of the environment variable `TFWM_TOKEN`, or `None`.

    Args:
        path: of a file that holds it, without its last line end.
    """
    if path is None:
        token = os.environ.get(TOKEN_VARIABLE)
        what = TOKEN_VARIABLE
    else:
        what = "the token's file"
        token = read_bounded(path, LARGEST_TOKEN, what).decode("utf-8", "replace").strip()
    return check_token(token, f" in {what}", LEAST_TOKEN)


def check_token(token, where="", least=1):
    """Returns a token that a header of HTTP holds, or `None` for none; `ValueError` for others.

    Args:
        token: what should be one; it is not told.
        where: words on where it stands.
        least: number of characters that it must have.
    """
    if token is None:
        return None
    is_text = isinstance(token, str)
    fits = is_text and len(token) >= least and token.isascii() and token.isprintable()
    if not fits or " " in token:
        received = f"{len(token)} characters" if is_text else f"a {type(token).__name__}"
        raise ValueError(
            f"Expected a token of at least {least} printable ASCII characters, without spaces"
            f"{where}. Received: {received}; make one with: openssl rand -hex 32"
        )
    return token
