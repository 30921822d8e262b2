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
    if token is None:
        return None
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(
            f"Expected a token of at least {LEAST_TOKEN} printable ASCII characters in {what}. "
            f"Received: {len(token)} characters; make one with: openssl rand -hex 32"
        )
    return token
