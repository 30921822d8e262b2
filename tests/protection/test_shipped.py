"""The trained networks that come with tfwm, on photos that they were not trained with."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.data.tasks import Colorize, SuperResolve
from tfwm.export.keyed import verify_keyed
from tfwm.protection import (
    decode_qr,
    load_barrier,
    load_host,
    load_keyed_reader,
    read_secret_file,
)
from tfwm.resources import resource_directory

HOSTS = {"keyed-colorize": Colorize(), "keyed-super-resolve": SuperResolve(enlarge=False)}


@pytest.fixture(scope="module")
def photos():
    """Three photos squeezed to 64 x 64 pixels, in [0, 1]."""
    images = [Image.fromarray(p) for p in (data.astronaut(), data.chelsea(), data.coffee())]
    squeezed = [np.asarray(image.resize((64, 64), Image.Resampling.BOX)) for image in images]
    return np.float32(squeezed) / 255


@pytest.mark.parametrize("name", HOSTS)
def test_hosts_mark_by_themselves(name, photos):
    inputs = np.stack([HOSTS[name].pair(photo, (0, 1))[0] for photo in photos])
    outputs = np.clip(load_host(name)(inputs), 0, 1)
    assert outputs.shape == photos.shape
    secret = read_secret_file(resource_directory("saved_models") / name / "demonstration.secret")
    reader = load_keyed_reader(name, secret)
    rounded = np.uint8(np.round(255 * outputs))
    assert reader.similarity(rounded).min() > 0.9
    assert decode_qr(reader.read(rounded)) == ["TFWM KEYED"] * 3
    assert np.abs(reader.similarity(photos)).max() < 0.3
    assert verify_keyed(resource_directory("saved_models") / name, reader.key).passed
    other = load_keyed_reader(name, "another secret, of somebody else")
    assert np.abs(other.similarity(rounded)).max() < 0.05


def test_a_barrier_marks_and_reads(photos):
    barrier = load_barrier("barrier-derain")
    marked = np.uint8(np.round(255 * np.clip(barrier.mark(photos), 0, 1)))
    errors = np.mean((marked / 255 - photos) ** 2, axis=(1, 2, 3))
    assert (-10 * np.log10(errors)).min() > 36
    assert barrier.similarity(marked).min() > 0.9
    assert np.abs(barrier.similarity(photos)).max() < 0.3
