"""Asks a service of C2PA's Soft Binding Resolution API for manifests."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

from tfwm.provenance.signpost import DISCOVERY
from tfwm.provenance.store import LARGEST_MANIFEST, RESULTS, ManifestStore, Match
from tfwm.version import __version__

TIMEOUT = 20.0
LARGEST_ANSWER = 1 << 20


class StoreClient:
    """A service with the resolution API; it has `find` and `manifest` as `ManifestStore` has.

    Args:
        url: address of the API, such as `"https://c2pa.example.org/v1"`; or of its host, which is
            then asked where its API lies.

    Raises:
        OSError: one line; the service does not answer as the API asks.
    """

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"Expected an address http://... or https://... Received: {url!r:.80}")
        self.name = url
        self._base = url.rstrip("/")
        if parts.path in ("", "/"):
            told = self._json(f"{parts.scheme}://{parts.netloc}{DISCOVERY}").get("apiEndpoint")
            if not isinstance(told, str):
                raise OSError(f"The service {url} does not say where its API lies.")
            self._base = urllib.parse.urljoin(url, told).rstrip("/")
            self._check(self._base)

    def find(self, algorithm, value, most=RESULTS, like=None):
        """See `ManifestStore.find`; the service does not rank by `like`."""
        asked = urllib.parse.urlencode({"alg": algorithm, "value": value, "maxResults": most})
        matches = self._json(f"{self._base}/matches/byBinding?{asked}").get("matches")
        found = []
        for match in matches if isinstance(matches, list) else ():
            if isinstance(match, dict) and isinstance(match.get("manifestId"), str):
                score, endpoint = match.get("similarityScore"), match.get("endpoint")
                score = score if isinstance(score, int) else 100
                endpoint = endpoint if isinstance(endpoint, str) else None
                found.append(Match(match["manifestId"], score, endpoint))
        return found[:most]

    def manifest(self, id, endpoint=None) -> bytes:
        """See `ManifestStore.manifest`; an endpoint is another service that holds it."""
        base = self._base if endpoint is None else self._check(endpoint.rstrip("/"))
        name = urllib.parse.quote(id, safe=":")
        return self._get(f"{base}/manifests/{name}", LARGEST_MANIFEST, "application/c2pa", id)

    def _json(self, url):
        data = self._get(url, LARGEST_ANSWER, "application/json")
        try:
            told = json.loads(data)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise OSError(f"The service {self.name} did not answer with JSON as the API asks.")
        return told

    def _get(self, url, most, accept, id=None):
        headers = {"Accept": accept, "User-Agent": f"tfwm/{__version__}"}
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                data = response.read(most + 1)
        except urllib.error.HTTPError as error:
            if error.code == 404 and id is not None:
                raise KeyError(id) from error
            raise OSError(f"The service {self.name} refused: HTTP {error.code}.") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise OSError(f"The service {self.name} cannot be reached: {reason}.") from error
        if len(data) > most:
            raise OSError(f"The service {self.name} answered with more than {most >> 20} MiB.")
        return data

    def _check(self, url):
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise OSError(f"The service {self.name} names an address that is none: {url!r:.80}.")
        return url


def open_store(place, create=False):
    """Returns the store at a path, or the service at an address: both have `find` and `manifest`.

    Args:
        place: path of a `ManifestStore`, or `http://...` or `https://...`.
        create: whether to make a missing file.
    """
    if str(place).startswith(("http://", "https://")):
        return StoreClient(str(place))
    return ManifestStore(place, create)
