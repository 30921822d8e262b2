import numpy as np
import pytest
from peers import PEERS, peer_markers
from peers.invisible_watermark import InvisibleWatermark
from skimage import data

from tfwm.evaluation import MessageSuite, evaluate
from tfwm.images import ImageError

TEXTBOOK = ("DFT magnitude", "spread spectrum")  # see test_spread_spectrum.py
PAYLOAD = bytes(range(100, 108))


def marker(name):
    markers, reasons = peer_markers(64, [name])
    if name in reasons:
        pytest.skip(f"{name}: {reasons[name]}")
    return markers[name]


@pytest.fixture
def photo():
    return data.astronaut()[100:420, 60:380]


@pytest.mark.parametrize("name", ["dwtDctSvd as it is", "blind-watermark", "RivaGAN"])
def test_reads_its_own_mark(name, photo):
    peer = marker(name)
    photo = photo[96:224, 96:224] if name == "RivaGAN" else photo  # it is slow
    payload = PAYLOAD[: (peer.payload_bits or 64) // 8]
    marked = peer.embed(photo, payload, 1.0)
    assert marked.shape == photo.shape and marked.dtype == np.uint8
    # In the colours of the photo: neither package's BGR is left.
    assert np.abs(marked.mean((0, 1)) - photo.mean((0, 1))).max() < 3
    reading = peer.read(marked)
    assert reading.payload == payload and reading.p_value is None
    assert len(reading.bits) == 8 * len(payload)


@pytest.mark.parametrize("name", [n for n in PEERS if n != "RivaGAN" and n not in TEXTBOOK])
def test_small_copies(name, photo):
    peer = marker(name)
    small = photo[:48, :48]
    assert peer.read(small).payload is None
    with pytest.raises(ImageError, match="photo"):
        peer.embed(small, PAYLOAD, 1.0)


def test_blind_watermark_at_equal_psnr(photo):
    suite = MessageSuite("t", "t", [{"name": "mirror", "levels": [1]}], payload_bits=64)
    peer = marker("blind-watermark")
    rows = evaluate([peer], [photo[:160, :160]], suite)
    assert 40 <= rows[0]["psnr"] <= 40.1
    assert rows[0]["exact"] == 1 and rows[0]["evidence"] == "matching bits"
    # Its reader knew the strength, though the peer is left as it was.
    assert peer.strength == 1 and 40 <= rows[0]["psnr"]


def test_blind_watermark_leaves_processes_alone():
    import multiprocessing
    import sys

    method = multiprocessing.get_start_method(allow_none=True)
    for module in [name for name in sys.modules if name.startswith("blind_watermark")]:
        del sys.modules[module]
    multiprocessing.set_start_method("spawn", force=True)
    try:
        marker("blind-watermark")
        assert multiprocessing.get_start_method() == "spawn"
    finally:
        multiprocessing.set_start_method(method, force=True)


def test_torch_is_not_left_behind():
    import sys

    marker("dwtDct")
    assert getattr(sys.modules.get("torch"), "__file__", True)


def test_unknown_peer():
    with pytest.raises(ValueError, match="'dwt'"):
        peer_markers(64, ["dwt"])


def test_missing_peer_has_a_reason(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "blind_watermark", None)
    markers, reasons = peer_markers(64, ["blind-watermark"])
    assert not markers and "blind_watermark" in reasons["blind-watermark"]


@pytest.mark.parametrize("method", ["dwtDct", "dwtDctSvd"])
def test_small_photos_are_marked_if_asked_for(method):
    marker("dwtDct")
    peer = InvisibleWatermark(method, 64, small=True)
    gray = np.repeat(data.camera()[100:228, 100:228, None], 3, -1)
    assert peer.read(peer.embed(gray, PAYLOAD, 1.0)).payload == PAYLOAD
    with pytest.raises(ImageError, match="64 bits into so small"):
        peer.embed(gray[:56, :56], PAYLOAD)
    assert peer.read(gray[:56, :56]).payload is None
