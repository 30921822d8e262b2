"""Pictures are found in drawn scenes, made upright, and read.

The scenes are made by scikit-image, which counts pixels from their centers.
"""

import json

import numpy as np
import pytest
from scipy import ndimage
from skimage import data
from skimage.transform import ProjectiveTransform, warp

from tfwm.corners import find_quadrilaterals, mean_sides, rectify
from tfwm.images import Photo
from tfwm.marking import Canvas, Reader, candidates
from tfwm.marking.views import pictures_in

CORNERS = np.array([(130, 60), (690, 110), (640, 520), (90, 470)], float)
SHAPE = (600, 800)


def corners_of(image):
    height, width = image.shape[:2]
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], float)


def turned(image, angle, factor=1.0, shape=SHAPE):
    """The corners of an image in the middle of a scene, turned clockwise by degrees."""
    angle = np.deg2rad(angle)
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    middle = np.array(image.shape[1::-1]) / 2
    return (corners_of(image) - middle) @ turn * factor + np.array(shape[1::-1]) / 2


def lay(image, corners, scene):
    """Puts an image into a scene, uint8."""
    way = ProjectiveTransform.from_estimate(corners - 0.5, corners_of(image) - 0.5)
    image = np.atleast_3d(image)
    image = image * np.ones(3) if image.shape[2] == 1 and scene.shape[2] == 3 else image
    # The edge as a camera sees it, from 2 x 2 places a pixel.
    share = 0
    for x, y in np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) / 4:
        moved = ProjectiveTransform(way.params @ [[1, 0, x], [0, 1, y], [0, 0, 1]])
        one = np.ones(image.shape[:2])
        share = share + warp(one, moved, output_shape=scene.shape[:2], order=0)[..., None] / 4
    laid = 255 * warp(image / 255, way, output_shape=scene.shape[:2], order=3, mode="edge")
    return np.rint(share * laid + (1 - share) * scene).clip(0, 255).astype("u1")


def flat(level=90, shape=SHAPE):
    return np.full((*shape, 3), level, float)


def gradient():
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1], :1][:2] / 800
    return np.array([60, 120, 150]) + 70 * rows + np.array([60, -20, 10]) * columns


def wood():
    grain = np.random.default_rng(0).standard_normal(SHAPE)
    grain = ndimage.gaussian_filter(grain, (2, 30))
    return np.array([120, 85, 55]) + 10 * (grain / grain.std())[..., None]


def psnr(first, second):
    return 10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2))


def off(found, corners):
    """The largest distance of a corner, as a share of the mean side."""
    return np.hypot(*(found - corners).T).max() / np.mean(mean_sides(corners))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_known_projection_is_undone(dtype):
    image = ndimage.gaussian_filter(data.astronaut(), (1, 1, 0))
    scene = lay(image, CORNERS, flat())
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    photo = Photo((scene * (top / 255)).astype(dtype))
    upright = rectify(photo, CORNERS, (512, 512)).pixels
    assert upright.dtype == dtype and upright.shape == image.shape
    assert psnr(upright[4:-4, 4:-4] * (255 / top), image[4:-4, 4:-4]) > 36
    assert psnr(upright * (255 / top), image) > 30


def test_the_whole_photo_stays_as_it_is():
    image = data.astronaut()[:300]
    np.testing.assert_array_equal(rectify(Photo(image), corners_of(image)).pixels, image)
    # Quarter turns: the picture's top left is the photo's top right.
    upright = rectify(Photo(image), np.roll(corners_of(image), -1, axis=0)).pixels
    np.testing.assert_array_equal(upright, np.rot90(image))


def test_size_is_the_mean_of_opposite_sides():
    corners = [(0, 0), (300, 0), (200, 100), (0, 100)]
    assert mean_sides(np.array(corners, float)) == (round((100 + np.hypot(100, 100)) / 2), 250)
    assert rectify(Photo(np.zeros((100, 300, 1), np.uint8)), corners).pixels.shape == (121, 250, 1)


def test_a_smaller_picture_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 64))[..., None]
    upright = rectify(Photo(stripes), corners_of(stripes), (16, 32)).pixels
    assert upright.shape == (16, 32, 1) and np.abs(upright[2:-2, 2:-2] - 127.5).max() < 8


def test_alpha_metadata_and_gray():
    gray = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 80, 1), np.uint8)
    photo = Photo(gray, alpha=255 - gray[..., 0], metadata={"dpi": (72, 72)}, name="a.png")
    upright = rectify(photo, [(10, 20), (70, 20), (70, 60), (10, 60)])
    assert upright.pixels.shape == (40, 60, 1) and upright.alpha.shape == (40, 60)
    np.testing.assert_array_equal(upright.pixels, gray[20:60, 10:70])
    np.testing.assert_array_equal(upright.alpha, 255 - upright.pixels[..., 0])
    assert upright.metadata == {"dpi": (72, 72)} and upright.name == "a.png"


def test_beyond_the_edge_it_repeats():
    photo = Photo(np.full((60, 80, 3), 200, np.uint8))
    assert (rectify(photo, [(-4, -4), (84, 0), (84, 63), (0, 60)]).pixels == 200).all()


@pytest.mark.parametrize(
    "corners, what",
    [
        ([(0, 0), (9, 0), (9, 9)], "four corners"),
        ("abcd", "four corners"),
        ([(0, 0), (9, 0), (9, np.nan), (0, 9)], "four corners"),
        ([(0, 0), (50, 0), (10, 10), (0, 50)], "convex"),
        ([(0, 0), (50, 0), (25, 0), (0, 50)], "convex"),
        ([(0, 0), (0, 50), (50, 50), (50, 0)], "clockwise"),
        ([(0, 0), (50, 50), (50, 0), (0, 50)], "convex"),
        ([(0, 0), (150, 0), (150, 50), (0, 50)], "within the photo of 80 x 60 pixels"),
        ([(-30, 0), (50, 0), (50, 50), (0, 50)], "within the photo"),
    ],
)
def test_bad_corners(corners, what):
    with pytest.raises(ValueError, match=what):
        rectify(Photo(np.zeros((60, 80, 3), np.uint8)), corners)


def test_bad_size():
    with pytest.raises(ValueError, match="of 1 to 65535 pixels"):
        rectify(Photo(np.zeros((60, 80, 3), np.uint8)), [(0, 0), (9, 0), (9, 9), (0, 9)], (0, 9))


SCENES = {
    "flat": (flat, 0),
    "gradient, turned left": (gradient, -28),
    "wood": (wood, 30),
    "wood, turned left": (wood, -7),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_in_a_scene_is_found(name):
    desk, angle = SCENES[name]
    image = data.coffee()
    corners = turned(image, angle, 0.8) + np.array([(0, 0), (15, 8), (-20, 4), (6, -9)])
    found = find_quadrilaterals(Photo(lay(image, corners, desk())))
    assert 1 <= len(found) <= 5
    assert off(found[0], corners) < 0.015


@pytest.mark.parametrize("frame, desk", [(250, wood), (15, gradient)])
def test_a_frame_gives_two(frame, desk):
    """A white margin of paper, and the dark bezel of a screen."""
    image = data.chelsea()
    sheet = np.pad(image, [(30, 30), (30, 30), (0, 0)], constant_values=frame)
    whole = turned(sheet, 9, 1.1)
    inner = turned(image, 9, 1.1)
    found = find_quadrilaterals(Photo(lay(sheet, whole, desk())))
    assert min(off(f, whole) for f in found) < 0.015
    assert min(off(f, inner) for f in found) < 0.015


def test_types_and_channels_are_alike():
    scene = lay(data.astronaut(), CORNERS, flat())
    gray = scene[..., 1:2]
    photos = [
        Photo(scene, alpha=np.full(SHAPE, 255, np.uint8)),
        Photo(gray),
        Photo(gray.astype(np.uint16) * 257),
        Photo((gray / 255).astype(np.float32)),
        Photo(np.kron(scene, np.ones((2, 2, 1), np.uint8))),
    ]
    for photo in photos:
        factor = len(photo.pixels) / 600
        assert off(find_quadrilaterals(photo)[0] / factor, CORNERS) < 0.015


def test_nothing_is_found_where_nothing_is():
    for pixels in (flat(), gradient(), data.chelsea(), data.astronaut(), flat(shape=(9, 9))):
        assert find_quadrilaterals(Photo(pixels.astype(np.uint8))) == []


@pytest.fixture(scope="module")
def marked(watermarker):
    return watermarker.embed(data.coffee(), "ada", key="k", strength=2)


def test_a_picture_is_read_at_its_corners(watermarker, marked):
    corners = turned(marked, 25, 1.0, (700, 800))
    scene = lay(marked, corners, flat(shape=(700, 800)))
    found = watermarker.extract(scene, key="k", corners=corners, search="none")
    assert (found.message, found.decision) == ("ada", "present")
    np.testing.assert_array_equal(found.corners, corners)
    told = json.loads(json.dumps(found.to_dict()))["corners"]
    np.testing.assert_allclose(told, corners, atol=0.005)
    assert watermarker.extract(scene, key="k", search="none").message is None


def test_a_picture_is_found_and_read(watermarker, marked):
    corners = turned(marked, -25, 1.0, (700, 800))
    scene = lay(marked, corners, flat(shape=(700, 800)))
    found = watermarker.extract(scene, key="k", corners="find", search="crop")
    assert (found.message, found.decision) == ("ada", "present")
    assert off(found.corners, corners) < 0.005
    missed = watermarker.extract(scene, key="another", corners="find", search="none")
    assert missed.decision == "absent" and missed.message is None and missed.p_value > 1e-3


def test_the_photo_itself_comes_first(watermarker, marked, monkeypatch):
    def never(photo):
        raise AssertionError("not needed")

    monkeypatch.setattr("tfwm.corners.find_quadrilaterals", never)
    found = watermarker.extract(marked, key="k", corners="find")
    assert found.message == "ada" and found.corners is None and found.to_dict()["corners"] is None


def test_all_readings_count(watermarker, monkeypatch):
    """The p-value is that of the best of all readings of the photo and what is in it."""
    photo = data.coffee()
    squares = [np.array([(x, 0), (x + 256, 0), (x + 256, 256), (x, 256)], float) for x in (0, 300)]
    monkeypatch.setattr("tfwm.corners.find_quadrilaterals", lambda photo: squares)
    scores, trials = [], 0
    codec = watermarker.codec("k")
    for corners in (None, *squares):
        picture, _ = next(pictures_in(Photo(photo), corners))
        reader = Reader(watermarker.network, Canvas.of(watermarker.network, picture), codec)
        places = [alignment for _, alignment in candidates(reader, "none")]
        scores += [codec.pilot_score(reader.votes(place)) for place in places]
        trials += reader.trials
    found = watermarker.extract(photo, key="k", corners="find", search="none")
    assert trials == len(scores) > 6
    assert found.p_value == pytest.approx(codec.p_value(max(scores), trials))


def test_progress_rises(watermarker, monkeypatch):
    square = np.array([(0, 0), (128, 0), (128, 128), (0, 128)], float)
    monkeypatch.setattr("tfwm.corners.find_quadrilaterals", lambda photo: [square])
    told = []
    watermarker.extract(
        data.coffee()[:160, :160],
        key="another",
        corners="find",
        search="crop",
        progress=lambda share, stage: told.append(share),
    )
    assert told == sorted(told) and told[0] == 0 and 0.5 < told[-1] <= 1


def test_bad_words(watermarker):
    with pytest.raises(ValueError, match='four corners .* "find" or None. Received: .*seek'):
        watermarker.extract(data.coffee(), corners="seek")


def test_the_shipped_network_reads_a_photographed_picture():
    """Marked, seen from aside at another size, found, made upright, read."""
    import tfwm

    watermarker = tfwm.load("photo")
    image = data.coffee()
    marked = watermarker.embed(image, b"12345678", key="k", psnr=36)
    shape = (900, 1100)
    corners = turned(marked, 14, 1.35, shape) + np.array([(0, 0), (-4, 3), (2, -3), (3, 2)])
    noise = np.random.default_rng(0).normal(0, 2, (*shape, 3))
    scene = (lay(marked, corners, flat(shape=shape)) + noise).clip(0, 255).astype(np.uint8)
    found = watermarker.extract(scene, key="k", corners="find")
    assert (found.message, found.decision) == (b"12345678", "present")
    assert off(found.corners, corners) < 0.005
