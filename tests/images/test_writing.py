import os

import numpy as np
import pytest
from PIL import Image

from tfwm.images import (
    ImageError,
    Photo,
    check_output,
    write_photo,
)


def test_jpeg_is_saved_at_95_without_subsampling(tmp_path, astronaut):
    write_photo(Photo(astronaut), tmp_path / "a.jpg")
    Image.fromarray(astronaut).save(tmp_path / "b.jpg", quality=95, subsampling=0)
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "a.jpg")), np.asarray(Image.open(tmp_path / "b.jpg"))
    )
    write_photo(Photo(astronaut), tmp_path / "c.jpg", quality=50)
    assert os.path.getsize(tmp_path / "c.jpg") < os.path.getsize(tmp_path / "a.jpg") / 2


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".tiff"])
def test_lossless(tmp_path, astronaut, ending):
    write_photo(Photo(astronaut), tmp_path / f"a{ending}")
    np.testing.assert_array_equal(Image.open(tmp_path / f"a{ending}"), astronaut)


def test_opaque_alpha_may_become_jpeg_but_transparency_not(tmp_path, astronaut, one_line):
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    write_photo(Photo(astronaut, alpha), tmp_path / "a.jpg")
    alpha = alpha.copy()
    alpha[0, 0] = 254
    with pytest.raises(ImageError, match="no transparency") as error:
        write_photo(Photo(astronaut, alpha), tmp_path / "b.jpg")
    one_line(error)
    assert not (tmp_path / "b.jpg").exists()


def test_what_cannot_be_written_is_said_first(tmp_path, astronaut, one_line):
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "folder.png").mkdir()
    for name, quality, words in [
        ("there.png", None, "exists"),
        ("folder.png", None, "not an ordinary file"),
        ("no-folder/a.png", None, "does not exist"),
        ("a.xyz", None, "no ending that is known"),
        ("a", None, "no ending that is known"),
        ("a.png", 80, "JPEG, AVIF, WebP and HEIC"),
        ("a.jpg", 0, "1 to 100"),
    ]:
        for call in (check_output, lambda *args: write_photo(Photo(astronaut), *args)):
            with pytest.raises(ImageError, match=words) as error:
                call(tmp_path / name, quality)
            one_line(error)
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    write_photo(Photo(astronaut), tmp_path / "there.png", overwrite=True)
    np.testing.assert_array_equal(Image.open(tmp_path / "there.png"), astronaut)


def test_too_long_for_the_format(tmp_path, one_line):
    photo = Photo(np.zeros((1, 17000, 1), np.uint8), name="strip")
    with pytest.raises(ImageError, match="cannot be saved as WEBP") as error:
        write_photo(photo, tmp_path / "a.webp")
    one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_new_file_has_ordinary_permissions(tmp_path, astronaut):
    mask = os.umask(0o022)
    try:
        write_photo(Photo(astronaut), tmp_path / "a.png")
    finally:
        os.umask(mask)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_while_writing_leaves_all_as_it_was(
    tmp_path, monkeypatch, astronaut, moment, failure, one_line
):
    target = tmp_path / "a.png"
    target.write_bytes(b"older")

    def fail(*args):
        raise failure

    if moment == "write":
        real_open = type(target).open

        def half(self, *args, **kwargs):
            file = real_open(self, *args, **kwargs)

            class Full:
                def __enter__(self):
                    return self

                def __exit__(self, *args):
                    file.close()

                def write(self, content):
                    file.write(content[: len(content) // 2])
                    fail()

            return Full()

        monkeypatch.setattr(type(target), "open", half)
    else:
        monkeypatch.setattr(os, moment, fail)
    expected = ImageError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as error:
        write_photo(Photo(astronaut), target, overwrite=True)
    if expected is ImageError:
        assert "No space left" in one_line(error)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"older"
