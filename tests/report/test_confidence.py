import numpy as np
import pytest
from PIL import Image

from tfwm.distortions import distort
from tfwm.images import read_photo
from tfwm.marking import Alignment
from tfwm.report.confidence import cell_agreement
from tfwm.report.pictures import AGREES, DISAGREES, eight_bit, heat_map, reduced

MESSAGE = "hello"


@pytest.fixture(scope="module")
def marked(watermarker, coffee):
    return watermarker.embed(coffee, MESSAGE, key="secret")


def agreement(watermarker, image, alignment, message=MESSAGE):
    codec = watermarker.codec("secret", bound=True)
    return cell_agreement(watermarker.network, codec, read_photo(image), alignment, message)


@pytest.mark.parametrize(
    "name,level",
    [("identity", 0), ("mirror", 1), ("crop", 0.6), ("quarter_turn", 1), ("strip", 0.3)],
)
def test_cells_agree_where_the_reader_found_the_mark(watermarker, marked, name, level):
    copy = distort(name, marked, level, np.random.default_rng(0))
    found = watermarker.extract(copy, key="secret", search="crop")
    assert found.message == MESSAGE
    result = agreement(watermarker, copy, found.alignment)
    assert result.agreeing > 0.93 and result.cells.mean() > 0.4


def test_a_scaled_and_turned_copy(watermarker, marked):
    # What the reader would find by a search that takes too long here.
    copy = distort("rotation", distort("scale", marked, 1.5), -3)
    alignment = Alignment(1 / 1.5, rotation=3.0, offset=(-200, -300))
    assert agreement(watermarker, copy, alignment).agreeing > 0.9
    assert agreement(watermarker, copy, alignment.moved(rotation=-3.0)).agreeing < 0.75


@pytest.mark.parametrize("change", ["turned", "stretched"])
def test_a_copy_that_was_mapped(watermarker, marked, change):
    image = Image.fromarray(marked)
    copy = image.rotate(30, Image.BICUBIC) if change == "turned" else image.resize((480, 400))
    found = watermarker.extract(copy, key="secret", search="scale")
    assert found.message == MESSAGE and found.alignment.warped
    result = agreement(watermarker, copy, found.alignment)
    # A turn within the picture's size leaves a third of the frame without a picture.
    assert result.agreeing > (0.9 if change == "stretched" else 0.8)
    layer = heat_map(
        result.cells, result.corner, result.plane_shape, (8, 8), found.alignment, copy.size[::-1]
    )
    assert layer.shape == (*copy.size[::-1], 4)
    good = ((layer[..., :3] == AGREES).all(axis=-1) & (layer[..., 3] > 0)).mean()
    assert good > (0.9 if change == "stretched" else 0.7)
    assert (layer[100:300, 150:330, 3] > 0).mean() > 0.95


def test_lost_places_show(watermarker, marked, coffee):
    copy = marked.copy()
    copy[:, 304:] = coffee[:, 304:]
    cells = agreement(watermarker, copy, Alignment()).cells
    assert (cells[:, :38] > 0).mean() > 0.93
    assert 0.35 < (cells[:, 38:] > 0).mean() < 0.65


def test_without_a_message_only_pilots_are_known(watermarker, marked):
    result = agreement(watermarker, marked, Alignment(), None)
    assert not result.complete and result.agreeing > 0.93
    assert result.known == np.count_nonzero(~np.isnan(result.cells)) < 0.5 * result.cells.size


def test_too_small_a_copy(watermarker):
    assert agreement(watermarker, np.zeros((7, 40, 3), np.uint8), Alignment()) is None


@pytest.mark.parametrize(
    "alignment,place",
    [
        (Alignment(), (0, 0)),
        (Alignment(flipped=True), (0, 3)),
        (Alignment(turns=1), (0, 3)),
        (Alignment(turns=2), (1, 3)),
        (Alignment(turns=1, flipped=True), (0, 0)),
    ],
)
def test_heat_map_lies_over_the_copy(alignment, place):
    shape = (16, 32) if alignment.turns % 2 == 0 else (32, 16)
    cells = np.full((shape[0] // 8, shape[1] // 8), -1.0)
    cells[0, 0] = 1.0
    layer = heat_map(cells, (0, 0), shape, (8, 8), alignment, (16, 32))
    colours = layer[4::8, 4::8, :3]
    agrees = np.argwhere((colours == AGREES).all(axis=-1)).tolist()
    assert agrees == [list(place)]
    assert ((colours == DISAGREES).all(axis=-1)).sum() == 7


def test_heat_map_fades_with_doubt_and_leaves_the_unknown_clear():
    cells = np.array([[1.0, 0.2, np.nan, -1.0]])
    layer = heat_map(cells, (8, 0), (24, 32), (8, 8), Alignment(), (24, 32))
    alpha = layer[12, 4::8, 3].astype(int)
    assert alpha[0] == alpha[3] > alpha[1] > alpha[2] == 0
    assert not layer[:8, :, 3].any() and not layer[16:, :, 3].any()


def test_pictures_of_other_depths():
    deep = read_photo(np.array([[0, 257, 65535]], np.uint16))
    assert eight_bit(deep).tolist() == [[0, 1, 255]]
    floats = read_photo(np.array([[0.0, 0.5, 1.0]]))
    assert eight_bit(floats).tolist() == [[0, 128, 255]]
    assert reduced(np.zeros((20, 2000, 3), np.uint8), 500).shape == (5, 500, 3)
    assert reduced(np.zeros((20, 30), np.uint8), 500).shape == (20, 30)
