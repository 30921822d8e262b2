"""JPEG against Pillow and the papers' formulas, with its gradients."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.attacks import (
    JPEG,
)
from tfwm.ops import jpeg
from tfwm.ops.color import rgb_to_ycbcr
from tfwm.ops.jpeg import CHROMINANCE_TABLE, LUMINANCE_TABLE
from tfwm.ops.transforms import dct_matrix


def pillow_jpeg(image, quality, subsampling="4:2:0"):
    buffer = io.BytesIO()
    pixels = np.uint8(np.rint(image * 255))
    color = {"subsampling": subsampling} if image.shape[-1] == 3 else {}
    pixels = Image.fromarray(pixels[..., 0] if image.shape[-1] == 1 else pixels)
    pixels.save(buffer, "JPEG", quality=quality, **color)
    return np.asarray(Image.open(buffer)).reshape(image.shape)


@pytest.mark.parametrize("method", ["faithful", "codec"])
@pytest.mark.parametrize("gradient", ["straight_through", "cubic"])
def test_equals_pillow(method, gradient, photo, gray_photo):
    for image in (photo[:, :45, :70], gray_photo[:, :45, :70]):
        attacked = JPEG(40, method=method, gradient=gradient)(image)
        np.testing.assert_allclose(attacked[0] * 255, pillow_jpeg(image[0], 40), atol=1e-3)


def test_cubic_is_near_the_codec(gray_photo):
    attacked = np.asarray(JPEG(50, method="cubic")(gray_photo))[0] * 255
    expected = pillow_jpeg(gray_photo[0], 50)
    error = np.mean((attacked - expected) ** 2)
    untouched = np.mean((gray_photo[0] * 255 - expected) ** 2)
    assert error < untouched / 10


def test_noise_follows_equation_3():
    image = tf.fill((200, 8, 8, 1), 0.5)
    attacked = JPEG(70, method="noise", seed=0)(image)
    error = jpeg.block_dct((attacked - image) * 255).numpy().reshape(200, 64)
    table = jpeg.quantization_table(70).numpy().ravel()
    assert (np.abs(error) <= 0.5 * table + 1e-2).all()
    np.testing.assert_allclose(error.std(axis=0), table / np.sqrt(12), rtol=0.2)


def test_noise_of_both_chroma_planes_is_independent():
    image = tf.fill((50, 8, 8, 3), 0.5)
    attacked = JPEG(70, method="noise", subsampling="4:4:4", seed=0)(image)
    planes = tf.split(rgb_to_ycbcr(attacked) - rgb_to_ycbcr(image), 3, -1)
    noise = [np.asarray(jpeg.block_dct(plane)).ravel() for plane in planes]
    assert abs(np.corrcoef(noise) - np.eye(3)).max() < 0.1


@pytest.mark.parametrize("mask, kept", [("square", (25, 9)), ("zigzag", (25, 9))])
def test_mask_keeps_low_frequencies(mask, kept, gray_photo):
    attacked = JPEG(method="mask", mask=mask)(0.25 + gray_photo / 2)
    energy = np.abs(jpeg.block_dct(attacked * 255)).max(axis=(0, 1, 2))
    assert (energy > 0.1).sum() == kept[0]


def test_straight_through_gradient_of_gray_is_one(gray_photo):
    image = tf.constant(gray_photo[:, :20, :20] * 3 - 1)  # outside [0, 1] too
    with tf.GradientTape() as tape:
        tape.watch(image)
        attacked = JPEG(30)(image)
    np.testing.assert_allclose(tape.gradient(attacked, image), np.ones(image.shape))


@pytest.mark.parametrize("subsampling, is_blind", [("4:2:0", True), ("4:4:4", False)])
def test_gradient_knows_chroma_subsampling(subsampling, is_blind, photo):
    image = tf.constant(photo[:, :16, :16])
    # A checkerboard of pure chroma, which the mean of 2 x 2 pixels wipes out.
    checks = np.indices((16, 16)).sum(axis=0) % 2 * 2.0 - 1
    wave = tf.constant(checks[None, ..., None] * [1, 0, -0.299 / 0.114], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.reduce_sum(JPEG(90, subsampling=subsampling)(image + 0.01 * wave) * wave)
    slope = float(tf.reduce_sum(tape.gradient(loss, image) * wave))
    assert (abs(slope) < 1e-2) == is_blind


def test_cubic_gradient_knows_dead_coefficients():
    rows = np.cos(np.pi * (2 * np.arange(8) + 1) * 7 / 16)
    wave = tf.constant((rows[:, None] * rows)[None, ..., None], tf.float32)
    slopes = {}
    for gradient in ("straight_through", "cubic"):
        image = tf.fill((1, 8, 8, 1), 0.5) + 0.001 * wave
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = tf.reduce_sum(JPEG(30, gradient=gradient)(image) * wave)
        slopes[gradient] = float(tf.reduce_sum(tape.gradient(loss, image) * wave))
    assert slopes["straight_through"] > 1
    assert abs(slopes["cubic"]) < 1e-2 * slopes["straight_through"]


def test_quality_range_is_drawn_per_image(photo):
    images = tf.repeat(tf.constant(photo[:, :32, :32]), 64, axis=0)
    attacked = np.rint(JPEG((30, 33), seed=0)(images) * 255)
    expected = [pillow_jpeg(photo[0, :32, :32], quality) for quality in range(30, 34)]
    found = [
        next(q for q, wanted in zip(range(30, 34), expected, strict=True) if (one == wanted).all())
        for one in attacked
    ]
    assert set(found) == {30, 31, 32, 33}


def test_codec_does_not_compile():
    assert not JPEG(50, method="codec").supports_jit and JPEG(50).supports_jit


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
