import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.stats import spearmanr
from skimage import color, data
from skimage.metrics import structural_similarity

from tfwm.losses import PerceptualLoss, VisibleError, YUVLoss

LOSS = PerceptualLoss()
RNG = np.random.default_rng(0)


def cost(cover, other, loss=LOSS):
    return float(loss(cover.astype("float32"), other.astype("float32")))


@pytest.fixture(scope="module")
def photos():
    """Three real photos `(1, 192, 192, 3)`."""
    pictures = (data.astronaut(), data.coffee(), data.chelsea())
    return [picture[None, 60:252, 100:292].astype("float32") / 255 for picture in pictures]


def smooth_and_rough(photo):
    """The quarters of the pixels with least and most deviation around them."""
    light = photo[0].mean(-1)
    deviation = uniform_filter(light**2, 9) - uniform_filter(light, 9) ** 2
    low, high = np.quantile(deviation, (0.25, 0.75))
    return (deviation < low)[None, ..., None], (deviation > high)[None, ..., None]


def test_flat_image_closed_form():
    """In each of the 16 bands white noise has its own variance, a quarter of it at the second
    scale, which counts twice; 15 are masked by the floor alone, the first by the light."""
    cover = np.full((1, 256, 256, 1), 0.3)
    noise = RNG.normal(0, 0.003, cover.shape)
    share = 0.003**2 * (15 / 0.01**2 + 1 / (0.5**2 + 0.01**2)) / 16
    assert cost(cover, cover + noise, PerceptualLoss(1, floor=0.01)) == pytest.approx(
        share, rel=0.02
    )
    assert cost(cover, cover + noise, PerceptualLoss(2, floor=0.01)) == pytest.approx(
        share * (1 + 2 / 4) / 3, rel=0.02
    )


def test_a_change_of_light_counts_by_its_share():
    for light, change in ((0.0, 0.02), (0.2, 0.02), (0.8, 0.02)):
        cover = np.full((1, 64, 64, 1), light)
        expected = change**2 / ((light + 0.2) ** 2 + 0.02**2)
        assert cost(cover, cover + change) == pytest.approx(expected, rel=1e-3)


def test_gray_photo_costs_the_same_in_color(gray_photo):
    noise = RNG.normal(0, 0.02, gray_photo.shape)
    in_color = cost(np.repeat(gray_photo, 3, -1), np.repeat(gray_photo + noise, 3, -1))
    assert in_color == pytest.approx(cost(gray_photo, gray_photo + noise), rel=1e-3)


def test_grows_with_the_square_of_the_amplitude(photo):
    noise = RNG.normal(0, 0.01, photo.shape)
    costs = [cost(photo, photo + factor * noise) for factor in (0, 1, 2, 4)]
    np.testing.assert_allclose(costs, costs[1] * np.array([0, 1, 4, 16]), rtol=1e-3)


def test_noise_costs_more_in_smooth_areas_than_in_texture(photos):
    ratios = []
    for photo in photos:
        noise = RNG.normal(0, 0.03, (*photo.shape[:3], 1))
        smooth, rough = smooth_and_rough(photo)
        ratios.append(cost(photo, photo + noise * smooth) / cost(photo, photo + noise * rough))
    assert min(ratios) > 1.3
    assert max(ratios) > 2


def test_blur_costs_more_than_more_light(photos):
    """Though the change of light has five times the squared error."""
    for photo in photos:
        blurred = gaussian_filter(photo, (0, 0.7, 0.7, 0))
        change = np.sqrt(5 * np.mean((blurred - photo) ** 2))
        assert cost(photo, blurred) > cost(photo, photo + change)


def test_blur_is_monotone(photos):
    for photo in photos:
        costs = [cost(photo, gaussian_filter(photo, (0, s, s, 0))) for s in (0.5, 0.8, 1.2, 2.0)]
        assert costs == sorted(costs)


def test_ranks_as_structural_similarity(photos):
    """Far better than the squared error does, over kinds and levels of damage to gray photos."""
    costs, similarities, errors = [], [], []
    for photo in photos:
        light = photo.mean(-1, keepdims=True)
        damaged = [light + RNG.normal(0, s, light.shape) for s in (0.005, 0.01, 0.02, 0.04)]
        damaged += [gaussian_filter(light, (0, s, s, 0)) for s in (0.5, 0.7, 1.0, 2.0)]
        damaged += [light + s for s in (0.02, 0.05, 0.1)]
        damaged += [(light - light.mean()) * s + light.mean() for s in (0.95, 0.8, 0.6)]
        for other in damaged:
            costs.append(cost(light, other))
            errors.append(np.mean((light - other) ** 2))
            similarity = structural_similarity(light[0, ..., 0], other[0, ..., 0], data_range=1.0)
            similarities.append(1 - similarity)
    rank = spearmanr(costs, similarities).statistic
    assert rank > 0.85
    assert rank > spearmanr(errors, similarities).statistic + 0.3


def test_gradient_drives_a_watermark_out_of_smooth_areas(photos):
    for photo in photos:
        residual = tf.Variable(RNG.normal(0, 0.03, (*photo.shape[:3], 1)).astype("float32"))
        with tf.GradientTape() as tape:
            value = LOSS(photo, photo + residual)
        gradient = np.abs(tape.gradient(value, residual))
        smooth, rough = smooth_and_rough(photo)
        assert gradient[smooth].mean() > 1.3 * gradient[rough].mean()


def test_finite_for_black_images_and_in_bfloat16():
    black = tf.Variable(np.zeros((1, 32, 32, 3), "float32"))
    with tf.GradientTape() as tape:
        value = LOSS(np.zeros((1, 32, 32, 3), "float32"), tf.cast(black, "bfloat16"))
    assert float(value) == 0
    assert np.isfinite(tape.gradient(value, black)).all()


def test_config_round_trip_and_bad_arguments():
    loss = PerceptualLoss(scales=2, floor=0.05)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    with pytest.raises(ValueError, match="scale"):
        PerceptualLoss(scales=0)
    with pytest.raises(ValueError, match="floor"):
        PerceptualLoss(floor=0)


YUV_RNG = np.random.default_rng(0)


def falloff(height, width):
    """StegaStamp's map, written as its loops are, but the same from each border."""
    inside = np.ones((height, width))
    for i in range(-(-height // 4)):
        factor = (np.cos(4 * np.pi * i / height + np.pi) + 1) / 2
        inside[i] *= factor
        inside[height - 1 - i] *= factor
    for j in range(-(-width // 4)):
        factor = (np.cos(4 * np.pi * j / width + np.pi) + 1) / 2
        inside[:, j] *= factor
        inside[:, width - 1 - j] *= factor
    return 1 - inside


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 40), (33, 47)])
@pytest.mark.parametrize("gain", [0.0, 10.0])
def test_equals_the_formula(height, width, gain):
    cover, other = YUV_RNG.random((2, 3, height, width, 3)).astype("float32")
    difference = color.rgb2yuv(other) - color.rgb2yuv(cover)
    squares = (difference * (1 + gain * falloff(height, width)[..., None])) ** 2
    expected = (squares.mean(axis=(0, 1, 2)) * (1, 100, 100)).sum()
    assert float(YUVLoss(edge_gain=gain)(cover, other)) == pytest.approx(expected, rel=1e-4)


def test_weights_of_channels():
    cover = np.full((1, 16, 16, 3), 0.5, "float32")
    assert float(YUVLoss((1, 0, 0))(cover, cover + 0.1)) == pytest.approx(0.01, rel=1e-5)
    assert float(YUVLoss((0, 1, 1))(cover, cover + 0.1)) == pytest.approx(0, abs=1e-9)


def test_images_of_unknown_size():
    image, other = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    loss = YUVLoss(edge_gain=3.0)
    layer = keras.layers.Lambda(lambda pair: loss.call(*pair), output_shape=())
    cover, watermarked = YUV_RNG.random((2, 2, 20, 36, 3)).astype("float32")
    found = keras.Model([image, other], layer([image, other])).predict([cover, watermarked])
    np.testing.assert_allclose(found, loss.call(cover, watermarked), rtol=1e-5)


def test_config_round_trip_and_bad_weights():
    loss = YUVLoss((1, 2, 3), edge_gain=4.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    with pytest.raises(ValueError, match="three weights"):
        YUVLoss((1, 2))


def test_visible_error_of_gray_changes_and_colors():
    """Flat covers: `(0.065 / 0.015) ** 2` times the mean square; chroma counts six times."""
    cover = np.full((1, 32, 32, 3), 0.5, "float32")
    loss, flat = VisibleError(), (0.065 / 0.015) ** 2
    np.testing.assert_allclose(loss.call(cover, cover + 0.1), [0.01 * flat], rtol=1e-4)
    change = np.zeros_like(cover)
    change[..., 2] = 0.1
    light, u, v = 0.0114, 0.0436, -0.01
    expected = (light**2 + 6 * (u**2 + v**2)) * flat
    np.testing.assert_allclose(loss.call(cover, cover + change), [expected], rtol=2e-2)


def test_visible_error_counts_textured_places_less():
    """A checkerboard of 0.1 around the mean deviates by 0.1 in every neighborhood."""
    flat = np.full((1, 32, 32, 1), 0.5, "float32")
    signs = 1 - 2 * (np.indices((32, 32)).sum(0) % 2)
    rough = flat + 0.1 * signs[None, :, :, None].astype("float32")
    smooth, textured = (float(VisibleError().call(x, x + 0.01)[0]) for x in (flat, rough))
    assert textured / smooth == pytest.approx((0.015 / 0.115) ** 2, rel=0.03)
    with pytest.raises(ValueError, match="above 0"):
        VisibleError(masking=0.0)
