import keras
import numpy as np
import pytest

from tfwm.losses import AdversarialLoss
from tfwm.models.critic import build_patch_critic


def test_layers_of_the_code():
    critic = build_patch_critic(width=4)
    widths = [layer.kernel.shape[-1] for layer in critic.layers if hasattr(layer, "kernel")]
    assert widths == [4, 8, 16, 32, 1]
    norms = [layer.name for layer in critic.layers if layer.name.endswith("norm")]
    assert norms == ["conv2_norm", "conv3_norm", "conv4_norm"]
    assert critic.compute_output_shape((1, 256, 256, 3)) == (1, 16, 16, 1)


def test_a_patch_is_judged_by_itself(photo):
    """Up to what instance normalization tells of the whole image; without any, to the bit."""
    critic = build_patch_critic(width=4, depth=1)
    image = photo[:, :64, :64]
    before = np.asarray(critic(image))
    painted = image.copy()
    painted[:, :16, :16] = 0
    changed = (np.asarray(critic(painted)) != before)[0, ..., 0]
    assert changed[:8, :8].mean() > 0.9
    changed[:10, :10] = False
    assert not changed.any()


def test_with_a_condition_and_as_an_adversary(photo):
    keras.utils.set_random_seed(0)
    image = photo[:, :32, :64]
    layer = AdversarialLoss(build_patch_critic(6, width=4, depth=3), weight=0.01)
    pair = np.concatenate([image, image], axis=-1)
    # Without training it knows nothing.
    assert float(layer.critic_loss(pair * 0.9, pair)) == pytest.approx(2 * np.log(2), abs=0.3)
    assert float(layer.embedder_loss(pair * 0.9)) == pytest.approx(np.log(2), abs=0.5)
