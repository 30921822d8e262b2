"""The HTTP server of the demo page: local, strict about requests, without a framework."""

import json
import logging
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tfwm import pages
from tfwm.checks import one_line
from tfwm.demo.envelope import pack, unpack
from tfwm.demo.sliders import SLIDERS
from tfwm.web import Busy, Room, Turns

LOCAL = "127.0.0.1"
HTTP = 80  # the port that browsers leave out
MAX_BODY = 160 * 2**20
# Bodies that are held at once, requests that may wait, and for how many seconds.
HELD, WAITING, PATIENCE = 2 * MAX_BODY, 8, 60.0
CONTENT_TYPE = "application/octet-stream"
LENGTH = re.compile("[0-9]{1,18}")
STATIC = {
    "/page.css": "text/css",
    "/demo.css": "text/css",
    "/compare.js": "text/javascript",
    "/requests.js": "text/javascript",
    "/drop.js": "text/javascript",
    "/demo.js": "text/javascript",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
log = logging.getLogger(__name__)


def hosts_of(port):
    """Returns what browsers send as the host of a page on a port of this computer.

    Example:

    >>> sorted(hosts_of(80))
    ['127.0.0.1', '127.0.0.1:80', 'localhost', 'localhost:80']
    """
    names = (LOCAL, "localhost")
    return {f"{name}:{port}" for name in names} | set(names if port == HTTP else ())


class Refused(Exception):
    """A request that gets an HTTP status and one line as its answer."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class DemoServer(ThreadingHTTPServer):
    """HTTP server of the demo page, on 127.0.0.1 only.

    Python's own server is enough: there are one user and few requests, and every request is
    checked before its body is read; it needs no further library, and what is in work at once is
    bounded as in all our servers. Pages of other sites cannot use the server: the address
    must be this server's (which prevents DNS rebinding), the origin too, and browsers do not
    send this content type across origins without asking.

    Args:
        port: number of the port; 0 takes any free one.

    Attributes:
        actions: `Actions`; set it before the server runs.
        url: address of the page.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port):
        super().__init__((LOCAL, port), Handler)
        self.actions = None
        # One thread for all photos: what each thread keeps of memory would add up.
        self.turns, self.room = Turns(1, WAITING, PATIENCE), Room(HELD, PATIENCE)
        self.url = f"http://{LOCAL}:{self.server_port}/"
        self.hosts = hosts_of(self.server_port)

    def handle_error(self, request, client_address):
        log.debug("a connection broke", exc_info=True)  # such as a page that was closed


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "tfwm"
    sys_version = ""
    timeout = 60

    unread = 0

    def do_GET(self):
        self._guarded(self._get)

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        self.unread = int(length) if LENGTH.fullmatch(length) else 0
        self._guarded(self._post)

    def send_error(self, code, message=None, explain=None):
        """Answers requests that the base class refuses, such as other methods."""
        self._refuse(Refused(code, message or HTTPStatus(code).phrase))

    def log_message(self, format, *arguments):
        log.debug(format, *arguments)

    def _guarded(self, answer):
        try:
            if self.headers.get("Host", "").lower() not in self.server.hosts:
                raise Refused(403, f"This page has only one address: {self.server.url}")
            answer()
        except Refused as error:
            self._refuse(error)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except ValueError as error:
            self._refuse(Refused(400, " ".join(str(error).split())), keep=True)
        except Busy as error:
            self._refuse(Refused(503, str(error)))
        except ImportError as error:  # such as the one of the example photo
            self._refuse(Refused(501, one_line(error)))
        except MemoryError:
            self._refuse(Refused(413, "There is not enough memory for this photo."))
        except Exception:
            log.exception("the demo failed at %s", self.path)
            self._refuse(Refused(500, "Something went wrong here; the terminal says what."))

    def _get(self):
        path = self.path.partition("?")[0]
        if path == "/":
            self._send(_page(self.server.actions.settings()).encode(), "text/html; charset=utf-8")
        elif path in STATIC:
            data = pages.read_text(path[1:]).encode()
            self._send(data, f"{STATIC[path]}; charset=utf-8")
        elif path == "/example.png":
            self._send(self.server.actions.example(), "image/png")
        else:
            raise Refused(404, "There is no such page.")

    def _post(self):
        name = self.path.removeprefix("/api/")
        if self.path == name or name not in ("open", "mark", "save", "damage", "read"):
            raise Refused(404, "There is no such action.")
        self._check()
        with self.server.room.hold(self.unread):
            fields, parts = unpack(self._body())
            if name == "read":
                self.server.turns.run(self._read, fields, parts)
            else:
                answer = self.server.turns.run(getattr(self.server.actions, name), fields, parts)
                self._send(pack(*answer), CONTENT_TYPE)

    def _check(self):
        """Refuses what is no request of this page, before its body is read."""
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.server.hosts}:
            raise Refused(403, "Requests of other sites are not answered.")
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Refused(403, "Requests of other sites are not answered.")
        if self.headers.get("Content-Type") != CONTENT_TYPE:
            raise Refused(415, f"Expected a body of the type {CONTENT_TYPE}.")
        length = self.headers.get("Content-Length", "")
        if not LENGTH.fullmatch(length) or "Transfer-Encoding" in self.headers:
            raise Refused(411, "Expected the length of the body.")
        if self.unread > MAX_BODY:
            raise Refused(413, f"The file is too large: at most {MAX_BODY >> 20} MB.")

    def _body(self):
        length, self.unread = self.unread, 0
        body = self.rfile.read(length)
        if len(body) != length:
            raise ConnectionResetError
        return body

    def _drain(self):
        """Reads and drops the body of a refused request; else its sender misses the answer."""
        left, self.unread = min(self.unread, 4 * MAX_BODY), 0
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                return
            left -= len(piece)

    def _read(self, fields, parts):
        """Streams lines of JSON: the progress, then the result or the error.

        If the page closes the connection, the search ends.
        """
        self.close_connection = True
        started = False

        def say(values):
            nonlocal started
            if not started:
                self._head(200, "application/x-ndjson", {"Connection": "close"})
                started = True
            self.wfile.write(json.dumps(values, allow_nan=False).encode() + b"\n")
            self.wfile.flush()

        def progress(share, stage):
            say({"progress": share, "stage": stage})

        try:
            say({"result": self.server.actions.read(fields, parts, progress)})
        except ValueError as error:
            if not started:
                raise
            say({"error": " ".join(str(error).split())})
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            if not started:
                raise
            log.exception("the demo failed while reading")
            say({"error": "Something went wrong here; the terminal says what."})

    def _refuse(self, error, keep=False):
        self.close_connection = self.close_connection or not keep
        body = json.dumps({"error": str(error)}).encode()
        try:
            self._send(body, "application/json", error.status)
            self._drain()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _send(self, body, content_type, status=200):
        headers = {"Content-Length": str(len(body))}
        if self.close_connection:
            headers["Connection"] = "close"
        self._head(status, content_type, headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status, content_type, headers):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **headers, **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()


def _page(settings):
    limits = {"max_body": MAX_BODY - 2**20}
    return pages.render("demo.html", settings={**settings, **limits}, sliders=SLIDERS, **settings)
