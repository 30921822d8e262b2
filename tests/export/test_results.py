import shutil

import pytest

from tfwm.export import summarise_results, verify, write_results
from tfwm.networks import read_card

ROWS = """# made by a test
network,strength,attack,psnr,ber
a,1.0,jpeg,40,0.1
a,1.0,blur,42,0.3
a,0.5,jpeg,46,
b,1.0,jpeg,30,0.5
"""


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "attacks.csv"
    path.write_text(ROWS)
    return path


def test_means(results):
    found = summarise_results(results, {"network": "a", "strength": 1}, ["psnr", "ber"], "run")
    assert found == {
        "file": "attacks.csv",
        "command": "run",
        "select": {"network": "a", "strength": 1},
        "rows": 2,
        "psnr": 41.0,
        "ber": 0.2,
    }
    assert summarise_results(results, {"strength": 0.5}, ["ber"], "run")["ber"] is None


def test_errors(results):
    with pytest.raises(ValueError, match="has no column 'ssim'"):
        summarise_results(results, {"network": "a"}, ["ssim"], "run")
    with pytest.raises(ValueError, match="has no row with"):
        summarise_results(results, {"network": "c"}, ["ber"], "run")


def test_into_a_package(results, packaged, tmp_path):
    folder = shutil.copytree(packaged, tmp_path / "tiny")
    summary = summarise_results(results, {"network": "a"}, ["psnr"], "run")
    write_results(folder, [summary])
    assert read_card(folder)["results"] == [summary]
    assert verify(folder).passed
    (folder / "golden.npz").unlink()
    with pytest.raises(ValueError, match="golden.npz is missing"):
        write_results(folder, [])
