"""A small folder of photos, and where their marked copies go."""

import pytest
from PIL import Image
from skimage import data


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    image = Image.fromarray(data.chelsea()[:256, :320])
    image.save(folder / "a.jpg", quality=95)
    image.save(folder / "b.bmp")
    image.transpose(Image.FLIP_LEFT_RIGHT).save(folder / "sub" / "c.png")
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "marked"
