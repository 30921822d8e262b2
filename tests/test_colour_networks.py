"""Photos through networks for colours: all that gray networks do, on real photos."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import load
from tfwm.batch.folders import embed_folder, extract_folder
from tfwm.images import Photo, luminance, read_photo, write_photo
from tfwm.networks import tflite_name
from tfwm.report.confidence import cell_agreement
from tfwm.watermarker import Watermarker

MESSAGE = b"8 bytes!"


@pytest.fixture(params=["colour", "tile"])
def marker(request, colour_network, tile_network):
    return Watermarker({"colour": colour_network, "tile": tile_network}[request.param])


@pytest.fixture
def colour(colour_network):
    return Watermarker(colour_network)


@pytest.fixture(scope="module")
def coffee():
    return data.coffee()


def test_png_and_back(marker, coffee, tmp_path):
    photo = marker.embed(read_photo(coffee), MESSAGE, key="k")
    path = write_photo(photo, tmp_path / "a.png")
    found = marker.extract(path, key="k", search="none")
    assert found.message == MESSAGE and found.decision == "present" and found.p_value < 1e-6
    change = photo.pixels.astype(int) - coffee
    assert np.abs(change[..., 0] - change[..., 2]).max() > 4  # no matter of luminance alone
    other = marker.extract(path, key="another", search="none")
    assert other.decision == "absent" and other.message is None and other.p_value > 1e-3


def test_unmarked_is_absent(marker, coffee):
    found = marker.extract(coffee, key="k", search="none")
    assert found.decision == "absent" and found.message is None


def test_large_photo_at_working_size(marker, coffee):
    cover = np.asarray(Image.fromarray(coffee).resize((1500, 1000), Image.BICUBIC))
    marked = marker.embed(cover, MESSAGE)
    assert marked.shape == cover.shape
    small = np.asarray(Image.fromarray(marked).resize((900, 600), Image.LANCZOS))
    for copy in (marked, small):
        assert marker.extract(copy, search="none").message == MESSAGE


EDITS = {
    "cropped": lambda x: x[24:, 36:],
    "cropped and mirrored": lambda x: x[12:, :-40][:, ::-1],
    "turned left": lambda x: np.rot90(x[:, 12:]),
}


@pytest.mark.parametrize("name", EDITS)
def test_crops_are_found(marker, coffee, name):
    marked = marker.embed(coffee, b"ada", key="k", strength=1.5)
    copy = np.ascontiguousarray(EDITS[name](marked))
    found = marker.extract(copy, key="k", search="crop")
    assert found.message == b"ada" and found.p_value < 1e-6
    again = marker.extract(copy, key="another", search="none")
    assert again.decision == "absent"


@pytest.mark.slow
@pytest.mark.parametrize("search", ["scale", "rotate"])
def test_other_scales_and_angles_are_found(marker, coffee, search):
    image = Image.fromarray(marker.embed(coffee, b"ada", key="k", strength=1.5))
    scaled = image.resize((480, 320), Image.LANCZOS)
    copy = scaled if search == "scale" else image.rotate(3.4, Image.BICUBIC)
    found = marker.extract(copy, key="k", search=search)
    assert found.message == b"ada" and found.p_value < 1e-6


def test_gray_photo(colour):
    camera = data.camera()
    marked = colour.embed(camera, MESSAGE)
    assert marked.shape == camera.shape and (marked != camera).mean() > 0.5
    assert colour.extract(marked).message == MESSAGE
    as_colours = np.repeat(marked[..., None], 3, axis=-1)
    assert colour.extract(as_colours).message == MESSAGE


def test_gray_photo_is_marked_by_the_luminance_of_the_residual(colour):
    camera = data.camera()[..., None]
    gray = colour.prepare(Photo(camera), MESSAGE)
    colours = colour.prepare(Photo(np.repeat(camera, 3, axis=-1)), MESSAGE)
    np.testing.assert_array_equal(gray.residual, colours.residual)
    expected = luminance(colours.apply().pixels)
    np.testing.assert_allclose(luminance(gray.apply().pixels), expected, atol=2.1 / 255)


def test_marked_colours_made_gray_are_read(colour, coffee):
    marked = Image.fromarray(colour.embed(coffee, MESSAGE))
    assert colour.extract(marked.convert("L")).message == MESSAGE


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_kind_of_array(colour, coffee, dtype, channels):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    array = (np.dstack([coffee, coffee[..., :1]]) * np.float64(scale)).astype(dtype)
    array = array[..., :channels]
    marked = colour.embed(array, MESSAGE)
    assert marked.dtype == dtype and marked.shape == array.shape
    if channels in (2, 4):
        np.testing.assert_array_equal(marked[..., -1], array[..., -1])
    assert colour.extract(marked).message == MESSAGE


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "I;16"])
def test_modes_of_pillow(colour, coffee, mode):
    image = Image.fromarray(coffee)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    marked = colour.embed(image, MESSAGE)
    assert marked.mode == (mode if mode in ("RGBA", "I;16") else "RGB")
    assert colour.extract(marked).message == MESSAGE


def test_strength_of_a_psnr(marker, coffee):
    marked = marker.embed(coffee, MESSAGE, psnr=34)
    error = np.mean(np.square(marked.astype(float) - coffee))
    assert 34 <= 10 * np.log10(255**2 / error) < 34.1


def test_files(marker, coffee, tmp_path):
    Image.fromarray(coffee).save(tmp_path / "a.png")
    for name in ("b.png", "b.jpg"):
        report = marker.embed_file(tmp_path / "a.png", tmp_path / name, MESSAGE, key="k")
        assert report.margin >= 2 and report.p_value < 1e-6
        assert marker.extract(tmp_path / name, key="k").message == MESSAGE
    assert marker.check(coffee, MESSAGE, key="k").fits


def test_folders(marker, coffee, tmp_path):
    (tmp_path / "in").mkdir()
    for name, pixels in {"a.png": coffee, "b.png": data.astronaut()}.items():
        Image.fromarray(pixels).save(tmp_path / "in" / name)
    rows = embed_folder(marker, [tmp_path / "in"], tmp_path / "out", "ada", key="k")
    assert [row["status"] for row in rows] == ["done", "done"]
    rows = extract_folder(marker, [tmp_path / "out"], key="k", search="none")
    assert {row["message"] for row in rows if row["status"] == "done"} == {"ada"}


def test_agreement_of_cells(marker, coffee):
    photo = marker.embed(read_photo(coffee), MESSAGE)
    found = marker.extract(photo, search="none")
    cells = cell_agreement(marker.network, marker.codec(), photo, found.alignment, MESSAGE)
    block = marker.network.block_shape
    assert cells.plane_shape == (400, 600)
    assert cells.cells.shape == (400 // block[0], 600 // block[1])
    assert cells.agreeing > 0.95 and cells.complete


@pytest.mark.parametrize("name", ["colour", "tile"])
def test_saved_model_and_tflite(colour_packages, coffee, name):
    folder = colour_packages / name
    marked = load(folder).embed(coffee, MESSAGE, key="k")
    for where in (folder, *(folder / tflite_name(name, k) for k in ("float32", "int8"))):
        assert load(where).extract(marked, key="k", search="none").message == MESSAGE
        again = load(where).embed(coffee, MESSAGE, key="k")
        assert np.abs(again.astype(int) - marked).max() <= 2
