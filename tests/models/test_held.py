import numpy as np
import pytest

from tfwm.losses import VisibleError
from tfwm.models.held import HeldResidual


@pytest.fixture
def covers(photo):
    return np.concatenate([photo[:, :64, :64], photo[:, -64:, -64:]])


@pytest.fixture
def residual(covers):
    return np.random.default_rng(0).normal(size=covers.shape).astype("float32")


def test_the_held_error_rises_in_training_only(covers, residual):
    layer = HeldResidual(40.0, start=20.0, ramp_steps=4, hold_steps=2)

    def reached(**arguments):
        change = layer([residual, covers], **arguments)
        return -10 * np.log10(VisibleError().call(covers, covers + change)[0])

    found = [reached(training=True) for _ in range(8)]
    np.testing.assert_allclose(found, [20, 20, 20, 25, 30, 35, 40, 40], atol=0.01)
    np.testing.assert_allclose(reached(), 40, atol=0.01)


@pytest.mark.parametrize("size", [1e-2, 1.0, 100.0])
def test_the_mean_square_is_held_in_each_image(size, covers, residual):
    change = np.asarray(HeldResidual(36.0, error="rgb")([size * residual, covers]))
    np.testing.assert_allclose((change**2).mean((1, 2, 3)), 10**-3.6, rtol=1e-3)


def test_config_comes_back_and_errors_are_named():
    config = HeldResidual(36.0, 20.0, 7, "rgb").get_config()
    again = HeldResidual.from_config(config)
    assert (again.target, again.start, again.ramp_steps, again.error) == (36.0, 20.0, 7, "rgb")
    with pytest.raises(ValueError, match="visible"):
        HeldResidual(36.0, error="lpips")
