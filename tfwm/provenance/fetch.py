"""Asks strangers over HTTP: bounded in time, in size, and in where it goes."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from tfwm.checks import one_line
from tfwm.version import __version__

# For one answer, from the name's look-up to its last byte.
SECONDS = 30.0
REDIRECTS, ADDRESSES = 3, 4
MOVED = (301, 302, 303, 307, 308)
PORTS = {"http": 80, "https": 443}


class ServiceError(OSError):
    """A service cannot be asked, or does not answer as it should; one line says why."""


class NotFollowed(ServiceError):
    """A service sends us to an address that the user did not name."""


class NotFound(ServiceError):
    """A service does not have what it was asked for."""


class Fetcher:
    """Gets what a service answers, and goes nowhere else.

    Args:
        home: address that the user named.
        follow: whether to go to other hosts to which the service sends us, of public addresses.

    Raises:
        ValueError: `home` is no address.
    """

    def __init__(self, home, follow=False):
        self.name, self._follow = home, follow
        try:
            self._home = _split(home)
        except ValueError:
            raise ValueError(
                f"Expected an address http://... or https://... Received: {home!r:.80}"
            ) from None

    def check(self, url):
        """Returns an address to which the service sends us, if we may go there.

        Raises:
            ServiceError: one line; `NotFollowed` if the user may allow it.
        """
        try:
            there = _split(url)
        except ValueError:
            raise ServiceError(
                f"The service {self.name} names an address that is none of http:// or https://: "
                f"{url!r:.80}"
            ) from None
        if self._is_home(there):
            return url
        if not self._follow:
            raise NotFollowed(
                f"The service {self.name} sends us to {there[0]}://{there[1]}:{there[2]}: "
                "--follow (follow=True) asks there too, or name that address yourself"
            )
        if self._home[0] == "https" and there[0] == "http":
            raise ServiceError(
                f"The service {self.name} sends us to an address without TLS: {url:.80}"
            )
        return url

    def get(self, url, most, accept, body=None):
        """Returns the bytes of an answer.

        Args:
            url: address, checked.
            most: largest number of bytes.
            accept: type of what is expected.
            body: bytes of a JPEG to send.

        Raises:
            ServiceError: one line; `NotFound` for HTTP 404.
        """
        watch = _Watch(SECONDS)
        headers = {"Accept": accept, "User-Agent": f"tfwm/{__version__}"}
        if body is not None:
            headers["Content-Type"] = "image/jpeg"
        try:
            for _ in range(REDIRECTS + 1):
                try:
                    return self._answer(url, most, headers, body, watch)
                except urllib.error.HTTPError as error:
                    error.close()
                    url = self._next(url, error, body)
            raise ServiceError(f"The service {self.name} sends us on and on.")
        finally:
            watch.stop()

    def _next(self, url, error, body):
        """Where a redirect leads."""
        if error.code == 404:
            raise NotFound(f"The service {self.name} refused: HTTP 404.") from None
        if error.code in (429, 503):
            raise ServiceError(f"The service {self.name} is busy: ask again in a minute.") from None
        place = error.headers.get("Location")
        if error.code not in MOVED or not place:
            raise ServiceError(f"The service {self.name} refused: HTTP {error.code}.") from None
        if body is not None:
            raise ServiceError(
                f"The service {self.name} wants the picture sent elsewhere: name the address "
                f"yourself ({place!r:.80})."
            ) from None
        return self.check(_join(url, place))

    def _answer(self, url, most, headers, body, watch):
        there = _split(url)
        request = urllib.request.Request(url, body, headers)
        opener = urllib.request.OpenerDirector()
        strict = not self._is_home(there)
        for handler in (
            urllib.request.ProxyHandler(),
            _Handler(watch, urllib.parse.urlsplit(url).netloc, strict),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        try:
            with opener.open(request, timeout=watch.left()) as response:
                data = response.read(most + 1)
                cut = len(data) <= most and response.length
        except urllib.error.HTTPError:
            raise
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if watch.is_late or isinstance(reason, TimeoutError):
                raise self._late() from None
            reason = one_line(reason, 100)
            raise ServiceError(f"The service {self.name} cannot be reached: {reason}.") from error
        if watch.is_late:
            raise self._late()
        if len(data) > most:
            raise ServiceError(f"The service {self.name} answered with more than {most >> 20} MiB.")
        if cut:
            raise ServiceError(f"The service {self.name} broke its answer off.")
        return data

    def _late(self):
        return ServiceError(f"The service {self.name} did not answer within {SECONDS:.0f} seconds.")

    def _is_home(self, there):
        """Whether an address is of the user's host and port, or of the same with TLS."""
        upgraded = ("https", self._home[1], 443)
        return there == self._home or (self._home[::2] == ("http", 80) and there == upgraded)


class _Watch:
    """Cuts connections off when the time is up."""

    def __init__(self, seconds):
        self._end, self._guards = time.monotonic() + seconds, []
        self._cut_off = False

    @property
    def is_late(self):
        return self._cut_off or time.monotonic() >= self._end

    def left(self):
        return max(self._end - time.monotonic(), 0.01)

    def guard(self, sock):
        # A copy, as TLS takes the socket itself over.
        copy = sock.dup()
        timer = threading.Timer(self.left(), self._cut, (copy,))
        timer.daemon = True
        timer.start()
        self._guards.append((timer, copy))

    def stop(self):
        for timer, copy in self._guards:
            timer.cancel()
            copy.close()

    def _cut(self, copy):
        self._cut_off = True
        try:
            copy.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already


class _Handler(urllib.request.AbstractHTTPHandler):
    """Opens connections that are watched, to hosts that are checked."""

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def __init__(self, watch, host, strict):
        super().__init__()
        self._watch, self._host, self._strict = watch, host, strict

    def http_open(self, request):
        return self.do_open(self._making(_Plain, request), request)

    def https_open(self, request):
        making = self._making(_Secure, request)
        return self.do_open(making, request, context=ssl.create_default_context())

    def _making(self, kind, request):
        def make(host, **options):
            made = kind(host, **options)
            made.watch, made.strict = self._watch, self._strict
            made.direct = request.host == self._host  # else it is the user's proxy
            return made

        return make


class _Plain(http.client.HTTPConnection):
    watch, strict, direct = None, False, True

    def connect(self):
        if self.direct:
            self.sock = self._reach()
        else:
            super().connect()
        self.watch.guard(self.sock)

    def _reach(self):
        """Connects to the very addresses that were checked."""
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        places = list(dict.fromkeys(place[4][:2] for place in found))
        if self.strict and not all(_is_public(host) for host, _ in places):
            raise OSError(f"{self.host:.80} is not a public address")
        for place in places[:ADDRESSES]:
            try:
                sock = socket.create_connection(place, self.watch.left() / 2)
                sock.settimeout(self.watch.left())
                return sock
            except OSError as error:
                reason = error
        raise reason


class _Secure(http.client.HTTPSConnection, _Plain):
    """As `_Plain`; the handshake is watched too."""


def _is_public(host):
    address = ipaddress.ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_global and not address.is_multicast


def _split(url):
    """Scheme, host and port; `ValueError` if the address is none of ours."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if not url.isprintable() or " " in url:
        raise ValueError
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]


def _join(url, place):
    try:
        return urllib.parse.urljoin(url, place)
    except ValueError:
        return place
