"""A service that gives stripped pictures their manifests back, as C2PA's resolution API asks.

C2PA Soft Binding Resolution API, version 2.4: matches by a binding and by content, manifests by
identifier, and what the service can do. One address is not of this API: `/v1/verdict`, a detector
for everybody. Anybody may ask; nobody can write. Answers are coarse: no p-values, no confidence of
bits, likeness in steps of 10.
"""

import contextlib
import datetime
import urllib.parse

from tfwm import fingerprints
from tfwm.checks import check_number, need
from tfwm.images import read_any
from tfwm.provenance.binding import algorithm_of
from tfwm.provenance.inspection import inspect
from tfwm.provenance.recovery import look_up
from tfwm.provenance.signpost import DISCOVERY
from tfwm.provenance.store import MOST_RESULTS, RESULTS
from tfwm.web import Turns, check_claim
from tfwm.web import make_app as make_plain_app
from tfwm.web.address import host_port

VERSION = "2.4.0"
BASE = "/v1"
EXTRA = "serve"
MAX_BODY = 32 * 2**20
MAX_VALUE = 2048  # characters in an address; longer ones are sent in a body
MAX_JSON = 2**16
# Pictures that are read at once, those that may wait, and for how many seconds.
READERS, WAITING, PATIENCE = 1, 16, 30.0
# Threads for requests that ask for little, however many pictures wait.
CHEAP = 8
C2PA, STEP = "application/c2pa", 10
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type",
    "Cache-Control": "no-store",
}


class Resolver:
    """Answers the questions of the service, without HTTP.

    Args:
        store: `ManifestStore`.
        watermarker: `tfwm.Watermarker` that reads pictures; `None` goes by fingerprints only.
        key: secret of the marks.
        search: how far a mark is looked for, see `tfwm.Watermarker.extract`.
    """

    def __init__(self, store, watermarker=None, *, key=None, search="crop"):
        self.store, self.watermarker = store, watermarker
        self.key, self.search = key, search
        # One thread for all pictures: what each thread keeps of memory would add up.
        self._turns = Turns(READERS, WAITING, PATIENCE)

    def algorithms(self):
        """Returns the algorithms that are answered, as the API has them."""
        names = {name for name in self.store.algorithms() if name != fingerprints.ALGORITHM}
        if self.watermarker is not None:
            names.add(algorithm_of(self.watermarker.network.name))
        return {
            "watermarks": [{"alg": name} for name in sorted(names)],
            "fingerprints": [{"alg": fingerprints.ALGORITHM}],
        }

    def by_binding(self, algorithm, value, most=RESULTS):
        """Returns the matches of a binding, as the API has them."""
        return _told(self.store.find(algorithm, value, most=most))

    def by_content(self, take, algorithm=None, most=RESULTS):
        """Returns the matches of a picture: those of its mark, else those that look like it.

        Args:
            take: function that returns the bytes of its file, called once there is room for them.
            algorithm: look by this one only.
            most: largest number of matches.
        """
        return self._turns.run(self._by_content, take, algorithm, most)

    def verdict(self, take):
        """Returns what a stranger may know of a picture, `Verdict.coarse` of all its layers."""
        return self._turns.run(self._verdict, take)

    def _by_content(self, take, algorithm, most):
        photo = read_any(_checked(take()))
        reads = self.watermarker is not None and algorithm != fingerprints.ALGORITHM
        how = {"most": most, "algorithm": algorithm}
        if reads:
            how["network"] = self.watermarker.network.name
            how["found"] = self.watermarker.extract(photo, key=self.key, search=self.search)
        return _told(look_up(photo, self.store, **how)[0])

    def _verdict(self, take):
        how = {"key": self.key, "store": self.store, "search": self.search}
        return inspect(_checked(take()), watermarker=self.watermarker, **how).verdict.coarse()


def make_app(store, watermarker=None, *, key=None, search="crop", public_url=None):
    """Returns the service as a WSGI application (`flask.Flask`).

    Args:
        store: `ManifestStore`, or what it takes.
        watermarker: see `Resolver`, also for `key` and `search`.
        public_url: where the service is reached from outside, such as
            `"https://c2pa.example.org"`; by default, it tells addresses without a host.

    Example:

    >>> app = make_app(ManifestStore("manifests.db", create=True))
    >>> app.test_client().get("/v1/services/status").json["status"]
    'ok'
    """
    flask = need("flask", EXTRA)
    resolver = Resolver(store, watermarker, key=key, search=search)
    app = make_plain_app(MAX_BODY, word="detail", headers=HEADERS, retry_after=60)

    def answer(content, status=200):
        return flask.make_response(flask.jsonify(content), status)

    def refuse(status, text):
        return answer({"detail": text}, status)

    @app.get(f"{BASE}/matches/byBinding")
    def by_binding():
        algorithm, value = (flask.request.args.get(name, "") for name in ("alg", "value"))
        if len(value) > MAX_VALUE:
            return refuse(
                414, f"Expected a value of at most {MAX_VALUE} characters: send it by POST."
            )
        return answer(resolver.by_binding(*_asked(algorithm, value), _most(flask.request)))

    @app.post(f"{BASE}/matches/byBinding")
    def by_large_binding():
        if (flask.request.content_length or 0) > MAX_JSON:
            return refuse(413, f"Expected at most {MAX_JSON} bytes of JSON.")
        try:
            asked = flask.request.get_json()
        except RecursionError:
            return refuse(400, "Expected JSON that is not nested so deeply.")
        asked = asked if isinstance(asked, dict) else {}
        asked = _asked(asked.get("alg"), asked.get("value"))
        return answer(resolver.by_binding(*asked, _most(flask.request)))

    @app.post(f"{BASE}/matches/byContent")
    def by_content():
        algorithm = flask.request.args.get("alg") or None
        return answer(resolver.by_content(_picture(flask), algorithm, _most(flask.request)))

    @app.post(f"{BASE}/verdict")
    def verdict():
        return answer(resolver.verdict(_picture(flask)))

    @app.get(f"{BASE}/manifests/<path:id>")
    def manifest(id):
        try:
            return flask.Response(store.manifest(id), mimetype=C2PA)
        except KeyError:
            return refuse(404, "No manifest has this identifier.")

    _add_services(app, resolver, answer, _checked_url(public_url))
    return app


def _add_services(app, resolver, answer, public_url):
    """What the service says of itself."""

    @app.get(f"{BASE}/services/supportedAlgorithms")
    def algorithms():
        return answer(resolver.algorithms())

    @app.get(f"{BASE}/services/capabilities")
    def capabilities():
        told = {"c2paSpecificationVersion": VERSION, "supportedCapabilities": ["queryByContent"]}
        return answer(told)

    @app.get(f"{BASE}/services/status")
    def status():
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return answer({"status": "ok", "timestamp": now.replace("+00:00", "Z")})

    @app.get(DISCOVERY)
    def discovery():
        base = public_url + BASE
        told = {"apiEndpoint": base, "c2paSpecificationVersion": VERSION}
        for name in ("capabilities", "status"):
            told[f"{name}Endpoint"] = f"{base}/services/{name}"
        return answer(told)


def serve(store, watermarker=None, *, host="127.0.0.1", port=8766, ready=None, **options):
    """Serves a store until SIGTERM or Ctrl-C; requests in work are answered before it ends.

    A request has to arrive within a minute, and its answer to be taken within five; where there is
    no room for a further connection, the slowest one ends. For the world, put a proxy with TLS
    before it.

    Args:
        store: `ManifestStore`.
        watermarker: see `make_app`, also for the further options.
        host: address to listen at; `"0.0.0.0"` is all of this computer's.
        port: number of the port; 0 takes any free one.
        ready: called with the service's address once it answers.
    """
    need("waitress", EXTRA)
    from tfwm.web.server import make_server, stopped_by_signals

    port = check_number("port", port, 0, 65535, "a port from 0 to 65535", kind=int)
    app = make_app(store, watermarker, **options)
    server = make_server(app, host, port, READERS + WAITING + CHEAP, MAX_BODY)
    with contextlib.closing(server), stopped_by_signals(server.stop):
        if ready is not None:
            ready(f"http://{host_port(server.effective_host, server.effective_port)}")
        server.run()


def _asked(algorithm, value):
    for name, text in (("alg", algorithm), ("value", value)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"Expected {name}: the name of an algorithm, and a value in base64.")
        if not text.isprintable():
            raise ValueError(f"Expected {name} in printable characters.")
    return algorithm, value


def _checked_url(url):
    """The address of the service without a slash at its end; nothing for `None`."""
    if url is None:
        return ""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError(f"Expected public_url as https://HOST. Received: {url!r:.80}")
    return url.rstrip("/")


def _picture(flask):
    """A function that returns the bytes of the picture in a request."""
    if not flask.request.mimetype.startswith("image/"):
        flask.abort(415, "Expected the bytes of a picture, with its type as Content-Type.")
    if (flask.request.content_length or 0) > MAX_BODY:
        flask.abort(413)
    request = flask.request._get_current_object()
    request.max_content_length = MAX_BODY  # another thread does not know the application's limit
    return lambda: request.get_data(cache=False)


def _checked(encoded):
    check_claim(encoded)
    return encoded


def _most(request):
    text = request.args.get("maxResults", str(RESULTS))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]):
        raise ValueError(f"Expected maxResults from 1 to {MOST_RESULTS}. Received: {text!r:.40}")
    return min(int(text[:9]), MOST_RESULTS)


def _told(matches):
    found = []
    for match in matches:
        told = {"manifestId": match.id, "similarityScore": match.score // STEP * STEP}
        found.append(told if match.endpoint is None else {**told, "endpoint": match.endpoint})
    return {"matches": found}
