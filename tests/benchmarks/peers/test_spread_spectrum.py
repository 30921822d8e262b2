import numpy as np
import pytest
from peers.dft_magnitude import DFTMagnitude
from peers.spread_spectrum import SpreadSpectrum
from scipy import stats
from skimage import data

from tfwm.distortions import distort
from tfwm.images import ImageError, psnr
from tfwm.marking.strength import mark_at_psnr

PAYLOAD = bytes(range(100, 108))
BITS = np.unpackbits(np.frombuffer(PAYLOAD, np.uint8))


@pytest.fixture
def photo():
    return data.astronaut()[100:356, 60:316]


@pytest.mark.parametrize("peer", [SpreadSpectrum(64), DFTMagnitude(64)], ids=lambda p: p.name)
def test_round_trip_at_a_psnr(peer, photo):
    def apply(strength):
        return peer.embed(photo, PAYLOAD, strength)

    marked, _, quality = mark_at_psnr(apply, lambda image: psnr(photo, image), 38)
    assert 38 <= quality <= 38.1 and marked.dtype == np.uint8
    assert peer.read(marked).payload == PAYLOAD
    assert (peer.read(distort("jpeg", marked, 90)).bits == BITS).mean() > 0.9
    gray = peer.embed(photo[..., 0], PAYLOAD, 2.0)
    assert gray.shape == (256, 256) and peer.read(gray).payload == PAYLOAD


@pytest.mark.parametrize("make", [SpreadSpectrum, DFTMagnitude])
def test_other_keys_and_unmarked_photos_give_chance(make, photo):
    marked = make(64, key=1).embed(photo, PAYLOAD, 1.0)
    others = [(make(64, key=key).read(marked).bits == BITS).mean() for key in range(2, 12)]
    assert 0.4 < np.mean(others) < 0.6
    clean = [(make(64, key=key).read(photo).bits == BITS).mean() for key in range(10)]
    assert 0.4 < np.mean(clean) < 0.6


@pytest.mark.parametrize("make", [SpreadSpectrum, DFTMagnitude])
def test_small_photos(make):
    small = np.full((24, 24, 3), 90, np.uint8)
    assert make(64).read(small).bits is None
    with pytest.raises(ImageError, match="64 bits into a photo of 24 x 24"):
        make(64).embed(small, PAYLOAD)
    with pytest.raises(ValueError, match="bits=0"):
        make(0)


def test_spread_spectrum_adds_a_known_pattern():
    flat = np.full((64, 96, 3), 100, np.uint8)
    peer = SpreadSpectrum(64, chip=2)
    marked = peer.embed(flat, PAYLOAD, 4 / 2.55)
    change = marked.astype(int) - 100
    # Equation 3: a or -a; at whole gray levels nothing is dithered.
    assert set(np.unique(change)) == {-4, 4}
    assert psnr(flat, marked) == pytest.approx(20 * np.log10(255 / 4))
    opposite = peer.embed(flat, bytes(255 - b for b in PAYLOAD), 4 / 2.55)
    np.testing.assert_array_equal(opposite.astype(int) - 100, -change)
    # Blocks of 8 x 12 pixels, signs on squares of 2 x 2.
    squares = change[..., 0].reshape(32, 2, 48, 2)
    assert (squares == squares[:, :1, :, :1]).all()
    between = peer.embed(flat, PAYLOAD, 1.0)
    assert psnr(flat, between) == pytest.approx(40, abs=0.3)


def test_p_values_of_unmarked_photos_are_uniform_or_larger(photo):
    values = [SpreadSpectrum(64, key=key).read(photo).p_value for key in range(200)]
    # Where detail is in few places, correlations vary less than the normal distribution.
    assert stats.kstest(values, "uniform", alternative="greater").pvalue > 1e-3
    marked = SpreadSpectrum(64, key=3).embed(photo, PAYLOAD)
    assert SpreadSpectrum(64, key=3).read(marked).p_value < 1e-9


def test_bits_need_no_square_number(photo):
    peer = SpreadSpectrum(40)
    assert (peer.rows, peer.columns) == (5, 8)
    assert peer.read(peer.embed(photo, PAYLOAD[:5], 1.5)).payload == PAYLOAD[:5]


def test_dft_leaves_other_frequencies_alone(photo):
    marked = DFTMagnitude(64).embed(photo[..., 0], PAYLOAD, 2.0)
    change = np.abs(np.fft.fft2(marked.astype(float) - photo[..., 0])) ** 2
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
    ring = (radius >= 0.1) & (radius <= 0.35)
    # Outside: rounding to gray levels, and clipping.
    assert change[ring].mean() > 20 * change[~ring].mean()
