import io

import numpy as np
import pytest
from PIL import Image

from tfwm.demo.sliders import SERVICES, SLIDERS, apply_sliders
from tfwm.distortions import distort
from tfwm.images import ImageError, psnr, ssim

MESSAGE = "(c) 2026 Ada Lovelace"


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture
def mark(ask, coffee, png):
    def mark(**fields):
        return ask("mark", png(coffee), message=MESSAGE, key="secret", strength=1, **fields)

    return mark


def read(ask, photo, **fields):
    fields = {"key": "secret", "search": "none", **fields}
    _, lines = ask("read", photo, **fields)
    assert all(0 <= line["progress"] <= 1 and line["stage"] for line in lines[:-1])
    return lines[-1]["result"]


def test_open(ask, coffee, png):
    fields, parts = ask("open", png(coffee), name="coffee.png")
    assert (fields["width"], fields["height"], fields["notes"]) == (600, 400, [])
    np.testing.assert_array_equal(decoded(parts["view"]), coffee)
    palette = io.BytesIO()
    Image.fromarray(coffee).convert("P").save(palette, "GIF")
    assert "palette" in ask("open", palette.getvalue())[0]["notes"][0]


def test_mark(mark, coffee, watermarker):
    fields, parts = mark()
    marked = decoded(parts["marked"])
    np.testing.assert_array_equal(marked, watermarker.embed(coffee, MESSAGE, key="secret"))
    assert fields["psnr"] == pytest.approx(psnr(coffee, marked), abs=1e-4)
    assert fields["ssim"] == pytest.approx(ssim(coffee, marked))
    assert fields["readable"] is True and fields["strength"] == 1
    np.testing.assert_array_equal(decoded(parts["original_view"]), coffee)
    difference = np.abs(coffee.astype(int) - marked) * 10
    np.testing.assert_array_equal(decoded(parts["residual_view"]), difference.clip(0, 255))


def test_a_mark_that_was_there_is_told(mark, ask):
    fields, parts = mark()
    assert fields["notes"] == []
    fields, _ = ask("mark", parts["marked"], message="hi", key="other", strength=1)
    assert len(fields["notes"]) == 1 and fields["notes"][0].startswith("it carried a mark")


def test_mark_at_a_psnr_and_keep_metadata(ask, coffee, png):
    exif = Image.Exif()
    exif[0x8298] = "Ada"
    photo = png(coffee[:200, :304], exif=exif, icc_profile=b"profile")
    fields, parts = ask("mark", photo, message="hi", psnr=38)
    marked = Image.open(io.BytesIO(parts["marked"]))
    assert fields["psnr"] == pytest.approx(psnr(coffee[:200, :304], np.asarray(marked)), abs=1e-4)
    assert fields["strength"] < 1
    assert marked.getexif()[0x8298] == "Ada" and marked.info["icc_profile"] == b"profile"


@pytest.mark.parametrize("name,kind", [("png", "PNG"), ("jpg", "JPEG"), ("tif", "TIFF")])
def test_save(mark, ask, name, kind):
    marked = mark()[1]["marked"]
    quality = 80 if name == "jpg" else None
    fields, parts = ask("save", marked, format=name, key="secret", quality=quality)
    assert Image.open(io.BytesIO(parts["file"])).format == kind
    assert fields == {"decision": "present", "size": len(parts["file"])}


def test_damage_is_that_of_the_suites(ask, coffee, png):
    values = {"mirror": 1, "crop": 60, "gaussian_noise": 10, "brightness": 120, "scale": 50}
    fields, parts = ask("damage", png(coffee), damages=values, format="png")
    expected = coffee
    for name, level in [("mirror", 1), ("crop", 0.6), ("scale", 0.5), ("brightness", 1.2)]:
        expected = distort(name, expected, level, np.random.default_rng(1))
    expected = distort("gaussian_noise", expected, 10, np.random.default_rng(1))
    np.testing.assert_array_equal(decoded(parts["copy"]), expected)
    assert (fields["height"], fields["width"]) == expected.shape[:2]
    again = ask("damage", png(coffee), damages=values, format="png")[1]["copy"]
    assert again == parts["copy"]


def test_damaged_file_has_the_format_and_quality(ask, coffee, png):
    low = ask("damage", png(coffee), format="jpg", quality=20)[1]["copy"]
    high = ask("damage", png(coffee), format="jpg", quality=90)[1]["copy"]
    assert len(low) < len(high) / 3
    np.testing.assert_array_equal(decoded(low), distort("jpeg", coffee, 20))


@pytest.mark.parametrize("service", SERVICES)
def test_services(service, coffee):
    image = apply_sliders(coffee, {}, service)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape != coffee.shape


@pytest.mark.parametrize("slider", SLIDERS, ids=lambda slider: slider.name)
def test_each_slider_is_neutral_where_it_begins(slider, coffee):
    np.testing.assert_array_equal(apply_sliders(coffee, {slider.name: slider.neutral}), coffee)
    for value in {slider.low, slider.high} - {slider.neutral}:
        assert not np.array_equal(apply_sliders(coffee, {slider.name: value}), coffee)
    with pytest.raises(ValueError, match=f"for {slider.label}"):
        apply_sliders(coffee, {slider.name: slider.high + slider.step})


def test_read(mark, ask, coffee, png):
    marked = mark()[1]["marked"]
    copy = ask("damage", marked, damages={"mirror": 1}, format="jpg", quality=70)[1]["copy"]
    found = read(ask, copy)
    assert found["decision"] == "present" and found["message"] == MESSAGE
    assert found["alignment"] == "mirrored" and found["p_value"] < 1e-12
    assert found["evidence"] > found["limit"] == 0.25 and found["limit_text"] == "10⁻⁶"
    wrong = read(ask, copy, key="wrong")
    assert (wrong["decision"], wrong["message"], wrong["alignment"]) == ("absent", None, "")
    assert wrong["p_value"] > 1e-6 and wrong["evidence"] < 0.25
    assert read(ask, png(coffee))["decision"] == "absent"


# What goes wrong is one line


@pytest.mark.parametrize(
    "fields,line",
    [
        ({"message": ""}, "Write a message first"),
        ({"message": 7}, "Write a message first"),
        ({"message": "é" * 60}, "takes 120 bytes, but 64 fit: shorten it by 56."),
        ({"message": "\ud800"}, "half a character"),
        ({"strength": 0}, "Expected strength from 0.05 to 5."),
        ({"strength": "much"}, "Expected strength"),
        ({"strength": True}, "Expected strength"),
        ({"psnr": 10}, "Expected psnr from 20 to 60."),
        ({"key": ["a"]}, "Expected a key"),
    ],
)
def test_bad_fields(ask, coffee, fields, line, png):
    fields = {"message": MESSAGE, "strength": 1, **fields}
    status, text = ask("mark", png(coffee), **fields)
    assert status == 400 and line in text and "\n" not in text


def test_bad_photos(ask, coffee, png):
    file = png(coffee)
    for photo, line in [
        (b"", "holiday.png is empty (0 bytes)"),
        (b"just text", "holiday.png is not an image"),
        (file[: len(file) // 2], "holiday.png is damaged"),
        (png(np.zeros((5, 5), np.uint8)), "holiday.png has 5 x 5 pixels"),
    ]:
        answer = ask("mark", photo, name="holiday.png", message="hi", strength=1)
        assert answer[0] == 400 and line in answer[1], answer
    huge = io.BytesIO()
    Image.new("1", (9000, 9000)).save(huge, "PNG")
    assert "at most 40 megapixels" in ask("open", huge.getvalue())[1]
    with pytest.raises(ImageError, match="megapixels"):
        apply_sliders(np.broadcast_to(np.uint8(0), (4000, 4000)), {"scale": 200})


@pytest.mark.parametrize(
    "action,fields,line",
    [
        ("damage", {"format": "exe"}, "Expected as format one of"),
        ("damage", {"format": "jpg", "quality": 0}, "Expected quality"),
        ("damage", {"format": "png", "damages": [1]}, "Expected distortions"),
        ("damage", {"format": "png", "damages": {"edges": 1}}, "Expected distortions of this page"),
        ("damage", {"format": "png", "damages": {"scale": "1"}}, "Expected a number for Resize"),
        ("damage", {"format": "png", "service": "post"}, "Expected distortions of this page"),
        ("save", {"format": "../x"}, "Expected as format one of"),
        ("read", {"search": "everything"}, "Expected as search one of"),
        ("read", {"search": "none", "false_positive_rate": 2}, "Expected false positive rate"),
    ],
)
def test_other_bad_fields(ask, coffee, action, fields, line, png):
    status, text = ask(action, png(coffee), **fields)
    assert status == 400 and line in text and "\n" not in text


def test_nothing_is_written(mark, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    marked = mark()[1]["marked"]
    ask("save", marked, format="png", key="secret")
    read(ask, marked)
    assert list(tmp_path.iterdir()) == []
