"""Perspective, motion blur, colour cast, saturation, crop and frame."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance
from scipy import ndimage

from tfwm.attacks import (
    JPEG,
    Frame,
    GaussianBlur,
    GaussianNoise,
    Hue,
    MotionBlur,
    PerspectiveWarp,
    Ramp,
    RandomResizedCrop,
    Saturation,
)
from tfwm.ops.filters import filter2d, gaussian_kernel, line_kernel
from tfwm.ops.jpeg import CHROMINANCE_TABLE, LUMINANCE_TABLE
from tfwm.ops.resample import apply_separable, window_matrix
from tfwm.ops.transforms import dct_matrix


def blur_of_stegastamp(angle, sigma, size=7):
    """The line of `random_blur_kernel` in its code, by the angle of the line's normal."""
    coords = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1)
    coords = coords - 0.5 * (size - 1)
    distance = coords @ np.array([np.cos(angle), np.sin(angle)])
    line = np.exp(-(distance**2) / 2 / sigma**2) * (np.abs(coords).sum(-1) < 3.05)
    return line / line.sum()


@pytest.mark.parametrize("angle, sigma", [(0.0, 0.25), (0.4, 0.7), (2.0, 1.0), (5.5, 0.5)])
def test_line_is_stegastamps(angle, sigma):
    kernel = line_kernel(tf.constant([np.degrees(angle)], tf.float32), tf.constant([sigma]), 3)
    np.testing.assert_allclose(kernel[0], blur_of_stegastamp(angle, sigma), atol=1e-5)


def test_motion_along_axes_is_a_mean(photo):
    image = photo[:, :40, :50]
    for angle, axis in ((0.0, 2), (90.0, 1), (-180.0, 2)):
        blurred = MotionBlur(7, angle, sigma=0.01)(image)
        expected = ndimage.uniform_filter1d(image, 7, axis=axis)
        np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_motion_goes_up_and_to_the_right():
    dot = np.zeros((1, 9, 9, 1), np.float32)
    dot[0, 4, 4] = 1
    line = MotionBlur(5, angle=45.0, sigma=0.1)(dot).numpy()[0, ..., 0]
    assert line[3, 5] == pytest.approx(1 / 3, abs=1e-4) == line[5, 3]
    assert line[5, 5] < 1e-4


@pytest.mark.parametrize("padding, mode", [("zero", "constant"), ("symmetric", "reflect")])
def test_a_kernel_for_each_image(padding, mode, photo):
    image = np.concatenate([photo[:, :30, :41], photo[:, 60:90, 60:101]])
    kernel = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    filtered = filter2d(tf.constant(image), kernel, padding)
    for i in range(2):
        expected = ndimage.correlate(image[i], kernel[i][..., None], mode=mode)
        np.testing.assert_allclose(filtered[i], expected, atol=1e-4)


def test_defocus_is_stegastamps():
    one = gaussian_kernel(tf.constant(2.0), 3).numpy()
    coords = np.mgrid[-3:4, -3:4]
    kernel = np.exp(-(coords**2).sum(0) / 2 / 2.0**2)
    np.testing.assert_allclose(np.outer(one, one), kernel / kernel.sum(), atol=1e-6)
    dot = np.zeros((1, 9, 9, 1), np.float32)
    dot[0, 4, 4] = 1
    blurred = GaussianBlur(2.0, size=7, padding="zero")(dot)[0, 1:-1, 1:-1, 0]
    np.testing.assert_allclose(blurred, kernel / kernel.sum(), atol=1e-6)


def test_hue_is_a_number_per_image_and_channel(photo):
    image = np.repeat(photo[:, :32, :32] * 0.5 + 0.25, 100, axis=0)
    change = Hue((-0.1, 0.1), seed=1)(image) - image
    np.testing.assert_allclose(np.ptp(change, axis=(1, 2)), 0, atol=1e-6)
    casts = np.asarray(change[:, 0, 0])
    assert np.abs(casts).max() <= 0.1 and casts.std() == pytest.approx(0.2 / 12**0.5, rel=0.1)
    assert np.abs(np.corrcoef(casts.T) - np.eye(3)).max() < 0.25
    assert float(tf.reduce_max(Hue(0.5)(tf.fill((1, 2, 2, 3), 0.75)))) == 1.0


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.8])
def test_saturation_comes_near_pillow(factor, photo):
    pixels = (photo[0] * 255).round().astype(np.uint8)
    expected = np.asarray(ImageEnhance.Color(Image.fromarray(pixels)).enhance(factor)) / 255
    changed = Saturation(factor)(tf.constant(pixels[None] / 255.0)).numpy()[0]
    # Pillow's gray is 0.299 R + 0.587 G + 0.114 B.
    np.testing.assert_allclose(changed, expected, atol=abs(1 - factor) * 0.014 + 1.01 / 255)


def test_saturation_of_gray_and_of_one(photo, gray_photo):
    np.testing.assert_array_equal(Saturation(0.3)(gray_photo), gray_photo)
    np.testing.assert_allclose(Saturation(1.0)(photo), photo, atol=1e-6)


def test_frame_covers_whole_pixels(photo):
    framed = Frame(0.1)(photo[:, :101, :60]).numpy()
    np.testing.assert_array_equal(framed[:, 10:-10, 6:-6], photo[:, 10:91, 6:54])
    framed[:, 10:-10, 6:-6] = 0
    assert not framed.any()
    wide = Frame((0.0, 0.2), seed=1)(np.ones((50, 40, 40, 1), np.float32)).numpy()
    assert len(np.unique(wide.mean(axis=(1, 2, 3)))) == 9


@pytest.mark.parametrize("start, length", [(0, 101), (13, 60), (100, 1), (40, 61)])
def test_window_equals_pillow(start, length, gray_photo):
    image = gray_photo[:, :101, :101]
    matrix = window_matrix(101, tf.constant(start), tf.constant(length))
    resized = apply_separable(tf.constant(image), matrix, tf.eye(101))
    part = Image.fromarray(image[0, start : start + length, :, 0])
    expected = np.asarray(part.resize((101, 101), Image.BILINEAR))
    np.testing.assert_allclose(resized[0, ..., 0], expected, atol=2e-5)


def windows(attack, num=400, sides=(100, 160)):
    """Returns the rows, columns, heights and widths of the windows that an attack cuts."""
    places = np.stack(np.indices(sides), -1).astype(np.float32)[None]
    found = attack(np.repeat(places, num, axis=0)).numpy()
    first, last = found[:, 0, 0], found[:, -1, -1]
    return (*first.T, *(last - first + 1).T)


def test_crops_have_the_areas_and_aspects():
    row, column, height, width = windows(RandomResizedCrop((0.6, 1.0), (3 / 4, 4 / 3), seed=1))
    assert row.min() >= 0 and column.min() >= 0
    assert (row + height).max() <= 100.01 and (column + width).max() <= 160.01
    for values in (row, column, height, width):
        np.testing.assert_allclose(values, values.round(), atol=1e-3)
    area, aspect = height * width / 16000, width / height / 1.6
    assert 0.59 < area.min() < 0.63 and 0.97 < area.max() < 1.01
    assert area.mean() == pytest.approx(0.8, abs=0.02)
    assert 0.73 < aspect.min() < 0.78 and 1.29 < aspect.max() < 1.36
    assert np.log(aspect).mean() == pytest.approx(0, abs=0.02)


def test_crop_of_all_and_of_one_window():
    row, column, height, width = windows(RandomResizedCrop(1.0), num=2)
    assert (row == 0).all() and (column == 0).all()
    assert (height == 100).all() and (width == 160).all()
    *_, height, width = windows(RandomResizedCrop(0.25, 1.0), num=20)
    np.testing.assert_allclose(height, 50, atol=1e-3)
    np.testing.assert_allclose(width, 80, atol=1e-3)
    *_, height, width = windows(RandomResizedCrop(0.5, 2.0), num=20)
    np.testing.assert_allclose(height, 50, atol=1e-3)
    np.testing.assert_allclose(width, 160, atol=1e-3)


@pytest.mark.parametrize("fill", ["white", "cover", "edge"])
def test_warp_fills_its_border(fill):
    image, cover = np.full((40, 32, 32, 1), 0.5, np.float32), np.zeros((40, 32, 32, 1), np.float32)
    warped = PerspectiveWarp(0.1, fill, seed=1)(image, cover=cover).numpy()
    ends = {"white": (0.5, 1.0), "cover": (0.0, 0.5), "edge": (0.5, 0.5)}[fill]
    assert (warped.min(), warped.max()) == pytest.approx(ends, abs=1e-5)
    np.testing.assert_allclose(warped[:, 5:-5, 5:-5], 0.5, atol=1e-5)


def test_warp_moves_corners_by_up_to_the_offset():
    places = np.stack(np.indices((100, 100)), -1).astype(np.float32)[None]
    image = np.repeat(places, 300, axis=0)
    for offset, mean in ((0.1, 2.5), ((0.0, 0.1), 1.25)):
        moved = np.abs(PerspectiveWarp(offset, "edge", seed=1)(image) - image)[:, ::99, ::99]
        assert 9 < moved.max() < 10.2
        # Half of the corners lie beyond the border and show the edge pixel.
        assert moved.mean() == pytest.approx(mean, rel=0.1)


def test_noise_can_be_clipped(gray_photo):
    noisy = GaussianNoise(0.5, seed=1)(gray_photo).numpy()
    clipped = GaussianNoise(0.5, clip=True, seed=1)(gray_photo)
    assert noisy.min() < 0 and noisy.max() > 1
    np.testing.assert_allclose(clipped, noisy.clip(0, 1), atol=1e-6)


def test_clipped_noise_gives_no_gradient_outside_and_clips_from_the_first_call():
    image = tf.constant([[[[-3.0], [0.5], [2.0]]]])
    attack = Ramp(GaussianNoise(0.02, clip=True, seed=1), 100)
    with tf.GradientTape() as tape:
        tape.watch(image)
        first = attack(image)
    np.testing.assert_allclose(first.numpy().ravel(), [0, 0.5, 1], atol=1e-6)
    np.testing.assert_array_equal(tape.gradient(first, image).numpy().ravel(), [0, 1, 0])


def jpeg_of_stegastamp(image, quality):
    """What its code does to an image `(height, width, 3)` of sides that 16 divides."""
    factor = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100 + 1e-4
    pixels = image * 255.0
    y = pixels @ [0.299, 0.587, 0.114]
    cb, cr = (pixels[..., 2] - y) / 1.772, (pixels[..., 0] - y) / 1.402
    height, width = y.shape
    planes = [y - 128]
    planes += [p.reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for p in (cb, cr)]
    out = []
    for plane, table in zip(planes, (LUMINANCE_TABLE, *[CHROMINANCE_TABLE] * 2), strict=True):
        rows, columns = plane.shape
        blocks = plane.reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2)
        dct = dct_matrix(8)
        steps = dct @ blocks @ dct.T / (table.T * factor)
        steps = np.where(np.abs(steps) < 0.5, steps**3, steps) * (table.T * factor)
        out.append((dct.T @ steps @ dct).swapaxes(1, 2).reshape(rows, columns))
    y = out[0] + 128
    cb, cr = (np.kron(p, np.ones((2, 2))) for p in out[1:])
    rgb = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb]
    return np.stack(rgb, -1).clip(0, 255) / 255


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_our_jpeg_does_to_an_image_what_stegastamps_does(quality, photo):
    image = photo[0, :128, :128]
    ours = JPEG(quality, method="cubic_at_zero")(image[None]).numpy()[0]
    theirs = jpeg_of_stegastamp(image, quality)
    done, expected = ours - image, theirs - image
    likeness = (done * expected).sum() / np.sqrt((done**2).sum() * (expected**2).sum())
    assert likeness > 0.9
    assert done.std() == pytest.approx(expected.std(), rel=0.15)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PerspectiveWarp(0.3),
        lambda: PerspectiveWarp(fill="black"),
        lambda: RandomResizedCrop(0),
        lambda: RandomResizedCrop(1.2),
        lambda: RandomResizedCrop(aspect=0),
        lambda: MotionBlur(4),
        lambda: MotionBlur(sigma=-1),
        lambda: MotionBlur(padding="wrap"),
        lambda: Hue(2),
        lambda: Saturation(-1),
        lambda: Frame(0.5),
        lambda: GaussianNoise(0.1, clip="yes"),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match="Received"):
        make()
