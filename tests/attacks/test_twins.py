"""Attacks agree with the real distortions that they stand for: each declares its `twins`."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfwm import attacks
from tfwm.distortions import DISTORTIONS, NEEDS_COVER, RANDOM, distort
from tfwm.images import plane, to_uint8

ATTACKS = {
    name: getattr(attacks, name)
    for name in attacks.__all__
    if isinstance(getattr(attacks, name), type) and name != "Attack"
}
PAIRS = {
    f"{name}-{twin.distortion}": (attack, twin)
    for name, attack in ATTACKS.items()
    for twin in attack.twins
    if not twin.differs
}
DRAWS = 40


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_names_its_twins(name):
    attack = ATTACKS[name]
    assert attack.twins, f"{name} needs `twins`: its distortion, or a Twin that says why not"
    named = [twin.distortion for twin in attack.twins]
    own = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    assert own not in DISTORTIONS or own in named, f"{name} does not name {own} among its twins"
    for twin in attack.twins:
        assert twin.distortion in DISTORTIONS or (twin.distortion is None and twin.differs)


@pytest.mark.parametrize("kind", ["gray", "color"])
@pytest.mark.parametrize("pair", PAIRS)
def test_twins_agree(pair, kind, photo, gray_photo):
    attack, twin = PAIRS[pair]
    image = to_uint8({"gray": gray_photo, "color": photo}[kind][0, :200, :240])
    attacked, distorted = results(twin.attack(attack), twin, image)
    assert mean_error(twin, image, attacked, distorted) <= twin.tolerance
    if kind == "color" and twin.distortion != "identity":
        assert all(one.shape != image.shape or (one != image).any() for one in attacked)


def results(made, twin, image):
    """Returns what attack and distortion make of an image, several draws if they are random."""
    draws = DRAWS if twin.distortion in RANDOM else 1
    cover = 255 - image
    attack = type(made).from_config({**made.get_config(), "seed": 1})
    one, other = (tf.constant(x[None] / 255, tf.float32) for x in (image, cover))
    attacked = [to_uint8(attack(one, cover=other)[0]) for _ in range(draws)]
    distorted = [
        distort(
            twin.distortion,
            plane(image),
            twin.level,
            np.random.default_rng(seed) if twin.distortion in RANDOM else None,
            plane(cover) if twin.distortion in NEEDS_COVER else None,
        )
        for seed in range(draws)
    ]
    return attacked, [x.reshape(*x.shape[:2], image.shape[-1]) for x in distorted]


def mean_error(twin, image, attacked, distorted):
    """Returns the mean absolute difference; where the distortion is random, of sorted values.

    That is the area between the cumulative distributions of what both sides draw.
    """
    if twin.distortion not in RANDOM:
        (attacked,), (distorted,) = attacked, distorted
        assert attacked.shape == distorted.shape
        rows, columns = (round(twin.border * side) for side in attacked.shape[:2])
        inside = np.s_[rows : attacked.shape[0] - rows, columns : attacked.shape[1] - columns]
        return np.abs(attacked[inside].astype(int) - distorted[inside]).mean()
    same = all(one.shape == image.shape for one in attacked + distorted)
    before = image.astype(int) if same else 0
    shares = []
    for side in (attacked, distorted):
        values = np.concatenate([(one - before).ravel() for one in side])
        shares.append(np.cumsum(np.bincount(values + 255, minlength=511)) / values.size)
    return np.abs(shares[0] - shares[1]).sum()
