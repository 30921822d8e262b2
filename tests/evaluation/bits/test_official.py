"""The whole chain against numbers that others measured with the authors' weights."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.evaluation import BitSuite, Protocol, evaluate
from tfwm.networks import load_network


@pytest.fixture(scope="module")
def official(official_mt):
    return load_network(official_mt)


def test_marked_images_are_the_authors(official, shared):
    golden = np.load(shared / "anchors" / "redmark" / "golden.npz")
    protocol = Protocol(BitSuite("golden", "Golden", []), official)
    for photo in ("camera", "brick", "grass"):
        planes = golden[f"MT_{photo}_bits"][None, None]
        marked = protocol.embed(golden[f"cover_{photo}"], planes, 1.0)[0]
        difference = np.abs(marked.astype(int) - golden[f"MT_{photo}_marked"])
        # Truncation: what lies on an integer falls to either side by float32 rounding.
        assert difference.max() <= 1 and (difference > 0).sum() < 30
        logits = protocol.read([golden[f"MT_{photo}_marked"]])[0, 0]
        np.testing.assert_allclose(logits, golden[f"MT_{photo}_logits"], atol=1e-3)


def test_tables_2_and_3(official):
    """MT-Net on six photos, strength 1, paper's placement and vote; percent."""
    expected = {
        "gaussian_noise": (0.0, 2.8, 12.2), "salt_and_pepper": (0.0, 0.1, 0.7),
        "cropping": (5.1, 10.3, 16.3), "grid_crop": (3.2, 7.2, 12.3), "jpeg": (0.0, 0.2, 3.4),
        "gaussian_blur": (0.1, 25.5, 42.3), "sharpening": (0.0, 0.0, 0.2),
        "median_filter": (2.6, 49.7, 51.0), "resizing": (5.4, 0.0, 0.0),
    }  # fmt: skip
    names = ("camera", "brick", "grass", "gravel", "moon", "astronaut")
    photos = [np.asarray(Image.fromarray(getattr(data, n)()).convert("L")) for n in names]
    rows = evaluate(
        {"official-mt": official},
        photos,
        "redmark",
        strengths=[1.0],
        watermarks=1,
        placements=["paper"],
        votes=["majority"],
    )
    assert rows[0]["psnr"] == pytest.approx(36.69, abs=0.05)
    for attack, levels in expected.items():
        measured = [100 * row["ber"] for row in rows if row["attack"] == attack]
        np.testing.assert_allclose(measured, levels, atol=1.5, err_msg=attack)
