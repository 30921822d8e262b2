import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

from tfwm.distortions import (
    CHANGES_SIZE,
    DISTORTIONS,
    NEEDS_COVER,
    RANDOM,
    distort,
    distortion,
)
from tfwm.distortions.overlays import LINES, pattern_elimination

LEVELS = {
    "identity": 0, "gaussian_noise": 5, "uniform_noise": 5, "salt_and_pepper": 0.1,
    "cropping": 0.3, "grid_crop": 0.3, "pattern_elimination": 3, "jpeg": 50, "webp": 50,
    "gaussian_blur": 1.6, "sharpening": 5, "median_filter": 3, "mean_filter": 3,
    "resizing": 0.5, "rotation": 5, "edges": 0.5, "crop_keep": 0.035, "cropout": 0.3,
    "dropout": 0.3,
}  # fmt: skip


@pytest.fixture
def gray():
    return data.camera()[100:356, 80:400]


@pytest.fixture
def color():
    return data.astronaut()[:256, 100:420]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("kind", ["gray", "color"])
def test_shape_dtype_and_repeatable(name, kind, request):
    image = request.getfixturevalue(kind)
    before = image.copy()
    cover = np.roll(image, 1, 0)
    first, again, other = (distort(name, image, LEVELS[name], rng(s), cover) for s in (0, 0, 1))
    assert first.shape == image.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert (first != other).any() == (name in RANDOM)
    assert (first != image).any() == (name != "identity")


def test_gaussian_noise_statistics():
    image = np.full((512, 512), 128, np.uint8)
    error = distort("gaussian_noise", image, 15, rng()).astype(float) - 128
    assert abs(error.mean()) < 0.1
    assert error.std() == pytest.approx(np.sqrt(15**2 + 1 / 12), rel=0.01)


def test_uniform_noise_statistics():
    image = np.full((512, 512), 128, np.uint8)
    error = distort("uniform_noise", image, 10, rng()).astype(float) - 128
    assert np.abs(error).max() == 10
    assert error.std() == pytest.approx(10 / np.sqrt(3), rel=0.02)


def test_salt_and_pepper_fraction(color):
    out = distort("salt_and_pepper", np.full((512, 512, 3), 100, np.uint8), 0.1, rng())
    assert ((out == 255).all(-1).mean(), (out == 0).all(-1).mean()) == pytest.approx(
        (0.05, 0.05), abs=0.003
    )
    assert set(np.unique(out)) == {0, 100, 255}


def test_cropping_is_one_rectangle_of_the_paper_s_size():
    out = distort("cropping", np.full((320, 480), 9, np.uint8), 0.3, rng())
    rows, columns = np.nonzero(out == 0)
    side = np.sqrt(0.3 * 320 * 480)
    assert np.ptp(rows) + 1 == np.floor(side) and np.ptp(columns) + 1 == np.ceil(side)
    assert len(rows) == np.floor(side) * np.ceil(side)


def test_crop_keep_is_the_rest_of_cropping(gray):
    removed = distort("cropping", gray + 1 - (gray == 255), 0.2, rng(3))
    kept = distort("crop_keep", gray + 1 - (gray == 255), 0.2, rng(3))
    assert ((removed == 0) ^ (kept == 0)).all()


def test_grid_crop_blocks():
    image = np.full((512, 512), 7, np.uint8)
    blocks = distort("grid_crop", image, 0.4, rng()).reshape(64, 8, 64, 8).transpose(0, 2, 1, 3)
    flat = blocks.reshape(4096, 64)
    assert (flat == flat[:, :1]).all()
    assert (flat[:, 0] == 0).mean() == pytest.approx(0.4, abs=0.03)
    assert (distort("grid_crop", image, 1.0, rng()) == 0).all()
    assert distort("grid_crop", image[:30, :21], 0.5, rng()).shape == (30, 21)


def test_jpeg_is_pillow_s(gray, color):
    for image, options in ((gray, {}), (color, {"subsampling": "4:4:4"})):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=50, **options)
        expected = np.array(Image.open(buffer))
        np.testing.assert_array_equal(distort("jpeg", image, 50, **options), expected)


def test_jpeg_subsamples_colour_by_default(color):
    assert (distort("jpeg", color, 90) != distort("jpeg", color, 90, subsampling="4:4:4")).any()


def test_gaussian_blur_of_an_impulse():
    image = np.zeros((65, 65), np.uint8)
    image[32, 32] = 255
    sigma = 1.6
    x = np.arange(-6, 7)  # scipy cuts the kernel at 4 sigma
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    expected = np.rint(255 * np.outer(kernel, kernel))
    np.testing.assert_array_equal(distort("gaussian_blur", image, sigma)[26:39, 26:39], expected)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_median_filter_is_scipy_s(gray, color, size):
    np.testing.assert_array_equal(
        distort("median_filter", gray, size), ndimage.median_filter(gray, size)
    )
    np.testing.assert_array_equal(
        distort("median_filter", color, size), ndimage.median_filter(color, (size, size, 1))
    )


def test_mean_filter_of_an_impulse():
    image = np.zeros((9, 9), np.uint8)
    image[4, 4] = 90
    out = distort("mean_filter", image, 3)
    assert (out[3:6, 3:6] == 10).all() and out.sum() == 90


def test_resizing_rotation_and_sharpening_keep_a_flat_image():
    image = np.full((64, 96), 77, np.uint8)
    for name, level in (("resizing", 0.5), ("resizing", 1.5), ("sharpening", 10), ("rotation", 0)):
        np.testing.assert_array_equal(distort(name, image, level), image)


def test_resizing_by_half_averages():
    image = np.tile(np.uint8([0, 200]), (32, 16))
    inner = distort("resizing", image, 0.5)[8:-8, 8:-8]
    assert np.abs(inner.astype(int) - 100).max() <= 1


def test_rotation_by_a_right_angle(gray):
    square = gray[:256, :256]
    np.testing.assert_array_equal(distort("rotation", square, 90), np.rot90(square))


def test_edges_wrap_around():
    image = np.zeros((33, 33), np.uint8)
    image[16, 16] = 255
    out = distort("edges", image, 1.0)
    blurred = distort("gaussian_blur", image, 1.0)
    assert out[16, 16] == 255 - blurred[16, 16]
    assert out[16, 17] == 256 - int(blurred[16, 17])


def test_cropout_and_dropout_take_the_rest_from_the_cover():
    marked, cover = np.full((200, 200), 200, np.uint8), np.full((200, 200), 50, np.uint8)
    for name, tolerance in (("cropout", 0.01), ("dropout", 0.01)):
        out = distort(name, marked, 0.3, rng(), cover)
        assert set(np.unique(out)) == {50, 200}
        assert (out == 200).mean() == pytest.approx(0.3, abs=tolerance)
    rows, columns = np.nonzero(distort("cropout", marked, 0.3, rng(), cover) == 200)
    assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_mbrs_crop_keeps_24_of_128():
    image = np.full((128, 128, 3), 77, np.uint8)
    for fill in (0, 128, 255):
        out = distort("crop_keep", image, 24 * 24 / 128**2, rng(), fill=fill)
        rows, columns, _ = np.nonzero(out == 77)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (24, 24) and len(rows) == 3 * 24 * 24
        assert (out != 77).sum() == (out == fill).sum()


def test_dropout_of_pixels_and_of_channels():
    marked, cover = np.full((200, 200, 3), 200, np.uint8), np.full((200, 200, 3), 50, np.uint8)
    together = distort("dropout", marked, 0.3, rng(), cover) == 200
    assert (together.all(-1) == together.any(-1)).all()
    apart = distort("dropout", marked, 0.3, rng(), cover, channels="apart") == 200
    assert apart.mean() == pytest.approx(0.3, abs=0.01)
    assert apart.all(-1).mean() == pytest.approx(0.3**3, abs=0.005)
    with pytest.raises(ValueError, match="channels='single'"):
        distort("dropout", marked, 0.3, rng(), cover, channels="single")


def test_gaussian_window():
    image = np.zeros((64, 64, 3), np.uint8)
    image[32, 32] = 255
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / 8)
    kernel /= kernel.sum()
    expected = np.zeros((64, 64))
    expected[29:36, 29:36] = 255 * np.outer(kernel, kernel)
    out = distort("gaussian_blur", image, 2, window=7)
    np.testing.assert_array_equal(out, np.rint(expected)[..., None].repeat(3, -1))
    edge = np.zeros((64, 64), np.uint8)
    edge[:, 1] = 255  # mirrored without the border, it counts twice in column 0
    first = distort("gaussian_blur", edge, 2, window=7)[32, 0]
    assert first == round(255 * 2 * kernel[4])
    with pytest.raises(ValueError, match="odd window"):
        distort("gaussian_blur", edge, 2, window=6)


def test_jpeg_of_colour_halves_the_chroma(color):
    buffer = io.BytesIO()
    Image.fromarray(color).save(buffer, "JPEG", quality=50, subsampling=2)
    np.testing.assert_array_equal(distort("jpeg", color, 50), np.asarray(Image.open(buffer)))
    full = distort("jpeg", color, 50, subsampling="4:4:4")
    assert (full != distort("jpeg", color, 50)).any()


def test_pattern_elimination_geometry():
    image = np.zeros((512, 512), np.uint8)
    three, sixteen = pattern_elimination(image, 3), pattern_elimination(image, 16)
    rows, columns = np.nonzero(three)
    assert columns.min() >= 10 and rows.min() >= 10
    assert rows.max() < 10 + 30 * 2 + 60
    assert three.max() == 255
    assert (sixteen[:60] == pattern_elimination(image, 16)[:60]).all()
    assert 0.03 < (three > 0).mean() < (sixteen > 0).mean() < 0.5
    assert len(LINES) == 16
    np.testing.assert_array_equal(pattern_elimination(image + 9, 0), image + 9)


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [
        ("salt_and_pepper", 1.5, "fraction from 0 to 1"),
        ("cropping", -0.1, "fraction from 0 to 1"),
        ("median_filter", 4, "odd window"),
        ("mean_filter", 2.5, "odd window"),
        ("pattern_elimination", 17, "0 to 16 lines"),
        ("blur", 1, "name='blur'"),
    ],
)
def test_bad_levels(gray, name, level, message):
    with pytest.raises(ValueError, match=message):
        distort(name, gray, level, rng(), gray)


def test_bad_input(gray):
    with pytest.raises(ValueError, match="float64"):
        distort("jpeg", gray / 255, 50)
    with pytest.raises(ValueError, match="Generator for cropping"):
        distort("cropping", gray, 0.1)
    with pytest.raises(ValueError, match="cover image for cropout"):
        distort("cropout", gray, 0.1, rng())


def test_names_in_results_and_suites_stay():
    # Files in results/ and suites of users know these names.
    frozen = """
        identity gaussian_noise uniform_noise salt_and_pepper cropping grid_crop
        pattern_elimination jpeg webp gaussian_blur sharpening median_filter mean_filter resizing
        rotation edges crop_keep cropout dropout avif double_jpeg palette posterise scale stretch
        crop strip rotation_cropped perspective mirror quarter_turn screenshot brightness contrast
        saturation hue gamma gray vignette letterbox text_overlay stamp logo_overlay social_post
        messenger forwarded post_screenshot story phone_edit link_preview profile_picture
        centre_crop frame equalise edge_enhance one_bit cartoon print_photo
    """.split()
    assert set(frozen) <= set(DISTORTIONS) and len(frozen) == 58


def test_a_distortion_registers_itself():
    def shaky_webp(image, level, generator):
        return image

    tables = (DISTORTIONS, RANDOM, NEEDS_COVER, CHANGES_SIZE)
    assert distortion(changes_size=True, codec="webp")(shaky_webp) is shaky_webp
    try:
        assert [shaky_webp.__name__ in table for table in tables] == [True, True, False, True]
        assert distort("shaky_webp", np.zeros((8, 8), np.uint8), 1, rng()).shape == (8, 8)
    finally:
        DISTORTIONS.pop("shaky_webp")
        RANDOM.discard("shaky_webp")
        CHANGES_SIZE.discard("shaky_webp")
