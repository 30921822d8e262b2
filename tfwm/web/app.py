"""A Flask application whose errors are one line of JSON."""

import logging

from tfwm.checks import need
from tfwm.web.turns import Busy

EXTRA = "serve"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
log = logging.getLogger(__name__)


class NotFound(LookupError):
    """What was asked for is not here; its text is one line."""


def make_app(most_bytes, *, word="error", headers=None, retry_after=1):
    """Returns a `flask.Flask` without pages that refuses what is wrong in one line of JSON.

    A `ValueError` is what the client did wrong (400; 404 for `NotFound`), a `Busy` what the server
    has no room for (503 with `Retry-After`), a `MemoryError` a request that is too large (413), and
    anything else a fault of ours (500), which is logged and not told.

    Args:
        most_bytes: of a request's body.
        word: name of the line in the JSON.
        headers: of all answers.
        retry_after: seconds after which a client that found no room should ask again.
    """
    flask = need("flask", EXTRA)
    from werkzeug.exceptions import HTTPException

    app = flask.Flask("tfwm", static_folder=None)
    app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = most_bytes

    @app.after_request
    def protect(response):
        response.headers.update(HEADERS if headers is None else headers)
        return response

    @app.errorhandler(Exception)
    def refuse(error):
        status, text = 500, "Something went wrong here."
        if isinstance(error, HTTPException):
            status, text = error.code or 500, f"{error.name}: {error.description}"
        elif isinstance(error, NotFound):
            status, text = 404, str(error)
        elif isinstance(error, Busy):
            status, text = 503, str(error)
        elif isinstance(error, ValueError):
            status, text = 400, str(error)
        elif isinstance(error, MemoryError):
            status, text = 413, "There is not enough memory for this."
        else:
            log.exception("failed at %s", flask.request.path)
        response = flask.make_response({word: " ".join(text.split())}, status)
        if status == 503:
            response.headers["Retry-After"] = str(retry_after)
        return response

    return app
