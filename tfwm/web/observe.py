"""One record for each request that a WSGI application answers."""

import time

ABOUT = "tfwm.about"


def observed(app, tell):
    """Returns a WSGI application that calls `tell` with a dict once an answer is made.

    Args:
        app: WSGI application; what it puts into the dict `environ["tfwm.about"]` is added.
        tell: function of a dict with `client`, `method`, `path`, `status`, `received` and `sent`
            (bytes) and `seconds`.
    """

    def run(environ, start_response):
        start, about = time.perf_counter(), environ.setdefault(ABOUT, {})
        record = {
            "client": environ.get("REMOTE_ADDR"),
            "method": environ.get("REQUEST_METHOD"),
            "path": environ.get("PATH_INFO"),
            "status": 500,
            "received": int(environ.get("CONTENT_LENGTH") or 0),
            "sent": 0,
        }

        def begin(status, headers, *rest):
            record["status"] = int(status[:3])
            return start_response(status, headers, *rest)

        answer = None
        try:
            answer = app(environ, begin)
            for part in answer:
                record["sent"] += len(part)
                yield part
        finally:
            if hasattr(answer, "close"):
                answer.close()
            tell({**record, "seconds": time.perf_counter() - start, **about})

    return run
