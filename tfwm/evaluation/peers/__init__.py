"""Other people's methods, for `evaluate_messages`: an extra, not a dependency.

`pip install tfwm[bench]` brings what they need, and `pip install --no-deps invisible-watermark
blind-watermark` themselves; without `--no-deps` the first brings torch, which is not used here.

`SpreadSpectrum` and `DFTMagnitude` are textbook methods, written here: nothing to install.
"""

from tfwm.evaluation.peers.blind_watermark import BlindWatermark
from tfwm.evaluation.peers.dft_magnitude import DFTMagnitude
from tfwm.evaluation.peers.invisible_watermark import InvisibleWatermark
from tfwm.evaluation.peers.rivagan import RivaGAN
from tfwm.evaluation.peers.spread_spectrum import SpreadSpectrum

PEERS = {
    "dwtDct": lambda bits: InvisibleWatermark("dwtDct", bits),
    "dwtDctSvd": lambda bits: InvisibleWatermark("dwtDctSvd", bits),
    "dwtDct as it is": lambda bits: InvisibleWatermark("dwtDct", bits, tuned=False),
    "dwtDctSvd as it is": lambda bits: InvisibleWatermark("dwtDctSvd", bits, tuned=False),
    "RivaGAN": lambda bits: RivaGAN(),
    "blind-watermark": BlindWatermark,
}


def peer_markers(bits=64, names=None):
    """Makes the markers of the methods that are installed.

    Args:
        bits: payload; RivaGAN has 32 in any case.
        names: of `PEERS`; all by default.

    Returns:
        `(markers, reasons)`: a dict of name and marker, and of name and why it is missing.

    Example:

    >>> markers, reasons = peer_markers(64)  # doctest: +SKIP
    """
    markers, reasons = {}, {}
    for name in PEERS if names is None else names:
        if name not in PEERS:
            raise ValueError(f"Expected peers among {list(PEERS)}. Received: {name!r}")
        try:
            markers[name] = PEERS[name](bits)
        except ImportError as error:
            reasons[name] = str(error)
    return markers, reasons


__all__ = [
    "PEERS",
    "BlindWatermark",
    "DFTMagnitude",
    "InvisibleWatermark",
    "RivaGAN",
    "SpreadSpectrum",
    "peer_markers",
]
