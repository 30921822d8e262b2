import keras
import numpy as np
import pytest

from tfwm.layers import CellSynthesis


@pytest.mark.parametrize("cell", [2, 8])
@pytest.mark.parametrize("size", [(1, 1), (5, 4)])
def test_equals_the_transposed_convolution(cell, size):
    features = np.random.default_rng(0).normal(size=(2, *size, 6)).astype("float32")
    layer = CellSynthesis(cell)
    reference = keras.layers.Conv2DTranspose(1, 2 * cell, cell, padding="same", use_bias=False)
    pixels = layer(features)
    reference.build(features.shape)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(pixels, reference(features), atol=1e-5)
    assert tuple(pixels.shape) == layer.compute_output_shape(features.shape)


def test_config_and_bad_arguments():
    layer = CellSynthesis(4)
    assert CellSynthesis.from_config(layer.get_config()).cell == 4
    for cell in (0, 3, 2.5):
        with pytest.raises(ValueError, match="even number"):
            CellSynthesis(cell)
