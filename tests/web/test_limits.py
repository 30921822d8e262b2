"""What a picture from a stranger may ask for."""

import io

import numpy as np
import pytest
from PIL import Image

from tfwm.images import ImageError
from tfwm.web.limits import MAX_SCANS, SCAN, check_claim


@pytest.fixture
def jpeg():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


def test_what_lies_behind_a_jpeg_has_no_scans(jpeg):
    """The video of a motion photo, whose bytes are any."""
    video = np.random.default_rng(0).integers(0, 256, 16 * 2**20, np.uint8).tobytes()
    assert video.count(SCAN) > MAX_SCANS
    assert check_claim(jpeg + b"\0\0\0\x18ftypmp42" + video) == check_claim(jpeg)


@pytest.mark.parametrize(
    "hidden", [b"", b"\xff\x01\x13\x88", b"\xff\xd0", b"\xff\xfe\0\6\xff\xd9ab"]
)
def test_scans_of_the_picture_itself_are_counted(hidden, jpeg):
    scan = jpeg[jpeg.rindex(SCAN) : -2]
    many = jpeg[:2] + hidden + jpeg[2:-2] + scan * MAX_SCANS
    for end in (b"\xff\xd9", b"\xff\xd9" + b"more", b""):
        with pytest.raises(ImageError, match="scans"):
            check_claim(many + end)
