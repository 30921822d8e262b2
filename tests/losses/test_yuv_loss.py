import keras
import numpy as np
import pytest
from skimage import color

from tfwm.losses import YUVLoss

RNG = np.random.default_rng(0)


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
    cover, other = RNG.random((2, 3, height, width, 3)).astype("float32")
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
    cover, watermarked = RNG.random((2, 2, 20, 36, 3)).astype("float32")
    found = keras.Model([image, other], layer([image, other])).predict([cover, watermarked])
    np.testing.assert_allclose(found, loss.call(cover, watermarked), rtol=1e-5)


def test_config_round_trip_and_bad_weights():
    loss = YUVLoss((1, 2, 3), edge_gain=4.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    with pytest.raises(ValueError, match="three weights"):
        YUVLoss((1, 2))
