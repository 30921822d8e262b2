import io

import numpy as np
import pytest
from PIL import Image

from tfwm.images import Encoding, decode_photo, encode_photo, encodings
from tfwm.images.encoding import jpeg_quality


def photo_of(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return decode_photo(buffer.getvalue()), len(buffer.getvalue())


@pytest.mark.parametrize("quality", [30, 75, 85, 92, 100])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_keeps_tables_subsampling_and_scans(astronaut, quality, subsampling, progressive):
    image = Image.fromarray(astronaut)
    photo, size = photo_of(
        image, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive
    )
    own, default = encodings(photo, "JPEG")
    assert (own.quality, own.subsampling, own.size) == (quality, subsampling, size)
    encoded = encode_photo(photo, "a.jpg", own)
    assert len(encoded) < 1.05 * size
    again = decode_photo(encoded)
    assert again.encoding.tables == own.tables and again.encoding.subsampling == subsampling
    assert bool(Image.open(io.BytesIO(encoded)).info.get("progressive")) == progressive
    assert str(own) == f"JPEG quality {quality} {subsampling} as the source"
    assert (default.quality, default.subsampling, default.own) == (95, "4:4:4", False)


def test_gray_cmyk_and_other_formats(astronaut):
    gray, _ = photo_of(Image.fromarray(astronaut).convert("L"), "JPEG", quality=80)
    assert encodings(gray, "JPEG")[0].quality == 80
    assert decode_photo(encode_photo(gray, "a.jpg", encodings(gray, "JPEG")[0])).encoding.lossy
    cmyk, _ = photo_of(Image.fromarray(astronaut).convert("CMYK"), "JPEG", quality=80)
    for photo, file_format in ((cmyk, "JPEG"), (gray, "PNG"), (gray, "WEBP"), (gray, "AVIF")):
        assert len(encodings(photo, file_format)) == 1
    assert encodings(gray, "JPEG", 60) == [Encoding("JPEG", 60, "4:4:4", lossy=True)]
    assert encodings(gray, "WEBP", 60) == [Encoding("WEBP", 60, lossy=True)]


@pytest.mark.parametrize("file_format, ending", [("WEBP", "webp"), ("AVIF", "avif")])
@pytest.mark.parametrize("quality", [50, 80])
def test_webp_and_avif_keep_about_their_size(astronaut, file_format, ending, quality):
    photo, size = photo_of(Image.fromarray(astronaut), file_format, quality=quality)
    own, default = encodings(photo, file_format)
    assert 0.7 * size < len(encode_photo(photo, f"a.{ending}", own)) < 1.2 * size
    assert own.lossy and own.own and default.lossy == (file_format == "AVIF")
    assert own.subsampling == (None if file_format == "WEBP" else "4:2:0")


def test_lossless_webp_stays_lossless(astronaut):
    photo, _ = photo_of(Image.fromarray(astronaut), "WEBP", lossless=True)
    (only,) = encodings(photo, "WEBP")
    again = decode_photo(encode_photo(photo, "a.webp", only))
    np.testing.assert_array_equal(again.pixels, astronaut)


def test_quality_of_tables():
    for quality in (1, 10, 50, 75, 95, 100):
        buffer = io.BytesIO()
        Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
        assert jpeg_quality(Image.open(buffer).quantization[0]) == quality
