"""The HTTP server of the recovery service: waitress, with the limits of time that it lacks.

waitress receives whole requests before a thread works for them, so that slow senders cost no
thread. But it only ends connections on which nothing happens: here a request has to arrive, and an
answer to be taken, in a given time, and where there is no room left the slowest have to go.
"""

import logging
import math
import time

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.utilities import Error

# Seconds in which a request arrives as a whole, in which its answer is taken, and without either.
RECEIVE, SEND, IDLE = 60.0, 300.0, 60
# Seconds between looks at the clock, and those that nobody is sent away for.
LOOK, GRACE = 2.0, 2.0
CONNECTIONS = 200
# Bytes a second of senders that are not slow.
FAIR = 20_000
# Bytes of all requests that are being received.
HELD = 2**29


class TooSlow(Error):
    """The answer to requests that do not arrive in time."""

    code, reason = 408, "Request Timeout"


class Channel(HTTPChannel):
    """A connection that knows since when its request arrives and its answer leaves."""

    began = answered = 0.0

    def received(self, data):
        before = self.request
        result = super().received(data)
        if self.request is not before:
            self.began = time.time()
        return result

    def service(self):
        self.answered = time.time()
        super().service()
        self.answered = time.time()

    def progress(self, now):
        """Bytes a second of what is received, and since when: the least has to go first.

        `None` while the request is worked for.
        """
        if self.requests or self.will_close:
            return None
        if self.total_outbufs_len:
            return math.inf, self.answered
        if self.request is None:
            return 0.0, self.last_activity
        rate = self.request.body_bytes_received / max(now - self.began, 0.1)
        return rate, self.began

    def give_up(self):
        """Ends a request that does not arrive, and the connection with it."""
        with self.requests_lock:
            request, self.request = self.request, None
            if request is None or self.requests:
                self.will_close = True
                return
            request.error = TooSlow(f"Expected the whole request within {RECEIVE:.0f} seconds.")
            self.requests.append(request)
            self.server.add_task(self)


class Server(TcpWSGIServer):
    """Ends what takes too long, and the slowest where there is no room."""

    channel_class = Channel

    def maintenance(self, now):
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.request is not None and now - channel.began > RECEIVE:
                channel.give_up()
            elif channel.total_outbufs_len and now - channel.answered > SEND:
                channel.will_close = True

    def readable(self):
        self._make_room(time.time())
        return super().readable()

    def _make_room(self, now):
        channels = list(self.active_channels.values())
        leaving = sum(channel.will_close for channel in channels)
        full = len(self._map) - leaving >= self.adj.connection_limit
        senders = [c for c in channels if c.request is not None and not c.will_close]
        much = sum(c.request.body_bytes_received for c in senders) > HELD
        if not full and not much:
            return
        of = senders if much else channels
        told = [(progress, c) for c in of if (progress := c.progress(now))]
        old = [one for one in told if now - one[0][1] > GRACE]
        slow = [one for one in old if one[0][0] < FAIR]
        # Fast senders go only where there are no others: new ones may yet be slow.
        going = told if much else slow or (old if len(old) == len(told) else ())
        if going:
            min(going, key=lambda one: one[0])[1].will_close = True


def make_server(app, host, port, threads, most_bytes):
    """Returns a server of a WSGI application that listens, and serves when it is `run`.

    Args:
        app: WSGI application.
        host: address to listen at.
        port: number of the port; 0 takes any free one.
        threads: number of requests that are worked for at once.
        most_bytes: of a request's body.
    """
    logging.getLogger("waitress").setLevel(logging.ERROR)  # a crowd is no news
    return Server(
        app,
        host=host,
        port=port,
        threads=threads,
        connection_limit=CONNECTIONS,
        max_request_body_size=most_bytes,
        channel_timeout=IDLE,
        cleanup_interval=LOOK,
        outbuf_high_watermark=2**30,  # a slow reader never holds a thread
        ident=None,
    )
