"""The conformance report says what was measured, with what, and how to repeat it."""

import json
import runpy
import types
from pathlib import Path

import numpy as np
import pytest

from tfwm.evaluation import load_suite
from tfwm.report import write_conformance
from tfwm.report.conformance import FAMILIES, OTHER, _about, _family
from tfwm.watermarker import Watermarker

Page = runpy.run_path(str(Path(__file__).with_name("test_page.py")))["Page"]


class QuickWatermarker(Watermarker):
    """Does not search, which the document is not about."""

    def extract(self, photo, **how):
        return super().extract(photo, **{**how, "search": "none"})


@pytest.fixture(scope="module")
def small():
    suite = load_suite("everyday-brief").only(["brightness"])
    return suite.replace(psnr=34.0)


def test_the_document(quadrant_network, coffee, small, tmp_path):
    watermarker = QuickWatermarker(quadrant_network)
    how = {"output": tmp_path, "readings": 2, "seed": 3, "name": "quadrant"}
    report = write_conformance(watermarker, [coffee[:160, :208]], small, **how)
    content = json.loads(report.json.read_text("utf-8"))
    assert content == json.loads(json.dumps(report.content))
    test = content["test"]
    assert (test["seed"], test["images"], test["largest"]) == (3, 1, "208 x 160")
    assert "tfwm" in test["versions"] and len(test["pixels_sha256"]) == 64
    assert content["intact"]["exact"] == 1 and 34 <= content["psnr"] < 34.2
    (family,) = content["families"]
    assert family["copies"] == 2 and [e["level"] for e in family["edits"]] == [0.6, 1.5]
    assert [row["readings"] for row in content["false_positives"]] == [2, 2, 1]
    assert report.false_alarms == 0 and report.csv.is_file()
    text = Page(report.html).text
    for words in ("seed 3", "34.", test["pixels_sha256"], "100.0 %", "not a certificate"):
        assert words.lower() in text.lower(), words
    again = write_conformance(watermarker, [coffee[:160, :208]], small, **how)
    assert again.content == report.content


def test_every_edit_of_the_suite_has_a_family():
    names = [d.name for d in load_suite("everyday").distortions]
    assert {n for n in names if _family(n) == OTHER} == {"stretch", "perspective"}
    assert sorted(n for f in FAMILIES.values() for n in f.split()) == sorted(
        set(names) - {"stretch", "perspective"}
    )


def test_a_suite_of_bits_is_refused(quadrant_network, tmp_path):
    with pytest.raises(ValueError, match="Expected a suite of whole messages"):
        write_conformance(quadrant_network, "bundled:test", "redmark", tmp_path)


def test_the_largest_photo_has_the_most_pixels(quadrant_network, small):
    photos = types.SimpleNamespace(
        images=[np.zeros((h, w, 3), "uint8") for h, w in ((200, 20), (100, 150))],
        name="two",
        skipped=0,
    )
    test = _about(quadrant_network, "quadrant", small, photos, 0, "")
    assert (test["smallest"], test["largest"]) == ("20 x 200", "150 x 100")
