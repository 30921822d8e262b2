"""Photos in memory: bytes and file objects in and out."""

import io

import pytest
from PIL import Image
from skimage import data

from tfwm.images import ImageError, ending_of, read_photo
from tfwm.images.kinds import kind_of

MESSAGE = "(c) Ada Lovelace"


@pytest.fixture(scope="module")
def jpeg():
    buffer = io.BytesIO()
    Image.fromarray(data.chelsea()[:288, :288]).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.mark.parametrize("name, kind", [("keep", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_bytes_there_and_back(checker, jpeg, name, kind):
    marked = checker.embed_bytes(jpeg, MESSAGE, key="k", file_format=name)
    assert type(marked) is bytes and kind_of(marked) == kind
    assert checker.extract_bytes(marked, key="k").message == MESSAGE
    assert checker.extract(io.BytesIO(marked), key="k").message == MESSAGE
    if name == "png":  # the whole search for what is not there
        assert checker.extract_bytes(memoryview(marked)).decision == "absent"


def test_file_objects(checker, jpeg, tmp_path):
    out = io.BytesIO()
    report = checker.embed_file(io.BytesIO(jpeg), out, MESSAGE, file_format="png")
    assert kind_of(out.getvalue()) == "PNG" and report.margin >= 2
    assert (report.source, report.output) == ("image", "marked.png")
    with (tmp_path / "a.bin").open("wb") as file:
        checker.embed_file(jpeg, file, MESSAGE)
    assert read_photo(tmp_path / "a.bin").file_format == "JPEG"
    nothing = io.BytesIO()
    assert checker.embed_file(jpeg, nothing, MESSAGE, dry_run=True).output is None
    assert nothing.getvalue() == b""


def test_bad_formats(checker, jpeg, tmp_path):
    with pytest.raises(ValueError, match="Expected one of .*'png'.*'keep'.* Received: file_format"):
        checker.embed_bytes(jpeg, MESSAGE, file_format="gif89")
    with pytest.raises(ValueError, match="goes with a file object"):
        checker.embed_file(jpeg, tmp_path / "a.png", MESSAGE, file_format="jpg")
    with pytest.raises(ImageError, match="is not an image"):
        checker.embed_bytes(b"text", MESSAGE)


def test_ending_of_what_is_not_written():
    buffer = io.BytesIO()
    Image.fromarray(data.chelsea()).save(buffer, "BMP")
    assert ending_of(read_photo(buffer.getvalue())) == ".png"
    assert ending_of(read_photo(data.chelsea())) == ".png"
