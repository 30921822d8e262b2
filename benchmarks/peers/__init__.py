"""Methods of other packages and of textbooks, as markers for suites of messages.

`pip install tfwm[bench]` brings what the packages need, and `pip install --no-deps
invisible-watermark blind-watermark` the packages themselves; without `--no-deps` the first brings
torch, which is not used here. `SpreadSpectrum` and `DFTMagnitude` are textbook methods, written
here: nothing to install.

A module of this folder that registers a method with `peer` needs no other entry anywhere.
"""

import importlib
import pkgutil

from peers.registry import PEERS, peer
from tfwm.checks import nearest

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def make_peer(name, bits=64):
    """Returns the marker of a method; raises `ImportError` if its package is missing.

    Args:
        name: of `PEERS`.
        bits: length of the payload. RivaGAN has 32 in any case.

    Example:

    >>> make_peer("spread spectrum").name
    'spread spectrum'
    """
    return PEERS[nearest("peer", name, PEERS)](bits)


def peer_markers(bits=64, names=None):
    """Returns the markers of the methods that are installed, and why others are missing.

    Args:
        bits: length of the payload.
        names: of `PEERS`; all by default.

    Returns:
        `(markers, reasons)`: a dict of name and marker, and of name and reason.

    Example:

    >>> markers, reasons = peer_markers(64, ["spread spectrum", "DFT magnitude"])
    >>> list(markers), reasons
    (['spread spectrum', 'DFT magnitude'], {})
    """
    markers, reasons = {}, {}
    for name in PEERS if names is None else names:
        try:
            markers[name] = make_peer(name, bits)
        except ImportError as error:
            reasons[name] = str(error)
    return markers, reasons


__all__ = ["PEERS", "make_peer", "peer", "peer_markers"]
