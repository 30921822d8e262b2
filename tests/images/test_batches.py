import numpy as np
import pytest

from tfwm.images import ImageError, Photo, from_photos, read_photo, to_photos

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (4, 24, 40, 3), np.uint8)
FLOATS = (PIXELS / 255).astype(np.float32)

BATCHES = [
    ("uint8", PIXELS, {}),
    ("uint16", PIXELS.astype(np.uint16) * 257, {}),
    ("floats", FLOATS, {}),
    ("half", FLOATS.astype(np.float16), {}),
    ("double", FLOATS.astype(float), {}),
    ("first", np.moveaxis(PIXELS, -1, 1), {}),
    ("one first", np.moveaxis(PIXELS[0], -1, 0), {"channels": "first"}),
    ("one last", PIXELS[0], {}),
    ("signed", FLOATS * 2 - 1, {"range": (-1, 1)}),
    ("signed first", np.moveaxis(FLOATS * 2 - 1, -1, 1), {"range": (-1, 1), "channels": "first"}),
    ("levels as floats", PIXELS.astype(np.float32), {"range": (0, 255)}),
    ("levels as int64", PIXELS.astype(np.int64), {"range": (0, 255)}),
    ("black and white", PIXELS[..., :1] > 127, None),
    ("gray", PIXELS[..., 0], {"channels": "none"}),
    ("one gray", PIXELS[0, ..., 0], {"channels": "none"}),
    ("gray and alpha", PIXELS[..., :2], {}),
    ("alpha", np.concatenate([PIXELS, PIXELS[..., :1]], -1), {}),
    ("every other row", PIXELS[:, ::2, ::-1], {}),
]


@pytest.mark.parametrize("name, batch, how", BATCHES, ids=[name for name, *_ in BATCHES])
def test_there_and_back(name, batch, how):
    if how is None:
        with pytest.raises(ImageError, match=r"dtype=bool; convert it.*astype\(np.uint8\) \* 255"):
            to_photos(batch)
        return
    batch.setflags(write=False)
    photos = to_photos(batch, **how)
    assert all(isinstance(photo, Photo) and photo.pixels.shape[2] in (1, 3) for photo in photos)
    back = from_photos(photos, batch, **how)
    assert back.shape == batch.shape and back.dtype == batch.dtype
    tolerance = 0 if batch.dtype.kind in "iu" or "range" not in how else 1e-4
    np.testing.assert_allclose(back, batch, atol=tolerance)


@pytest.mark.parametrize(
    "batch, how, words",
    [
        (FLOATS * 2 - 1, {}, r"Expected floats in \[0, 1\].*say their range"),
        (FLOATS * 255, {}, r"Received: values from 0 to 255"),
        (FLOATS * np.nan, {}, "nan"),
        (FLOATS * np.nan, {"range": (-1, 1)}, "nan"),
        (FLOATS * 3, {"range": (-1, 1)}, "Expected values from -1 to 1. Received: 0 to 3"),
        (PIXELS[..., 0], {}, r"shape=\(4, 24, 40\), channels=None; say channels"),
        (np.zeros((5, 24, 40), np.uint8), {}, "say channels"),
        (np.zeros((2, 4, 24, 4), np.uint8), {}, "say channels"),
        (np.zeros((2, 3, 5, 24, 4), np.uint8), {}, "say channels"),
        (np.zeros((0, 24, 40, 3), np.uint8), {}, "at least one photo"),
        (PIXELS, {"channels": "middle"}, "Expected one of"),
        (PIXELS, {"range": (1, 0)}, "Expected a range"),
        (PIXELS, {"range": 255}, "Expected a range"),
        (PIXELS.astype(complex), {"range": (0, 1)}, "dtype complex128"),
        (PIXELS.astype(np.int64), {}, "dtype=int64"),
        ([[1, "a"]], {}, "Expected|say"),
    ],
)
def test_what_is_refused(batch, how, words):
    with pytest.raises(ValueError, match=words) as caught:
        to_photos(batch, **how)
    assert "\n" not in str(caught.value)


def test_no_more_photos_than_there_were():
    with pytest.raises(ValueError, match="Expected 4 photos, as many as like has. Received: 3"):
        from_photos(to_photos(PIXELS)[:3], PIXELS)


class Tensor:
    """What a library's tensor shows of itself."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values


class FarTensor(Tensor):
    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.\nUse Tensor.cpu()")


class OnlyInterface:
    def __init__(self, values):
        self.shape, self.__array_interface__ = values.shape, values.__array_interface__
        self.values = values


class OnlyDlpack:
    def __init__(self, values):
        self.shape, self.values = values.shape, values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


@pytest.mark.parametrize("kind", [Tensor, OnlyInterface, OnlyDlpack])
def test_tensors_of_other_libraries(kind, watermarker):
    photo = np.full((3, 128, 160), 0.5, np.float32)
    assert read_photo(kind(photo)).pixels.shape == (128, 160, 3)
    marked = watermarker.embed(kind(photo), "hi")
    assert marked.shape == photo.shape and marked.dtype == photo.dtype
    assert watermarker.extract(kind(marked), search="none").message == "hi"
    assert len(to_photos(kind(photo[None]))) == 1


def test_tensorflow():
    tf = pytest.importorskip("tensorflow")
    photos = to_photos(tf.constant(FLOATS))
    np.testing.assert_array_equal(from_photos(photos, tf.constant(FLOATS)), FLOATS)


def test_tensor_on_another_device():
    with pytest.raises(ValueError, match="own memory.*Tensor.cpu") as caught:
        read_photo(FarTensor(FLOATS[0]))
    assert "\n" not in str(caught.value)


def test_a_batch_is_marked_and_read(watermarker):
    batch = RNG.integers(60, 190, (3, 3, 128, 160)).astype(np.float32) / 127.5 - 1
    how = {"channels": "first", "range": (-1, 1)}
    marked = [watermarker.embed(p, n) for n, p in enumerate(to_photos(batch, **how), 1)]
    back = from_photos(marked, batch, **how)
    assert back.shape == batch.shape and 0 < np.abs(back - batch).max() < 0.2
    read = [watermarker.extract(p, search="none").message for p in to_photos(back, **how)]
    assert read == [1, 2, 3]


def test_floats_that_numpy_lacks_and_no_photos_are_told_what_to_do():
    tf = pytest.importorskip("tensorflow")
    floats = tf.zeros((2, 64, 64, 3), tf.bfloat16)
    for how in ({}, {"range": (-1, 1)}):
        with pytest.raises(ImageError, match=r"array.astype\(np.float32\)"):
            to_photos(floats, **how)
    for shape in ((0, 64, 64, 3), (2, 0, 64, 3)):
        with pytest.raises(ImageError, match="Expected at least one photo") as error:
            to_photos(np.zeros(shape, np.float32))
        assert "channels" not in str(error.value)
