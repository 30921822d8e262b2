import numpy as np
import pytest
from PIL import Image

from tfwm.images import ImageError
from tfwm.protection import prove_files


class BrightBarrier:
    """Reads its watermark from bright images, and noise from dark ones."""

    channels = 3
    watermark = np.random.default_rng(0).random((16, 16, 1)).astype("float32")

    def read(self, images):
        noise = np.random.default_rng(int(1e6 * images.mean())).random((16, 16, 1))
        bright = images.mean() > 0.5
        return np.float32(0.9 * self.watermark + 0.1 * noise if bright else noise)[None]


@pytest.fixture
def images(tmp_path):
    """Function that writes images of about one brightness; returns their folder."""

    def write(name, level, count):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new("L", (20, 30), level + i).save(tmp_path / name / f"{i:02d}.png")
        return tmp_path / name

    return write


def test_marked_images_are_proven(images):
    suspects, unmarked = images("found", 200, 6), images("others", 50, 20)
    found = prove_files(BrightBarrier(), [suspects], [unmarked])
    assert found.proven and found.proof.p_value < 1e-4 and found.notes == []
    assert (found.images, found.unmarked_images, found.nc_success) == (6, 20, 1.0)
    assert found.unmarked_nc_success == 0 and abs(found.proof.reference) < 0.1
    values = found.to_dict()
    assert values["proven"] is True and values["p_value"] == found.proof.p_value


def test_unmarked_images_are_not(images):
    found = prove_files(BrightBarrier(), [images("found", 90, 6)], [images("others", 50, 20)])
    assert not found.proven and found.nc_success == 0


def test_few_images_cannot_prove(images):
    found = prove_files(BrightBarrier(), [images("found", 200, 1)], [images("others", 50, 9)])
    assert not found.proven and found.proof.p_value == pytest.approx(0.1)
    (note,) = found.notes
    assert note.startswith("1 suspected and 9 unmarked images cannot bring p below 0.1")


def test_what_cannot_be_compared(images, tmp_path):
    folder = images("found", 200, 3)
    with pytest.raises(ValueError, match="3 that are both"):
        prove_files(BrightBarrier(), [folder], [folder])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        prove_files(BrightBarrier(), [folder], [tmp_path / "empty"])
    (folder / "bad.png").write_bytes(b"bad")
    with pytest.raises(ImageError, match="bad.png is not an image"):
        prove_files(BrightBarrier(), [folder], [tmp_path / "empty"])
