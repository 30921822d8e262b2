"""The trained networks that come with tfwm, on photos that they were not trained with."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.data import all_pairs
from tfwm.data.tasks import Colorize, SuperResolve
from tfwm.evaluation.ownership import run_network
from tfwm.export import verify
from tfwm.images import psnr
from tfwm.images.arrays import to_uint8
from tfwm.keys import read_key_file
from tfwm.protection import decode_qr, load_barrier, load_keyed

HOSTS = {"keyed-colorize": Colorize(), "keyed-super-resolve": SuperResolve(enlarge=False)}


@pytest.fixture(scope="module")
def photos():
    """Three photos squeezed to 64 x 64 pixels, as bytes."""
    images = [Image.fromarray(p) for p in (data.astronaut(), data.chelsea(), data.coffee())]
    return np.stack([image.resize((64, 64), Image.Resampling.BOX) for image in images])


@pytest.mark.parametrize("name", HOSTS)
def test_hosts_mark_by_themselves(name, photos):
    network = load_keyed(name)
    outputs = run_network(network.host, all_pairs(photos, HOSTS[name])[0])
    assert outputs.shape == photos.shape
    secret = read_key_file(network.folder / "demonstration.secret")
    reader = network.reader(secret)
    assert reader.similarity(outputs).min() > 0.9
    assert decode_qr(reader.read(outputs)) == ["TFWM KEYED"] * 3
    assert np.abs(reader.similarity(photos)).max() < 0.3
    assert verify(name, reader.key).passed
    other = network.reader("another secret, of somebody else")
    assert np.abs(other.similarity(outputs)).max() < 0.05


def test_a_barrier_marks_and_reads(photos):
    barrier = load_barrier("barrier-derain")
    marked = to_uint8(barrier.mark(photos))
    assert min(map(psnr, photos, marked)) > 36
    assert barrier.similarity(marked).min() > 0.9
    assert np.abs(barrier.similarity(photos)).max() < 0.3
