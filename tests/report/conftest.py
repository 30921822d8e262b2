import pytest

from tfwm.evaluation import MessageSuite


@pytest.fixture(scope="session")
def coffee():
    """A colour photo, 400 x 600 uint8."""
    from skimage import data

    return data.coffee()


@pytest.fixture(scope="session")
def suite():
    attacks = [
        {"name": "jpeg", "levels": [80], "label": "JPEG, quality"},
        {"name": "mirror", "levels": [1], "plain": True},
        {"name": "gaussian_blur", "levels": [0.5, 30], "unpromising": [30]},
        {"name": "cropping", "levels": [0.25], "percent": True},
    ]
    return MessageSuite("tiny", "Tiny", attacks, payload_bits=64)
