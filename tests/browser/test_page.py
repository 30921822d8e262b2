"""The page in Chromium: it reads and marks as Python does, and sends nothing anywhere."""

import base64
import contextlib
import functools
import http.server
import io
import json
import math
import os
import threading

import numpy as np
import pytest
from PIL import Image

import tfwm
from tfwm.browser import write_page
from tfwm.data import read_photos
from tfwm.images import read_photo
from tfwm.networks import Network, network_directory, open_form, read_card

pytestmark = pytest.mark.slow
MESSAGE, KEY = "(c) 2026 Ada Lovelace", "correct horse"
# Shares of samples that may differ by a level: the runtimes add up in other orders.
ROUNDED = 1e-5


class Files(http.server.SimpleHTTPRequestHandler):
    """Hands out files, without a line for each."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def folder(modules, tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("browser") / "page", packages=modules)


@contextlib.contextmanager
def served(folder):
    """Yields the address of a folder."""
    handler = functools.partial(Files, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser, address, folder):
    """The page, ready; at the end, what it asked for in all its time is checked."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(600_000)
    faults, requests = [], []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.context.on("request", lambda r: requests.append((r.method, r.url, r.post_data)))
    page.goto(address)
    page.wait_for_selector("html[data-state]")
    assert page.inner_text("#state").startswith("Ready."), page.inner_text("#photo-error")
    yield page
    assert faults == []
    own = [url.removeprefix(address) for _, url, _ in requests if url.startswith(address)]
    foreign = [url for _, url, _ in requests if not url.startswith((address, "blob:", "data:"))]
    assert foreign == []
    assert {(method, data) for method, _, data in requests} == {("GET", None)}
    assert {name for name in own if not (folder / name).exists()} == set()
    page.close()


@pytest.fixture(scope="module")
def network():
    return tfwm.load()


def png(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def jpeg(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def read(page, data, name="photo.png", key="", search="none"):
    """What the page says of a file: a dict, or the line of an error."""
    page.evaluate(
        "([key, search]) => { document.querySelector('#key').value = key;"
        " document.querySelector('#search').value = search; }",
        [key, search],
    )
    page.set_input_files("#file", {"name": name, "mimeType": "", "buffer": data})
    page.wait_for_selector("html:not([data-busy])")
    if page.is_visible("#read-error"):
        return page.inner_text("#read-error")
    return json.loads(page.get_attribute("#verdict", "data-result"))


def agrees(found, wanted):
    """Whether the page and Python say the same of a photo."""
    assert found["decision"] == wanted.decision, (found, wanted)
    assert found["reason"] == wanted.reason
    assert found["message"] == (None if wanted.message is None else str(wanted.message))
    p_values = max(found["pValue"], 1e-300), max(wanted.p_value, 1e-300)
    assert abs(math.log10(p_values[0] / p_values[1])) < 0.02 * abs(math.log10(p_values[1])) + 0.02
    return True


def test_20_marked_and_20_unmarked_photos_as_python_reads_them(page, network, shared):
    photos = sorted((shared / "data" / "bsds500" / "test").glob("*.jpg"))[:20]
    decisions = []
    for number, path in enumerate(photos):
        plain = path.read_bytes()
        marked = network.embed(read_photo(path), MESSAGE, key=KEY).pixels
        copy = png(marked) if number % 2 else jpeg(marked, quality=80)
        for data in (plain, copy):
            found = read(page, data, key=KEY)
            assert agrees(found, network.extract(data, key=KEY, search="none"))
            decisions.append(found["decision"])
    assert decisions == ["absent", "present"] * len(photos)


def test_marks_the_pixels_that_python_marks(page, network):
    """By the file that the page runs all but a few samples; other forms round some otherwise."""
    folder = network_directory("photo")
    card = read_card(folder)
    same = Network("photo", card, open_form("tflite float32", folder, card))
    shares = {"default": [], "tflite": []}
    for number, pixels in enumerate(read_photos("bundled:all")[:6]):
        key = KEY if number % 2 else ""
        assert read(page, png(pixels), key=key)["decision"] == "absent"
        page.fill("#message", MESSAGE)
        page.click("#mark")
        page.wait_for_selector("html:not([data-busy])")
        assert page.is_hidden("#mark-error"), page.inner_text("#mark-error")
        with page.expect_download() as download:
            page.click("#save")
        assert download.value.suggested_filename == "photo-marked.png"
        with Image.open(download.value.path()) as image:
            found = np.asarray(image)
        made = json.loads(page.get_attribute("#marked", "data-result"))
        report = network.embed_file(png(pixels), io.BytesIO(), MESSAGE, key=key or None)
        assert (made["strength"], made["margin"]) == pytest.approx(
            (report.strength, report.margin), rel=1e-3
        )
        assert made["psnr"] == pytest.approx(report.psnr, abs=0.001)
        for name, runtime in (("default", network), ("tflite", tfwm.Watermarker(same))):
            wanted = runtime.embed(pixels, MESSAGE, key=key or None, strength=report.strength)
            off = np.abs(found.astype(int) - wanted)
            assert off.max() <= 1
            shares[name].append(np.mean(off > 0))
    assert max(shares["default"]) <= ROUNDED, shares
    assert max(shares["tflite"]) <= ROUNDED / 10, shares


def test_jpeg_files_are_decoded_as_python_decodes_them(page, shared):
    script = """async (text) => {
      const { decoded } = await import("./js/picture.js");
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const { pixels } = await decoded(new File([bytes], "photo.jpg"));
      return Array.from(pixels);
    }"""
    for path in sorted((shared / "data" / "bsds500" / "test").glob("*.jpg"))[:5]:
        found = page.evaluate(script, base64.b64encode(path.read_bytes()).decode())
        with Image.open(path) as image:
            wanted = np.asarray(image)
        off = np.abs(np.reshape(found, (*wanted.shape[:2], 4))[..., :3] - wanted.astype(int))
        assert off.max() == 0


def test_cut_and_turned_copies(page, network):
    pixels = read_photos("bundled:test")[1]
    marked = network.embed(pixels, MESSAGE, key=KEY)
    cut = png(np.ascontiguousarray(marked[37:480, 59:]))
    found = read(page, cut, key=KEY, search="crop")
    assert agrees(found, network.extract(cut, key=KEY, search="crop"))
    assert found["message"] == MESSAGE
    mirror = png(np.ascontiguousarray(marked[:, ::-1]))
    assert read(page, mirror, key=KEY)["message"] == MESSAGE
    turned = jpeg(np.asarray(Image.fromarray(marked).rotate(3, Image.BICUBIC)), quality=90)
    assert read(page, turned, key=KEY, search="rotate")["message"] == MESSAGE


def test_orientation_profile_and_wrong_key(page, network):
    pixels = read_photos("bundled:test")[2][:400]
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(np.rot90(pixels).copy(), quality=95, exif=exif, icc_profile=b"a profile " * 20)
    assert read(page, data, "photo.jpg")["height"] == 400
    page.fill("#message", MESSAGE)
    page.click("#mark")
    page.wait_for_selector("html:not([data-busy])")
    with page.expect_download() as download:
        page.click("#save")
    with Image.open(download.value.path()) as image:
        image.load()
        assert image.size == (512, 400) and image.info["icc_profile"] == b"a profile " * 20
    marked = download.value.path().read_bytes()
    assert network.extract(marked, search="none").message == MESSAGE
    assert read(page, marked, key="another")["decision"] == "absent"


def test_signpost_and_numbers(page, network):
    pixels = read_photos("bundled:test")[3]
    marked = network.embed(pixels, 4711, key=KEY, signpost="example.org")
    found = read(page, png(marked), key=KEY)
    assert (found["message"], found["kind"], found["signpost"]) == ("4711", "int", "example.org")
    assert "example.org" in page.inner_text("#verdict-facts")


def test_errors_are_one_line(page):
    assert "no photo that this browser can read" in read(page, b"no photo", "text.png")
    assert "text.png is empty (0 bytes)" in read(page, b"", "text.png")
    clear = np.full((64, 64, 4), 100, np.uint8)
    assert read(page, png(clear), "clear.png")["decision"] == "absent"
    page.fill("#message", "Ada")
    for data, reason in (
        (png(clear), "photo.png is transparent in places, which a page cannot keep"),
        (png(np.zeros((64, 64), np.uint16)), "photo.png has 16 bits a color"),
        (png(np.zeros((64, 64, 3), np.uint8)), "the message does not read back"),
        (png(np.zeros((4, 64, 3), np.uint8)), "expected at least 8 x 8 at the size for marking"),
    ):
        read(page, data)
        page.click("#mark")
        page.wait_for_selector("html:not([data-busy])")
        error = page.inner_text("#mark-error")
        assert reason in error and "\n" not in error, error
    page.fill("#message", "x" * 65)
    assert page.inner_text("#message-size") == "65 of 64 bytes"


def test_the_policy_keeps_photos_here(page):
    """Neither the page nor its worker can ask another host, even if a script wanted to."""
    ask = "fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => 'refused');"
    refused = "addEventListener('securitypolicyviolation', (e) => tell(e.effectiveDirective));"
    told = page.evaluate(f"() => new Promise((tell) => {{ {refused} {ask} }})")
    assert told == "connect-src"
    # A worker from a blob, as the page starts its own.
    told = page.evaluate(
        "(script) => new Promise((tell) => { const worker = new Worker(URL.createObjectURL("
        "new Blob([script]))); worker.onmessage = (event) => tell(event.data); })",
        f"const tell = postMessage; {refused} {ask}",
    )
    assert told == "connect-src"


def test_works_without_a_network(page, network):
    pixels = read_photos("bundled:test")[1]
    page.context.set_offline(True)
    try:
        assert read(page, png(network.embed(pixels, MESSAGE)))["message"] == MESSAGE
        page.fill("#message", "Ada")
        page.click("#mark")
        page.wait_for_selector("#marked", state="visible")
    finally:
        page.context.set_offline(False)


def test_stop(page):
    """A search is stopped, and the page goes on with the next photo."""
    data = png(read_photos("bundled:test")[1])
    page.select_option("#search", "all")
    page.set_input_files("#file", {"name": "a.png", "mimeType": "", "buffer": data})
    page.wait_for_selector("#stop", state="visible")
    page.click("#stop")
    page.wait_for_selector("html:not([data-busy])")
    assert page.is_hidden("#verdict") and page.is_enabled("#read")
    assert read(page, data)["decision"] == "absent"


def test_for_everybody(page):
    """Labels, the keyboard, a phone's width."""
    unlabeled = "els => els.filter(e => !e.labels?.length && !e.ariaLabel).map(e => e.id)"
    assert page.eval_on_selector_all("input, textarea, select, progress", unlabeled) == []
    page.focus("#file")
    seen = []
    for _ in range(8):
        seen.append(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    assert [name for name in seen if name] == ["file", "key", "search", "read", "message", "mark"]
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if os.environ.get("TFWM_SCREENSHOTS"):
        page.screenshot(
            path=os.path.join(os.environ["TFWM_SCREENSHOTS"], "page.png"), full_page=True
        )
    page.set_viewport_size({"width": 1200, "height": 900})
    page.emulate_media(color_scheme="light")


def test_a_runtime_that_is_wrong(browser, folder):
    """Before it reads anything, the page repeats what the network gave when it was made."""
    page = browser.new_page()
    golden = json.loads((folder / "network" / "golden.json").read_text())
    golden["logits"] = [1.01 * logit for logit in golden["logits"]]
    page.route("**/golden.json", lambda route: route.fulfill(json=golden))
    with served(folder) as address:
        page.goto(address)
        page.wait_for_selector("html[data-state=failed]")
    assert "what it gave when it was made" in page.inner_text("#photo-error")
    page.close()


def test_a_page_without_its_files(browser, folder):
    """Such as a copy of the folder that is not whole."""
    page = browser.new_page()
    page.route("**/*.tflite", lambda route: route.fulfill(status=404))
    with served(folder) as address:
        page.goto(address)
        page.wait_for_selector("html[data-state=failed]")
    assert "cannot be loaded (404): copy the whole folder" in page.inner_text("#photo-error")
    page.close()
