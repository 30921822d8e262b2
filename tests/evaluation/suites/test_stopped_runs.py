"""A run of a suite that is interrupted keeps the rows of the photos that are done."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from tfwm.evaluation import run_suite
from tfwm.files import read_csv

CHECKER = Path(__file__).parents[2] / "cli" / "checker_network.py"
PHOTOS = list(np.random.default_rng(0).integers(60, 190, (3, 128, 128, 3), np.uint8))
SUITES = {
    "bits": 'kind = "bits"\ntitle = "t"\nstrengths = [1.0]\nwatermarks = 1\n'
    'distortions = [{name = "jpeg", levels = [90]}]\n',
    "messages": 'kind = "messages"\ntitle = "t"\npayload_bits = 8\n'
    'distortions = [{name = "jpeg", levels = [90]}]\n',
}


@pytest.mark.parametrize("kind", SUITES)
@pytest.mark.parametrize("done", [0, 2])
def test_rows_of_what_is_done(kind, done, tmp_path):
    (tmp_path / "suite.toml").write_text(SUITES[kind])
    network = runpy.run_path(str(CHECKER))["CheckerNetwork"]()

    def progress(share, text):
        if text.endswith(f"photo {done + 1}"):
            raise KeyboardInterrupt

    from tfwm.watermarker import Watermarker

    member = network if kind == "bits" else Watermarker(network)
    images = [p[..., 0] for p in PHOTOS] if kind == "bits" else PHOTOS
    with pytest.warns() if done else pytest.raises(KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            run_suite(
                {"checker": member},
                images,
                str(tmp_path / "suite.toml"),
                tmp_path / "out",
                progress=progress,
            )
        if not done:
            raise KeyboardInterrupt
    files = list((tmp_path / "out").glob("*")) if (tmp_path / "out").is_dir() else []
    found = [path.name for path in files]
    if kind == "bits":  # counted after its photo
        done += 1
    assert bool(found) == bool(done) and all(name.endswith("-stopped.csv") for name in found)
    for path in files:
        assert max(row["images"] for row in read_csv(path) if row["attack"] == "jpeg") == done
        assert "stopped before the end" in path.read_text()
