"""Asks a service of C2PA's Soft Binding Resolution API for manifests."""

import functools
import json
import urllib.parse

from tfwm.databases import is_address
from tfwm.images import Photo, encode_photo, read_any
from tfwm.provenance.fetch import Fetcher, NotFound, ServiceError
from tfwm.provenance.signpost import DISCOVERY
from tfwm.provenance.store import LARGEST_MANIFEST, RESULTS, ManifestStore, Match

LARGEST_ANSWER = 1 << 20
LARGEST_ID = 1000
QUALITY = 95


class StoreClient:
    """A service with the resolution API; it has `find` and `manifest` as `ManifestStore` has.

    It may be hostile: an answer has to come within 30 seconds, and is bounded. Only the host that
    `url` names is asked, at the first question and not before. What fails raises `ServiceError`, an
    `OSError` of one line.

    Args:
        url: address of the API, such as `"https://c2pa.example.org/v1"`; or of its host, which is
            then asked where its API lies.
        follow: whether other hosts are asked too to which the service sends us: those of public
            addresses, and with TLS if `url` has it.
        send_picture: whether the service is sent pictures whose mark leads to no manifest here,
            see `by_content`.

    Raises:
        ValueError: `url` is no address.
    """

    def __init__(self, url, follow=False, send_picture=False):
        self.name, self.send_picture = url, send_picture
        self._fetcher = Fetcher(url, follow)

    @functools.cached_property
    def _base(self):
        parts = urllib.parse.urlsplit(self.name)
        if parts.path not in ("", "/"):
            return self.name.rstrip("/")
        host = f"{parts.scheme}://{parts.netloc}"
        told = self._json(f"{host}{DISCOVERY}").get("apiEndpoint")
        if not isinstance(told, str):
            raise ServiceError(f"The service {self.name} does not say where its API lies.")
        return self._at(host, told)

    def find(self, algorithm, value, most=RESULTS, like=None):
        """See `ManifestStore.find`; the service does not rank by `like`."""
        asked = urllib.parse.urlencode({"alg": algorithm, "value": value, "maxResults": most})
        return _matches(self._json(f"{self._base}/matches/byBinding?{asked}"), most)

    def by_content(self, photo, most=RESULTS):
        """Sends a picture, and returns the `Match`es of the mark that the service reads in it.

        What is sent are the pixels, of an animation those of the first frame, as JPEG of quality
        95: neither metadata nor transparency, nor the name of the file.

        Args:
            photo: see `tfwm.images.read_photo`.
            most: largest number of matches.
        """
        url = f"{self._base}/matches/byContent?maxResults={most}"
        return _matches(self._json(url, what_is_sent(photo)), most)

    def verdict(self, photo):
        """Sends a picture as `by_content` does, and returns the service's `Verdict.coarse`.

        Returns:
            Dict; `None` if the service has no `/verdict`, which is not of C2PA's API.
        """
        try:
            told = self._json(f"{self._base}/verdict", what_is_sent(photo))
        except NotFound:
            return None
        texts = {name: told.get(name) for name in ("conclusion", "technique", "confidence", "ask")}
        texts = {
            name: text[:100] if isinstance(text, str) else None for name, text in texts.items()
        }
        generated = told.get("generated")
        return {**texts, "generated": generated if isinstance(generated, bool) else None}

    def manifest(self, id, endpoint=None) -> bytes:
        """See `ManifestStore.manifest`; an endpoint is another service that holds it."""
        base = self._base if endpoint is None else self._at(self._base, endpoint)
        name = urllib.parse.quote(id, safe=":")
        try:
            return self._fetcher.get(
                f"{base}/manifests/{name}", LARGEST_MANIFEST, "application/c2pa"
            )
        except NotFound:
            raise KeyError(id) from None

    def _at(self, base, url):
        """A base that the service names, checked."""
        try:
            url = urllib.parse.urljoin(base, url)
        except ValueError:
            pass  # the check says what is wrong
        return self._fetcher.check(url.rstrip("/"))

    def _json(self, url, body=None):
        data = self._fetcher.get(url, LARGEST_ANSWER, "application/json", body)
        try:
            told = json.loads(data)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise ServiceError(f"The service {self.name} did not answer with JSON as the API asks.")
        return told


def what_is_sent(photo):
    """Returns the bytes of a picture that a service gets, see `StoreClient.by_content`."""
    return encode_photo(Photo(read_any(photo).pixels), "picture.jpg", QUALITY)


def _matches(told, most):
    """What a service found; what is not as the API has it is left out."""
    matches, found = told.get("matches"), []
    for match in matches if isinstance(matches, list) else ():
        id = match.get("manifestId") if isinstance(match, dict) else None
        if isinstance(id, str) and id.isprintable() and 0 < len(id) <= LARGEST_ID:
            score, endpoint = match.get("similarityScore"), match.get("endpoint")
            score = min(max(score, 0), 100) if isinstance(score, int) else 100
            found.append(Match(id, score, endpoint if isinstance(endpoint, str) else None))
    return found[:most]


def open_store(place, create=False, *, follow=False, send_picture=False):
    """Returns the store at a path, or the service at an address: both have `find` and `manifest`.

    Args:
        place: path of a `ManifestStore`, or `http://...` or `https://...`.
        create: whether to make a missing file.
        follow: of an address, see `StoreClient`, as `send_picture`.
    """
    if is_address(place):
        return StoreClient(str(place), follow, send_picture)
    if follow or send_picture:
        raise ValueError(
            "Expected the address of a service (https://...) with --follow and --send-picture. "
            f"Received: {place}"
        )
    return ManifestStore(place, create)
