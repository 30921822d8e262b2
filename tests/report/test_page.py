import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from tfwm.images import ImageError, psnr, ssim
from tfwm.report import write_report
from tfwm.report.words import power_of_ten

MESSAGE = "(c) 2026 Ada Lovelace"


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.words = [], []
        self.source = path.read_text("utf-8")
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, coffee):
    folder = tmp_path_factory.mktemp("report")
    Image.fromarray(coffee).save(folder / "cup & <saucer>.png")
    (folder / "notes.jpg").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def written(folder, watermarker, suite):
    told = []
    reports = write_report(
        [folder / "cup & <saucer>.png", folder / "notes.jpg"],
        folder / "report.html",
        watermarker=watermarker,
        message=MESSAGE,
        key="secret",
        strength=0.7,
        suite=suite,
        search="none",
        progress=lambda share, text: told.append((share, text)),
    )
    return reports, Page(folder / "report.html"), told


def test_numbers_are_those_of_the_api(written, watermarker, coffee):
    report, _ = written[0]
    marked = watermarker.embed(coffee, MESSAGE, key="secret", strength=0.7)
    found = watermarker.extract(marked, key="secret", search="none")
    assert report.strength == 0.7
    assert report.psnr == pytest.approx(psnr(coffee, marked), abs=1e-4)
    assert report.ssim == pytest.approx(ssim(coffee, marked), abs=1e-9)
    assert report.extraction.to_dict() == found.to_dict()
    assert report.cells > 0.9 and report.complete and report.known_cells == 50 * 75
    text = written[1].text
    for number in (
        f"{report.psnr:.2f} dB",
        f"{report.ssim:.4f}",
        power_of_ten(found.p_value),
        MESSAGE,
        "text, 21 bytes",
        "600 × 400 pixels",
    ):
        assert number in text


def test_edits(written, watermarker):
    report, _ = written[0]
    by_name = {(one.name, one.level): one for one in report.distortions}
    assert [one.survives for one in report.distortions] == [True, True, True, False, True]
    assert report.survived == (4, 4)
    assert not by_name["gaussian_blur", 30].counted
    assert by_name["gaussian_blur", 30].decision == "absent"
    assert by_name["mirror", 1].found == "mirrored"
    assert by_name["jpeg", 80].label == "JPEG, quality 80"
    page = written[1]
    assert "Read after 4 of 4 edits" in page.text
    assert "cropping 25 % ✓ read" in page.text
    assert "gaussian blur 30 (not counted) ✗ lost" in page.text
    assert len([row for row in page.all("tr") if row.get("class") is not None]) == 5


def test_a_bad_photo_does_not_stop_the_others(written):
    reports, page, told = written
    assert "is not an image" in reports[1].error and reports[1].distortions == []
    assert "is not an image" in page.text
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert any("JPEG, quality 80" in text for _, text in told)
    assert reports[1].to_dict()["error"] == reports[1].error
    assert len(reports[0].to_dict()["distortions"]) == 5


def test_page_is_self_contained_and_accessible(written):
    _, page, _ = written
    source = re.sub(r"data:image/[a-z]+;base64,[\w+/=]+", "", page.source)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", source) and len(source) < 60_000
    assert page.all("link") == [] and all("src" not in script for script in page.all("script"))
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert all("alt" in image for image in page.all("img"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {link["href"] for link in page.all("a")}
    assert targets == {f"#{name}" for name in ids}
    assert page.all("html")[0]["lang"] == "en"
    sliders = [i for i in page.all("input") if i["type"] == "range"]
    assert len(sliders) == 1 and sliders[0]["aria-label"]
    policy = [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert "default-src 'none'" in policy[0]["content"]


def test_names_are_escaped(written):
    assert "cup & <saucer>.png" in written[1].text
    assert "<saucer>" not in written[1].source


def test_message_is_escaped(folder, watermarker):
    path = folder / "escaped.html"
    message = "<script>alert(1)</script>"
    photo = folder / "cup & <saucer>.png"
    write_report(photo, path, watermarker=watermarker, message=message, suite=None)
    page = Page(path)
    assert len(page.all("script")) == 1 and message in page.text
    assert "public key" in page.text


def test_large_photos_stay_small(folder, watermarker, coffee):
    path = folder / "large.html"
    photo = np.asarray(Image.fromarray(coffee).resize((1800, 1200)))
    (report,) = write_report(photo, path, watermarker=watermarker, message="hi", suite=None)
    assert report.size == (1800, 1200)
    assert path.stat().st_size < 5e6
    assert "Shown reduced" in Page(path).text


def test_reading_only(folder, watermarker, coffee):
    marked = watermarker.embed(coffee, MESSAGE, key="secret")[13:390, 21:560]
    path = folder / "read.html"
    (report,) = write_report(marked, path, watermarker=watermarker, key="secret", search="crop")
    assert report.extraction.message == MESSAGE and report.strength is None
    assert report.extraction.alignment.offset is not None
    assert report.cells > 0.93 and report.complete and report.distortions == []
    page = Page(path)
    assert "✓ Present" in page.text and "Shifted, tile at" in page.text
    assert "PSNR" not in page.text and page.all("input") == []
    (wrong,) = write_report(
        marked, folder / "wrong.html", watermarker=watermarker, key="wrong", search="none"
    )
    assert wrong.extraction.decision == "absent" and not wrong.complete
    assert 0.4 < wrong.cells < 0.6 and 300 < wrong.known_cells < 2000
    assert "half would by chance" in Page(folder / "wrong.html").text


def test_edits_that_cannot_be_done_here_are_named(folder, watermarker, suite, monkeypatch):
    monkeypatch.setattr("tfwm.evaluation.suite.missing", lambda name: "no codec" * (name == "jpeg"))
    path = folder / "missing.html"
    photo = folder / "cup & <saucer>.png"
    (report,) = write_report(
        photo, path, watermarker=watermarker, message="hi", suite=suite, search="none"
    )
    assert report.survived == (3, 3) and report.distortions[0].found == "no codec"
    assert "JPEG, quality 80 (not counted) not tried no codec" in Page(path).text


def test_bad_arguments(folder, watermarker):
    photo = folder / "cup & <saucer>.png"
    (folder / "there.html").write_text("mine")
    for output, photos, error, text in [
        ("report.txt", photo, ValueError, r"ends in \.html"),
        ("there.html", photo, ImageError, "exists: choose another name"),
        ("new.html", [], ValueError, "at least one photo"),
        ("new.html", [folder / "notes.jpg"], ImageError, "is not an image"),
    ]:
        with pytest.raises(error, match=text):
            write_report(photos, folder / output, watermarker=watermarker, message="hi")
    assert (folder / "there.html").read_text() == "mine"
    assert not (folder / "new.html").exists()
    with pytest.raises(ValueError, match="200 bytes"):
        write_report(photo, folder / "new.html", watermarker=watermarker, message="x" * 200)
