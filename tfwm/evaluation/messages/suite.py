"""Suites of whole messages: how markers are measured under everyday distortions."""

import dataclasses

from tfwm.evaluation.messages.marker import Marker, WatermarkerMarker
from tfwm.evaluation.messages.report import build_page, message_headline, message_table
from tfwm.evaluation.messages.run import measure
from tfwm.evaluation.suite import Suite

KEY = "tfwm evaluation"


@dataclasses.dataclass
class MessageSuite(Suite):
    """Measures whether whole messages are read again.

    Every marker gets the same photos, payloads and distortions. The strength is tuned for each
    photo, so that the marked uint8 photo has the PSNR wanted or up to 0.1 dB more. A marker
    with `shared_strength` gets one strength for all photos, at which their mean has that PSNR:
    its reader must know the strength, and in use knows only one.

    Args:
        name, title, distortions, notes: see `Suite`.
        payload_bits: length of the random messages, whole bytes.
        psnr: PSNR in dB that photos are marked at.
        false_positive_rate: a message counts as detected if its p-value is at most this.

    Example:

    >>> suite = tfwm.evaluation.load_suite("everyday").replace(psnr=42)
    >>> suite.payload_bits, suite.psnr
    (64, 42)
    """

    payload_bits: int = 64
    psnr: float = 40.0
    false_positive_rate: float = 1e-6

    kind, what, undistorted = "messages", "marker", "No edit"
    color = True
    headline, table = staticmethod(message_headline), staticmethod(message_table)
    measure, page = measure, build_page

    def __post_init__(self):
        super().__post_init__()
        if self.payload_bits < 8 or self.payload_bits % 8:
            raise ValueError(
                f"Expected whole bytes of payload. Received: payload_bits={self.payload_bits}"
            )

    def prepared(self, match, changes):
        """Returns the suite with changes; a `match` of `"psnr=DB"` becomes its PSNR."""
        allowed = ("payload_bits", "psnr", "false_positive_rate", "distortions")
        changes = {key: value for key, value in changes.items() if value is not None}
        for key in changes:
            if key not in allowed:
                raise ValueError(
                    f"Expected no {key} for a suite of messages, in which the PSNR decides; give "
                    f"match='psnr=40'. Received: {key}={changes[key]!r}"
                )
        if match is not None:
            metric, _, value = match.partition("=")
            try:
                changes["psnr"] = float(value)
            except ValueError:
                metric = None
            if metric != "psnr":
                raise ValueError(
                    f"Expected psnr=DB for a suite of messages. Received: match={match!r}"
                )
        return self.replace(**changes), None

    def members(self, markers):
        """Returns a dict of names and `Marker`s; networks and Watermarkers get a key."""
        markers = self.named(markers)
        return {name: as_marker(marker, name) for name, marker in markers.items()}

    def conditions(self, match, seed):
        """Returns lines for the head of a result."""
        return [
            f"payload {self.payload_bits} bits, PSNR {self.psnr:g} dB or up to 0.1 more, false-"
            f"positive rate {self.false_positive_rate:g}, seed {seed}",
            *self.left_out(),
        ]


def as_marker(thing, name):
    """Returns a `Marker` for a marker, a `tfwm.networks.Network` or a `tfwm.Watermarker`."""
    from tfwm.networks.network import Network
    from tfwm.watermarker import Watermarker

    if isinstance(thing, Marker):
        return thing
    if isinstance(thing, Network):
        thing = Watermarker(thing)
    if not hasattr(thing, "extract") or not hasattr(thing, "prepare"):
        raise ValueError(
            "Expected networks, Watermarkers, or markers that derive from "
            f"tfwm.evaluation.Marker. Received: {name}: {type(thing).__name__}"
        )
    return WatermarkerMarker(thing, KEY, name)
