import os
import runpy
import shutil
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# A parent such as nohup may ignore SIGINT, which the processes that tests start would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Benchmarks import their own modules from their folder, as a script does.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
pytest_plugins = ["handmade"]

COMPARE = Path(__file__).parent / "export" / "compare.py"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_finish(session):
    """Graphs are not optimized, which takes longer than to run them; `make test-slow` does."""
    if "tensorflow" in sys.modules and session.config.option.markexpr == "not slow":
        tensorflow = sys.modules["tensorflow"]
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True)
def seed():
    """What a test draws is the same in every run."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def shared():
    """Photos and reference outputs beside the checkout; absent on most machines."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (photos and reference outputs), which is not on this machine")
    return SHARED


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium, driven by playwright."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright (pip install tfwm[browser])"
    )
    path = os.environ.get("TFWM_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("needs Chromium or Chrome: install one, or name it in TFWM_BROWSER")
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=path)
        except playwright.Error as error:
            pytest.skip(f"{path} does not start: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def official_mt(shared, tmp_path_factory):
    """Folder of ReDMark's MT-Net as its authors trained it, converted; not to be changed."""
    from tfwm.convert import convert_redmark

    folder = tmp_path_factory.mktemp("official") / "official-mt"
    convert_redmark(shared / "anchors" / "redmark" / "MT-Net.h5", folder)
    return folder


@pytest.fixture(scope="session")
def compare_networks():
    """Function that tells how far one form of a network is from another."""
    return runpy.run_path(str(COMPARE))["compare_networks"]


@pytest.fixture(scope="session")
def sample_photos():
    """Function that returns photos for networks of any patch."""
    return runpy.run_path(str(COMPARE))["sample_photos"]


@pytest.fixture(scope="session")
def photo():
    """A real colour photo, (1, 256, 256, 3) float32 in [0, 1]."""
    from skimage import data

    return (data.astronaut()[None, :256, 100:356] / 255).astype(np.float32)


@pytest.fixture(scope="session")
def gray_photo():
    """A real gray photo, (1, 256, 256, 1) float32 in [0, 1]."""
    from skimage import data

    return (data.camera()[None, 100:356, 100:356, None] / 255).astype(np.float32)


PATCH = (16, 16)


@pytest.fixture(scope="session")
def models():
    """A small embedder and extractor with random weights; patches of 16 x 16."""
    import keras

    from tfwm.models.redmark import build_embedder, build_extractor

    keras.utils.set_random_seed(7)
    embedder = build_embedder(patch_shape=PATCH, width=8, depth=2)
    return embedder, build_extractor(patch_shape=PATCH, width=8, depth=1)


@pytest.fixture(scope="session")
def card():
    from tfwm.networks import make_card, redmark_geometry

    return make_card(
        "tiny",
        "Random weights, for tests.",
        paper="none",
        licence={"code": "MIT", "weights": "MIT"},
        training={"data": "none", "recipe": "none", "command": "none"},
        geometry=redmark_geometry(PATCH),
        strength={"default": 1.0, "guidance": "none"},
        limits=["Reads nothing."],
    )


@pytest.fixture(scope="session")
def packaged(models, card, tmp_path_factory):
    """Folder of the small network in every form; not to be changed."""
    from tfwm.export import package_network

    return package_network(*models, tmp_path_factory.mktemp("networks") / "tiny", card)


@pytest.fixture
def message():
    """Bits for images of 32 x 48 pixels, batch of 2."""
    return np.random.default_rng(1).integers(0, 2, (2, 4, 6, 1)).astype(np.float32)


@pytest.fixture
def image(gray_photo):
    return np.concatenate([gray_photo[:, :32, :48], gray_photo[:, 100:132, 60:108]])


@pytest.fixture
def checker():
    """A `Watermarker` with a network without training or TensorFlow."""
    from tfwm.watermarker import Watermarker

    path = Path(__file__).parent / "cli" / "checker_network.py"
    return Watermarker(runpy.run_path(str(path))["CheckerNetwork"]())


@pytest.fixture
def serving():
    """A function that serves an application as all commands do; returns its address."""
    from tfwm.web.server import make_server

    served = []

    def run(app, threads=4, most_bytes=1 << 20, observe=None):
        server = make_server(app, "127.0.0.1", 0, threads, most_bytes, observe)
        served.append((server, threading.Thread(target=server.run, daemon=True)))
        served[-1][1].start()
        return f"http://127.0.0.1:{server.effective_port}"

    yield run
    for server, thread in served:
        server.stop(0)
        thread.join(timeout=5)
        assert not thread.is_alive()
