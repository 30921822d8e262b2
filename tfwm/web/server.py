"""The HTTP server of all services: waitress, with the limits of time that it lacks.

waitress receives whole requests before a thread works for them, so that slow senders cost no
thread. But it only ends connections on which nothing happens: here a request has to arrive, and an
answer to be taken, in a given time, and where there is no room left the slowest have to go. Told to
stop, it takes no further connections and ends when what it has is answered.
"""

import contextlib
import errno
import logging
import math
import signal
import threading
import time

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import Error

from tfwm.checks import shortened
from tfwm.web.address import host_port
from tfwm.web.observe import observed

# Seconds in which a request arrives as a whole, in which its answer is taken, and without either.
RECEIVE, SEND, IDLE = 60.0, 300.0, 60
# Seconds between looks at the clock, and those that nobody is sent away for.
LOOK, GRACE = 2.0, 2.0
CONNECTIONS = 200
# Bytes a second of senders that are not slow.
FAIR = 20_000
# Bytes of all requests that are being received.
HELD = 2**29
# A body may be so many times as large as is allowed and is still read to its end: a sender who is
# cut off in the middle would not see the answer.
READ_AND_REFUSED = 4
# Seconds for what is in work when the server is told to stop.
DRAIN = 25.0


class TooSlow(Error):
    """The answer to requests that do not arrive in time."""

    code, reason = 408, "Request Timeout"


class Refusal(ErrorTask):
    """What waitress itself answers to a request that is none, or too large, or too slow."""

    def service(self):
        super().service()
        tell = self.channel.server.observe
        if tell is not None:
            path = getattr(self.request, "path", "")
            tell({"client": self.channel.addr[0], "path": path, "status": int(self.status[:3])})


class Channel(HTTPChannel):
    """A connection that knows since when its request arrives and its answer leaves."""

    error_task_class = Refusal
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
    observe = None
    ends = None

    def run(self):
        """Serves until `stop` is called, and then until what is in work is answered."""
        try:
            while self._map and not self._drained():
                self.asyncore.loop(1.0 if self.ends is None else 0.1, map=self._map, count=1)
        except (SystemExit, KeyboardInterrupt):
            pass
        self.task_dispatcher.shutdown()

    def stop(self, seconds=DRAIN):
        """Lets `run` return, in so many seconds at most; for handlers of signals and any thread."""
        self.ends = time.time() + seconds
        self.pull_trigger()

    def _drained(self):
        if self.ends is None:
            return False
        if self.accepting:
            self.accepting = False
            self.del_channel()
            self.socket.close()
        now = time.time()
        self.maintenance(now)
        channels = list(self.active_channels.values())
        for channel in channels:
            if not (channel.requests or channel.request or channel.total_outbufs_len):
                channel.will_close = True
        return not channels or now > self.ends

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


def make_server(app, host, port, threads, most_bytes, observe=None):
    """Returns a server of a WSGI application that listens, and serves when it is `run`.

    Args:
        app: WSGI application, which refuses bodies of more than `most_bytes`.
        host: address to listen at.
        port: number of the port; 0 takes any free one.
        threads: number of requests that are worked for at once.
        most_bytes: of a request's body.
        observe: called once for each answer, see `tfwm.web.observe.observed`.
    """
    logging.getLogger("waitress").setLevel(logging.CRITICAL)  # a crowd is no news
    try:
        server = Server(
            app if observe is None else observed(app, observe),
            host=host,
            port=port,
            threads=threads,
            connection_limit=CONNECTIONS,
            max_request_body_size=READ_AND_REFUSED * most_bytes,
            channel_timeout=IDLE,
            cleanup_interval=LOOK,
            outbuf_high_watermark=2**30,  # a slow reader never holds a thread
            ident=None,
        )
    except ValueError as error:
        raise ValueError(
            "Expected a name or an address of this computer as host, such as 127.0.0.1 for this "
            f"computer only, or 0.0.0.0 for all. Received: {shortened(host)}"
        ) from error
    except OSError as error:
        other = "host" if error.errno == errno.EADDRNOTAVAIL else "port, or 0 for any"
        raise OSError(
            f"Nothing can listen at {host_port(host, port)} ({error.strerror}): choose another "
            f"{other}."
        ) from error
    server.observe = observe
    return server


@contextlib.contextmanager
def stopped_by_signals(stop):
    """Calls `stop` at SIGTERM or Ctrl-C; a second Ctrl-C does what it did before.

    In threads other than the main one, which get no signals, it does nothing.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        numbers = ()
    before = {n: signal.getsignal(n) for n in numbers}

    def end(*_):
        if before[signal.SIGINT] is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, before[signal.SIGINT])
        stop()

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
