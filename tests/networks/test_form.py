"""Forms that take one strength for all images of a call."""

import numpy as np
import pytest

from tfwm.networks.form import Form


@pytest.fixture
def single():
    """A form that scales images by one strength."""
    inputs = {"embed": {"image": (None, None, None, 1), "strength": ()}}
    run = {"embed": lambda image, strength: {"watermarked": image * strength}}
    return Form("tflite", run, inputs)


@pytest.mark.parametrize("strength", [2.0, [2, 2, 2], [1, 2, 3], [1, np.nan, 3], [np.nan] * 3])
def test_a_form_of_one_strength_takes_one_for_each_image(single, strength):
    found = single("embed", image=np.ones((3, 2, 2, 1)), strength=strength)["watermarked"]
    expected = np.broadcast_to(np.float32(strength), 3)
    np.testing.assert_array_equal(found[:, 0, 0, 0], expected)
