import io
import math

import numpy as np
import pytest
from PIL import Image, features
from skimage import data

from tfwm.distortions import CHANGES_SIZE, DISTORTIONS, RANDOM, distort, missing
from tfwm.evaluation import load_suite
from tfwm.images import psnr

SUITE = load_suite("everyday")
CASES = [(distortion, level) for distortion in SUITE.distortions for level in distortion.levels]
# Milder to harder, at one size and place, so that the PSNR tells.
RISING = {
    "avif": [90, 60, 30],
    "double_jpeg": [90, 60, 30],
    "palette": [256, 64, 8],
    "posterise": [7, 4, 2],
    "brightness": [1.0, 0.8, 0.5],
    "contrast": [1.0, 1.3, 2.0],
    "saturation": [1.0, 0.5, 0.0],
    "hue": [0, 10, 60],
    "gamma": [1.0, 1.3, 2.0],
    "vignette": [0.0, 0.3, 0.8],
    "letterbox": [0.0, 0.1, 0.4],
    "stamp": [0.0, 0.2, 0.6],
    "logo_overlay": [0.01, 0.1, 0.3],
    "text_overlay": [0.04, 0.1, 0.2],
    "perspective": [0.0, 0.01, 0.1],
}


@pytest.fixture
def photo():
    return data.astronaut()[:256, 100:420]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_suite_is_large_and_has_hard_distortions():
    counted = [(a.name, level) for a, level in CASES if level not in a.unpromising]
    assert len(counted) >= 40 and len(set(counted)) == len(counted)
    assert {("rotation", 10), ("gaussian_blur", 8), ("jpeg", 15), ("crop", 0.3)} <= set(counted)
    assert SUITE.payload_bits == 64 and SUITE.color and SUITE.psnr == 40


@pytest.mark.parametrize(("distortion", "level"), CASES, ids=lambda x: getattr(x, "name", str(x)))
def test_every_distortion_on_a_photo(photo, distortion, level):
    if missing(distortion.name):
        pytest.skip(missing(distortion.name))
    before = photo.copy()
    first, again, other = (
        distort(distortion.name, photo, level, rng(s), **distortion.options) for s in (0, 0, 1)
    )
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(photo, before)
    if distortion.name not in RANDOM:
        np.testing.assert_array_equal(first, other)
    if distortion.name not in CHANGES_SIZE:
        assert first.shape == photo.shape and (first != photo).any()
    gray = distort(distortion.name, photo[..., 1], level, rng(), **distortion.options)
    assert gray.ndim == 2 and gray.dtype == np.uint8
    assert gray.shape == first.shape[:2]


def test_random_distortions_depend_on_the_seed(photo):
    for distortion, level in CASES:
        if distortion.name in RANDOM:
            results = [distort(distortion.name, photo, level, rng(seed)) for seed in range(6)]
            assert len({image.tobytes() for image in results}) > 1, distortion.name


@pytest.mark.parametrize("name", RISING)
def test_levels_rise(photo, name):
    if missing(name):
        pytest.skip(missing(name))
    quality = [psnr(photo, distort(name, photo, level, rng(3))) for level in RISING[name]]
    assert quality == sorted(quality, reverse=True) and quality[0] > quality[-1]


def test_scale_stretch_and_crop_sizes(photo):
    assert distort("scale", photo, 0.5).shape == (128, 160, 3)
    assert distort("scale", photo, 1.37).shape == (351, 438, 3)
    assert distort("stretch", photo, 0.9).shape == (256, 288, 3)
    for level in (0.9, 0.5, 0.3):
        piece = distort("crop", photo, level, rng(1))
        assert piece.shape[0] * piece.shape[1] == pytest.approx(level * 256 * 320, rel=0.01)
        assert piece.shape[1] / piece.shape[0] == pytest.approx(320 / 256, rel=0.01)


def test_crop_and_strip_keep_the_pixels():
    # Each pixel of the ramp says where it was.
    y, x = np.mgrid[:100, :120]
    ramp = np.stack([y, x, 0 * x], -1).astype(np.uint8)
    places = set()
    for seed in range(8):
        piece = distort("crop", ramp, 0.5, rng(seed))
        top, left = piece[0, 0, :2]
        places.add((int(top), int(left)))
        rows, columns = piece.shape[:2]
        np.testing.assert_array_equal(piece, ramp[top : top + rows, left : left + columns])
    assert len(places) > 4
    shapes = {distort("strip", ramp, 0.25, rng(seed)).shape for seed in range(20)}
    assert shapes == {(75, 120, 3), (100, 90, 3)}
    corners = {tuple(distort("strip", ramp, 0.25, rng(s))[0, 0]) for s in range(20)}
    assert corners == {(0, 0, 0), (25, 0, 0), (0, 30, 0)}


def test_mirror_and_turn(photo):
    np.testing.assert_array_equal(distort("mirror", photo, 1), photo[:, ::-1])
    np.testing.assert_array_equal(distort("quarter_turn", photo, 1), np.rot90(photo))
    np.testing.assert_array_equal(distort("quarter_turn", photo, 4), photo)


@pytest.mark.parametrize("shape", [(200, 300), (300, 200), (256, 256)])
@pytest.mark.parametrize("degrees", [0, 2, 10, 45])
def test_straightened_photo_has_no_corners(shape, degrees):
    white = np.full((*shape, 3), 255, np.uint8)
    inside = distort("rotation_cropped", white, degrees)
    # The bicubic edge of the turned photo may be touched by a rounding.
    assert inside[2:-2, 2:-2].min() == 255
    # No larger rectangle of this shape fits: its corners lie on the border of the photo.
    angle = math.radians(degrees)
    h, w = inside.shape[0], inside.shape[1]
    reach = (
        w * abs(math.cos(angle)) + h * abs(math.sin(angle)),
        w * abs(math.sin(angle)) + h * abs(math.cos(angle)),
    )
    assert reach[0] == pytest.approx(shape[1], abs=3) or reach[1] == pytest.approx(shape[0], abs=3)
    assert reach[0] < shape[1] + 2 and reach[1] < shape[0] + 2


def test_perspective_of_nothing_is_the_photo(photo):
    np.testing.assert_array_equal(distort("perspective", photo, 0, rng()), photo)
    assert (distort("perspective", photo, 0.1, rng())[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()


def test_screenshot_is_the_scaled_photo_with_cut_or_border(photo):
    scaled = distort("scale", photo, 0.83)
    sizes = set()
    for seed in range(6):
        shot = distort("screenshot", photo, 0.83, rng(seed))
        sizes.add(shot.shape)
        assert all(abs(a - b) <= 12 for a, b in zip(shot.shape[:2], scaled.shape[:2], strict=True))
        centre = scaled[60:120, 60:160]
        windows = [
            shot[60 + dy : 120 + dy, 60 + dx : 160 + dx]
            for dy in range(-6, 7)
            for dx in range(-6, 7)
        ]
        assert any(np.array_equal(centre, window) for window in windows)
    assert len(sizes) > 1


def test_tones_of_one_colour():
    image = np.full((8, 8, 3), (200, 100, 50), np.uint8)

    def colour(name, level):
        out = distort(name, image, level)
        assert (out == out[0, 0]).all()
        return tuple(int(c) for c in out[0, 0])

    assert colour("brightness", 0.5) == (100, 50, 25)
    assert colour("brightness", 2.0) == (255, 200, 100)
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert colour("gray", 1) == (luma,) * 3 == colour("saturation", 0)
    assert colour("contrast", 0.0) == (luma,) * 3
    assert colour("gamma", 2.0) == tuple(round(255 * (c / 255) ** 2) for c in (200, 100, 50))
    assert colour("hue", 0) == pytest.approx((200, 100, 50), abs=2)
    assert colour("hue", 120) == pytest.approx((50, 200, 100), abs=3)
    assert colour("posterise", 1) == (128, 0, 0)


def test_palette_and_letterbox(photo):
    few = distort("palette", photo, 32)
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 32
    boxed = distort("letterbox", photo + 1 - (photo == 255), 0.25)
    assert (boxed[:32] == 0).all() and (boxed[-32:] == 0).all() and (boxed[32:-32] > 0).all()


def test_overlays_cover_what_they_say():
    black = np.zeros((200, 300, 3), np.uint8)
    for level in (0.05, 0.2):
        logo = (distort("logo_overlay", black + 7, level, rng(2)) != 7).any(-1)
        assert logo.mean() == pytest.approx(level, rel=0.1)
        rows, columns = np.nonzero(logo)
        assert min(rows.min(), 199 - rows.max()) == pytest.approx(6, abs=1)
        assert min(columns.min(), 299 - columns.max()) == pytest.approx(6, abs=1)
    stamped = distort("stamp", black, 0.4)
    assert stamped.max() == 102 and 0.03 < (stamped > 0).mean() < 0.4
    caption = distort("text_overlay", black + 100, 0.15, rng())
    assert caption.max() == 255 and caption.min() == 0
    columns = np.nonzero((caption != 100).any((0, 2)))[0]
    assert columns.min() >= 0 and columns.max() < 300


def test_chains_shrink_as_they_say():
    large = np.asarray(Image.fromarray(data.astronaut()).resize((2400, 1600)))
    assert distort("social_post", large, 71).shape == (720, 1080, 3)
    assert distort("messenger", large, 50).shape == (853, 1280, 3)
    assert distort("link_preview", large, 70).shape == (400, 600, 3)
    assert distort("profile_picture", large, 80).shape == (400, 400, 3)
    small = large[:320, :480]
    assert distort("social_post", small, 71).shape == (240, 360, 3)
    assert distort("messenger", small, 50).shape == (192, 288, 3)
    assert distort("forwarded", small, 3).shape == (233, 350, 3)
    story = distort("story", small, 75, rng())
    assert story.shape == (256, 205, 3)


def test_codecs_are_pillow_s(photo):
    if missing("avif"):
        pytest.skip(missing("avif"))
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "AVIF", quality=40, subsampling="4:2:0")
    with Image.open(buffer) as expected:
        np.testing.assert_array_equal(distort("avif", photo, 40), np.array(expected))
    twice = distort("jpeg", distort("jpeg", photo, 85), 50)
    np.testing.assert_array_equal(distort("double_jpeg", photo, 50), twice)


def test_missing_codec_has_a_reason(monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    assert "AVIF" in missing("avif")
    assert missing("webp") is None and missing("jpeg") is None


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [
        ("palette", 1, "2 to 256 colors"),
        ("posterise", 9, "1 to 8 bits"),
        ("crop", 1.5, "fraction"),
        ("strip", -1, "fraction"),
        ("perspective", 2, "fraction"),
        ("gamma", 0, "exponent above 0"),
        ("brightness", -1, "factor of at least 0"),
        ("vignette", 2, "fraction"),
        ("logo_overlay", 2, "fraction"),
    ],
)
def test_bad_levels(photo, name, level, message):
    with pytest.raises(ValueError, match=message):
        distort(name, photo, level, rng())


def test_what_changes_size_is_declared(photo):
    small = photo[:64, :96]
    changed = {a.name for a, v in CASES if distort(a.name, small, v, rng()).shape != small.shape}
    assert changed == CHANGES_SIZE & {a.name for a in SUITE.distortions} and CHANGES_SIZE < {
        *DISTORTIONS
    }
