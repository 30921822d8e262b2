"""Marking what pipelines give: every kind in comes out as the same kind, marked."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfwm
from tfwm.images import ImageError
from tfwm.provenance import (
    ManifestStore,
    Stamp,
    Stamper,
    from_value,
    read_manifest,
    read_signpost,
)
from tfwm.provenance.stamper import like

SIDE = 256


@pytest.fixture(scope="module")
def watermarker():
    return tfwm.load("photo")


@pytest.fixture(scope="module")
def stamper(watermarker):
    return Stamper("acme-image", "2.1", key="secret", network=watermarker)


@pytest.fixture
def batch(photo):
    """Two photos, (2, SIDE, SIDE, 3) uint8."""
    pixels = np.uint8(255 * photo[0])
    return np.stack([pixels, pixels[:, ::-1]])


def read(watermarker, image, key="secret"):
    return watermarker.extract(image, key=key, search="none").message


def test_a_batch_carries_generator_version_and_ids(stamper, watermarker, batch):
    images, stamps, checks = stamper.stamp(batch)
    assert images.shape == batch.shape and images.dtype == np.uint8
    found = [Stamp.parse(read(watermarker, image)) for image in images]
    assert found == stamps and stamps[0].id != stamps[1].id
    assert {(s.generator, s.version) for s in found} == {("acme-image", "2.1")}
    assert all(check.fits and check.margin >= stamper.options.margin for check in checks)
    assert read(watermarker, images[0], "another key") is None


def test_it_marks_as_the_watermarker_does(stamper, watermarker, batch):
    images, stamps, checks = stamper.stamp(batch[:1])
    strength = checks[0].strength
    expected = watermarker.embed(batch[0], stamps[0].message, key="secret", strength=strength)
    np.testing.assert_array_equal(images[0], expected)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("span", [None, (-1, 1)])
def test_layouts_and_ranges(watermarker, batch, first, span):
    stamper = Stamper("acme-image", "2.1", key="secret", network=watermarker, range=span)
    floats = batch.astype(np.float32) / 255
    given = floats if span is None else 2 * floats - 1
    given = np.moveaxis(given, -1, 1) if first else given
    images, stamps, _ = stamper.stamp(given)
    assert images.shape == given.shape and images.dtype == np.float32
    assert given.min() - 0.01 <= images.min() and images.max() <= 1
    back = np.moveaxis(images, 1, -1) if first else images
    back = back if span is None else (back + 1) / 2
    shown = [np.uint8(np.rint(255 * image)) for image in back]
    assert [read(watermarker, image) for image in shown] == [s.message for s in stamps]


def test_a_range_that_was_not_said_is_asked_for(stamper, batch):
    with pytest.raises(ValueError, match="say their range"):
        stamper.stamp(batch / np.float32(127.5) - 1)


def test_tensors_come_back_as_tensors(stamper, watermarker, batch):
    images, stamps, _ = stamper.stamp(tf.constant(batch))
    assert tf.is_tensor(images) and images.dtype == tf.uint8
    assert read(watermarker, images[1].numpy()) == stamps[1].message


class TorchLike:
    """What of a PyTorch tensor on the CPU is used."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, "torch.uint8"

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __dlpack__(self):
        raise AssertionError("an array was there")

    def new_tensor(self, array):
        return TorchLike(np.asarray(array, self.array.dtype))


class OnlyDLPack:
    """A tensor that gives its memory and nothing else."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_torch_tensors_and_dlpack(stamper, watermarker, batch):
    first = np.ascontiguousarray(np.moveaxis(batch, -1, 1))
    images, stamps, _ = stamper.stamp(TorchLike(first))
    assert isinstance(images, TorchLike) and images.shape == first.shape
    assert read(watermarker, images.array[0]) == stamps[0].message
    images, stamps, _ = stamper.stamp(OnlyDLPack(first[:1].copy()))
    assert read(watermarker, images[0]) == stamps[0].message
    assert like(np.zeros(1), np.ones(1)).tolist() == [1]


def test_lists_of_pil_images_files_and_bytes(stamper, watermarker, batch, tmp_path):
    pictures = [Image.fromarray(p) for p in batch]
    pictures[0].save(tmp_path / "a.png")
    given = [*pictures, tmp_path / "a.png", (tmp_path / "a.png").read_bytes(), batch[0]]
    images, stamps, _ = stamper.stamp(given, ids=list("abcde"))
    assert [s.id for s in stamps] == list("abcde")
    assert all(isinstance(image, Image.Image) for image in images[:4])
    assert isinstance(images[4], np.ndarray)
    assert [read(watermarker, image) for image in images] == [s.message for s in stamps]
    one, _, _ = stamper.stamp(pictures[0], ids=["a"])
    assert isinstance(one, Image.Image) and one.size == (SIDE, SIDE)
    images[0].save(tmp_path / "marked.jpg", quality=90)
    assert read(watermarker, tmp_path / "marked.jpg") == stamps[0].message


def test_a_picture_that_cannot_carry_it_is_told_and_does_not_stop_the_batch(stamper, batch):
    with pytest.warns(UserWarning, match="picture 1: at strength .* does not read back"):
        images, stamps, checks = stamper.stamp([batch[0], batch[0, :64, :64]])
    assert [check.fits for check in checks] == [True, False] and len(images) == len(stamps) == 2


def test_without_a_check_it_only_marks(watermarker, batch):
    stamper = Stamper("acme-image", "2.1", network=watermarker, check=False, psnr=38)
    images, stamps, checks = stamper.stamp(batch[0])
    assert checks == [None] and read(watermarker, images, None) == stamps[0].message


def test_a_signpost_names_the_detector(watermarker, batch):
    stamper = Stamper("acme", "2.1", key="secret", network=watermarker, signpost="acme.example")
    image = stamper.stamp(batch[0], ids=["a"]).images
    assert read_signpost(image, watermarker, search="none").host == "acme.example"
    assert read(watermarker, image) == "gen:acme/2.1/a"
    layered = stamper.layer("a")(batch[:1] / np.float32(255)).numpy()
    shown = np.uint8(np.rint(255 * layered[0]))
    assert read_signpost(shown, watermarker, search="none").host == "acme.example"


def test_ids_may_be_an_array(stamper, batch):
    stamps = stamper.stamp(batch, ids=np.array(["a", "b"])).stamps
    assert [stamp.id for stamp in stamps] == ["a", "b"]


def test_bad_input_is_told_in_one_line(stamper, watermarker, batch):
    with pytest.raises(ValueError, match="takes 80 bytes, but at most 64"):
        Stamper("a" * 60, "2.1", network=watermarker)
    with pytest.raises(ValueError, match="Expected 2 ids"):
        stamper.stamp(batch, ids=["a"])
    with pytest.raises(ValueError, match="a batch in a list"):
        stamper.stamp([batch])
    with pytest.raises(ValueError, match="Expected a margin"):
        Stamper("a", "1", margin=-1, network=watermarker)


def test_a_batch_is_marked_and_signed_in_one_call(watermarker, batch, signer, tmp_path):
    stamper = Stamper("acme-image", "2.1", key="secret", network=watermarker, range=(-1, 1))
    first = np.moveaxis(batch.astype(np.float32) / 127.5 - 1, -1, 1)
    store = ManifestStore(tmp_path / "manifests.db", create=True)
    signed = stamper.sign(first, signer=signer, file_format="jpg", store=store)
    for data, stamp, report in signed:
        assert Image.open(io.BytesIO(data)).format == "JPEG"
        manifest = read_manifest(data)
        assert manifest.holds and manifest.source_type == "trainedAlgorithmicMedia"
        assert from_value(manifest.soft_bindings[0].value) == stamp.message
        assert read(watermarker, data) == stamp.message
        assert store.find(report.algorithm, report.value)[0].id == report.manifest.label
    with pytest.raises(ImageError, match="was not marked"):
        stamper.sign(np.zeros((64, 64, 3), np.float32), signer=signer)
