"""What a server counts, for Prometheus."""

from tfwm.checks import need
from tfwm.web.app import EXTRA

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counters of one server, in a registry of their own.

    Args:
        turns: `tfwm.web.Turns` whose load is told.
        room: `tfwm.web.Room` whose load is told.
    """

    def __init__(self, turns, room):
        client = self._client = need("prometheus_client", EXTRA)
        self._registry = client.CollectorRegistry()
        client.ProcessCollector(registry=self._registry)
        labels = ("protocol", "signature", "status")
        how = {"registry": self._registry}
        self._requests = client.Histogram(
            "tfwm_request_seconds", "Seconds of answered requests.", labels, buckets=SECONDS, **how
        )
        self._photos = client.Counter(
            "tfwm_photos",
            "Photos and images in requests that were answered.",
            ("signature",),
            **how,
        )
        self._bytes = client.Counter(
            "tfwm_bytes", "Bytes of bodies.", ("protocol", "direction"), **how
        )
        self._batches = client.Histogram(
            "tfwm_batch_size", "Images in a call of a network.", ("call",), buckets=BATCHES, **how
        )
        client.Gauge("tfwm_in_work", "Photos in work and waiting.", **how).set_function(
            lambda: turns.taken
        )
        client.Gauge("tfwm_in_work_bytes", "Memory set aside for photos.", **how).set_function(
            lambda: room.used
        )

    def request(self, record):
        """Counts one answered request, a record as `tfwm.web.observe.observed` makes it."""
        protocol = record.get("protocol", "http")
        labels = protocol, record.get("signature", ""), str(record["status"])
        self._requests.labels(*labels).observe(record.get("seconds", 0))
        self._photos.labels(record.get("signature", "")).inc(record.get("photos", 0))
        for direction in ("received", "sent"):
            self._bytes.labels(protocol, direction).inc(record.get(direction, 0))

    def batch(self, call, size):
        """Counts one call of a network."""
        self._batches.labels(call).observe(size)

    def page(self):
        """Returns the text for Prometheus, its status, and its headers."""
        headers = {"Content-Type": self._client.CONTENT_TYPE_LATEST}
        return self._client.generate_latest(self._registry), 200, headers
