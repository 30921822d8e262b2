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


def at_size(photo, size, mode="RGB"):
    """A photo squeezed to a square, as uint8 of a batch of one."""
    image = Image.fromarray(photo).convert(mode).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image).reshape(1, size, size, -1)


def test_an_output_of_any_size_is_read():
    """keyed-super-resolve's mark is as fine as its pixels: squeezed, 0 of 12 were read."""
    network = load_keyed("keyed-super-resolve")
    reader = network.reader(read_key_file(network.folder / "demonstration.secret"))
    outputs = [run_network(network.host, at_size(data.coffee(), n) / 255) for n in (24, 32, 64)]
    for output in outputs:
        assert reader.similarity(output)[0] > 0.99
        assert decode_qr(reader.read(output)) == ["TFWM KEYED"]
    assert [len(output[0]) for output in outputs] == [96, 128, 256]
    large = at_size(data.coffee(), 256)
    assert reader.similarity(large)[0] < 0.05


@pytest.mark.parametrize("size", [128, 256])
def test_a_fine_mark_survives_the_squeeze(size):
    """Bilinear weights took a pattern of two pixels."""
    barrier = load_barrier("barrier-derain")
    image = at_size(data.coffee(), size)
    marked = to_uint8(barrier.mark(image))
    assert psnr(image[0], marked[0]) > 39
    assert barrier.similarity(marked)[0] > 0.9
    assert barrier.similarity(image)[0] < 0.05


@pytest.mark.parametrize("size", [64, 128, 256])
def test_a_mark_of_radiographs(shared, size):
    barrier = load_barrier("barrier-xray")
    paths = sorted((shared / "data/chestxray256/Pneumonia").iterdir())[::100]
    images = np.concatenate([at_size(np.asarray(Image.open(path)), size, "L") for path in paths])
    marked = to_uint8(barrier.mark(images))
    assert min(map(psnr, images, marked)) > 40
    assert barrier.similarity(marked).min() > 0.9
    assert np.abs(barrier.similarity(images)).max() < 0.05
    other = at_size(data.moon(), size, "L")
    assert barrier.similarity(other)[0] < 0.05  # unmarked, and no radiograph


def test_a_barrier_marks_and_reads(photos):
    barrier = load_barrier("barrier-derain")
    marked = to_uint8(barrier.mark(photos))
    assert min(map(psnr, photos, marked)) > 36
    assert barrier.similarity(marked).min() > 0.9
    assert np.abs(barrier.similarity(photos)).max() < 0.3
