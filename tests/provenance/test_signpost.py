import numpy as np
import pytest
from PIL import Image

import tfwm
from tfwm.images import psnr, read_photo
from tfwm.provenance.signpost import read_signpost

HOST = "c2pa.example.org"


@pytest.fixture(scope="module")
def photo():
    from skimage import data

    return Image.fromarray(data.coffee())


@pytest.fixture(scope="module")
def marked(watermarker, photo):
    return watermarker.embed(photo, 2**63, key="secret", signpost=HOST)


def test_everybody_reads_the_signpost_and_the_owner_the_message(watermarker, marked):
    found = read_signpost(marked, watermarker)
    assert found.host == HOST and found.decision == "present" and found.p_value < 1e-20
    assert found.discovery == f"https://{HOST}/.well-known/c2pa-soft-binding-resolution"
    assert watermarker.extract(marked, key="secret").message == 2**63
    assert watermarker.extract(marked, key="other", search="none").decision == "absent"


def test_it_costs_no_psnr(watermarker, photo, marked):
    plain = watermarker.embed(photo, 2**63, key="secret")
    cover = read_photo(photo).pixels
    difference = psnr(cover, np.asarray(plain)) - psnr(cover, np.asarray(marked))
    assert abs(difference) < 0.1


def test_a_message_of_another_key_is_no_signpost(watermarker, photo):
    for key in ("secret", None):
        plain = watermarker.embed(photo, 2**63, key=key)
        found = read_signpost(plain, watermarker, search="none")
        assert found.host is None and found.decision == "absent"
        assert found.discovery is None and found.to_dict()["host"] is None


def test_it_is_read_where_the_message_was_found(watermarker, marked):
    cut = marked.crop((40, 24, 600, 400))
    found = watermarker.extract(cut, key="secret", search="crop")
    assert found.message == 2**63
    there = read_signpost(cut, watermarker, alignment=found.alignment)
    assert there.host == HOST == read_signpost(cut, watermarker, search="crop").host


def test_a_file_is_refused_if_its_signpost_does_not_read(watermarker, photo, tmp_path):
    photo.resize((128, 96)).save(tmp_path / "small.png")
    how = {"key": "secret", "signpost": HOST}
    with pytest.raises(ValueError, match="was not marked"):
        watermarker.embed_file(tmp_path / "small.png", tmp_path / "out.png", 1, **how)
    with pytest.raises(ValueError, match="Expected the name of a host"):
        watermarker.embed_file(tmp_path / "small.png", tmp_path / "out.png", 1, signpost="a b")


@pytest.mark.slow
def test_real_photos_keep_both_after_jpeg_75_at_half_size(photo, tmp_path):
    watermarker = tfwm.load()
    photo.resize((1200, 800)).save(tmp_path / "photo.jpg", quality=95)
    report = watermarker.embed_file(
        tmp_path / "photo.jpg", tmp_path / "marked.jpg", 7, key="secret", signpost=HOST
    )
    assert report.margin >= 2
    Image.open(tmp_path / "marked.jpg").resize((600, 400)).save(tmp_path / "copy.jpg", quality=75)
    assert read_signpost(tmp_path / "copy.jpg", watermarker).host == HOST
    assert watermarker.extract(tmp_path / "copy.jpg", key="secret").message == 7
