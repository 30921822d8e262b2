"""The whole story in a real browser: choose, mark, damage, read."""

import os

import pytest
from PIL import Image

MESSAGE = "(c) 2026 Ada Lovelace"


@pytest.fixture
def page(browser, server):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(180_000)
    faults, foreign = [], []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: line.type == "error" and faults.append(line.text))
    page.on(
        "request",
        lambda r: r.url.startswith((server.url, "blob:", "data:")) or foreign.append(r.url),
    )
    page.goto(server.url)
    yield page
    page.close()
    assert foreign == []
    # Refused requests are logged by the browser; what the page itself does wrong is not.
    assert [fault for fault in faults if "status of 4" not in fault] == []


@pytest.fixture(scope="module")
def photo(coffee, tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "coffee.png"
    Image.fromarray(coffee).save(path)
    return path


def slide(page, name, value):
    """Moves a slider and waits for the copy that follows from it."""
    with page.expect_response("**/api/damage"):
        page.locator(f"#{name}").fill(str(value))
    page.wait_for_function("() => !damaging")


def read(page):
    page.click("#read")
    page.wait_for_selector("#progress", state="hidden")
    return page.inner_text("#verdict")


def shot(page, name):
    """Leaves a picture where TFWM_SCREENSHOTS says, for whoever wants to look."""
    folder = os.environ.get("TFWM_SCREENSHOTS")
    if folder:
        page.screenshot(path=os.path.join(folder, f"{name}.png"), full_page=True)


def mark(page, photo):
    page.set_input_files("#file", photo)
    page.wait_for_selector("#mark-form")
    page.fill("#message", MESSAGE)
    page.fill("#key", "secret")
    page.click("#mark")
    page.wait_for_selector("#copy-view")


def test_the_whole_story(page, photo):
    assert page.is_hidden("#mark-form") and page.is_hidden("#read-form")
    shot(page, "begin")
    mark(page, photo)
    assert "600 × 400 pixels" in page.inner_text("#photo-facts")
    assert page.inner_text("#message-size") == "21 of 64 bytes"
    assert " dB" in page.inner_text("#mark-facts") and "yes" in page.inner_text("#mark-facts")

    page.select_option("#search", "none")
    before = page.inner_text("#copy-facts")
    slide(page, "quality", 60)
    assert page.inner_text("#copy-facts") != before
    page.check("[data-damage=mirror]")
    page.wait_for_function("() => !damaging")
    verdict = read(page)
    assert "✓ Present" in verdict and MESSAGE in verdict and "mirrored" in verdict
    assert page.get_attribute("#verdict", "class") == "verdict present"
    shot(page, "present")

    page.fill("#read-key", "wrong")
    assert page.is_visible("#stale")
    verdict = read(page)
    assert "Absent" in verdict and MESSAGE not in verdict and "No mark of this key" in verdict
    assert page.is_hidden("#stale")
    shot(page, "absent")

    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, "narrow-dark")


def test_slider_and_difference(page, photo):
    mark(page, photo)
    assert page.is_visible("#compare") and page.is_hidden("#residual")
    slider = page.get_by_label("How much of the original covers the marked photo")
    slider.focus()
    page.keyboard.press("End")
    assert page.evaluate("$('compare').style.getPropertyValue('--at')") == "100%"
    box = page.locator("#compare").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    at = page.evaluate("parseFloat($('compare').style.getPropertyValue('--at'))")
    assert at == pytest.approx(25, abs=1)
    page.get_by_text("Difference × 10").click()
    assert page.is_hidden("#compare") and page.is_visible("#residual")


def test_download(page, photo, tmp_path):
    mark(page, photo)
    page.select_option("#save-format", "jpg")
    assert page.is_visible("#save-quality")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "coffee-marked.jpg"
    download.value.save_as(tmp_path / "saved.jpg")
    assert Image.open(tmp_path / "saved.jpg").format == "JPEG"
    page.wait_for_function("() => $('save-status').textContent.includes('read back: mark present')")


def test_keyboard_alone(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#mark-form")
    page.locator("#message").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("k")
    page.keyboard.press("Enter")
    page.wait_for_selector("#read-form")
    page.locator("#read-key").focus()
    page.select_option("#search", "none")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict")
    assert MESSAGE in page.inner_text("#verdict")


def test_bad_input_gives_one_line(page, photo, tmp_path):
    (tmp_path / "notes.png").write_text("no photo")
    page.set_input_files("#file", tmp_path / "notes.png")
    page.wait_for_selector("#photo-error")
    assert "notes.png is not an image" in page.inner_text("#photo-error")
    page.evaluate("settings.max_body = 1000")
    page.set_input_files("#file", photo)
    page.wait_for_function("() => $('photo-error').textContent.includes('too large')")
    page.evaluate("settings.max_body = 1e8")
    page.set_input_files("#file", [])
    page.set_input_files("#file", photo)
    page.wait_for_selector("#mark-form")
    assert page.is_hidden("#photo-error")
    page.fill("#message", "x" * 100)
    assert page.get_attribute("#message-size", "class") == "over"
    page.click("#mark")
    page.wait_for_selector("#mark-error")
    assert "takes 100 bytes, but 64 fit: shorten it by 36" in page.inner_text("#mark-error")


def test_reading_a_photo_as_it_is(page, photo):
    page.set_input_files("#file", photo)
    page.click("#as-is")
    page.wait_for_selector("#read-form")
    page.select_option("#search", "none")
    assert "Absent" in read(page)
    assert page.is_hidden("#mark-view")


def test_a_search_can_be_stopped(page, photo, watermarker, monkeypatch):
    mark(page, photo)
    going = True

    def extract(photo, *, progress, **options):
        while going:
            progress(0.25, "scale")

    monkeypatch.setattr(watermarker, "extract", extract)
    page.click("#read")
    page.wait_for_function("() => document.querySelector('progress').value === 0.25")
    assert page.inner_text("#stage") == "Looking for it resized"
    page.click("#cancel")
    page.wait_for_selector("#progress", state="hidden")
    going = False
    assert page.is_hidden("#verdict") and page.is_hidden("#read-error")
    assert page.is_enabled("#read")
