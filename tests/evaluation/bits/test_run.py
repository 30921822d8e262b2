import csv

import numpy as np
import pytest
from skimage import data

from tfwm.evaluation import BitSuite, evaluate, headline, run_suite, summarize
from tfwm.files import write_whole


def suite(**arguments):
    arguments.setdefault("watermarks", 2)
    arguments.setdefault(
        "distortions",
        [
            {"name": "grid_crop", "levels": [1.0]},
            {"name": "gaussian_blur", "levels": [0.5, 40.0], "unpromising": [40.0]},
        ],
    )
    return BitSuite("tiny", "Tiny suite", **arguments)


def pick(rows, **wanted):
    found = [row for row in rows if all(row[k] == v for k, v in wanted.items())]
    assert len(found) == 1
    return found[0]


def messages(images=2, watermarks=2, bits=1024):
    return np.stack(
        [
            np.random.default_rng([0, i, w]).integers(0, 2, bits)
            for i in range(images)
            for w in range(watermarks)
        ]
    )


def test_known_error_rates(network, flat):
    rows = evaluate([network], flat, suite())
    assert len(rows) == 2 * 2 * 4
    for placement in ("paper", "spread"):
        for vote in ("majority", "soft"):
            way = {"placement": placement, "vote": vote}
            clean = pick(rows, attack="identity", **way)
            assert (clean["ber"], clean["exact"], clean["bits"]) == (0, 1, 1024)
            # All black: every block reads 0, so the ones are wrong.
            black = pick(rows, attack="grid_crop", **way)
            assert black["ber"] == pytest.approx(messages().mean(), abs=1e-12)
            assert black["exact"] == 0
    # 128 +- 8 exactly.
    assert clean["psnr"] == pytest.approx(20 * np.log10(255 / 8), abs=1e-6)
    assert clean["images"] == 2 and clean["watermarks"] == 2


def test_standard_error(network, flat):
    row = pick(evaluate([network], flat, suite(), votes=["soft"],
                        placements=["paper"]), attack="grid_crop")  # fmt: skip
    images = messages().reshape(2, -1).mean(1)
    assert row["ber_se"] == pytest.approx(images.std(ddof=1) / np.sqrt(2))
    assert row["ber_ci95"] == pytest.approx(1.96 * row["ber_se"])
    alone = evaluate([network], flat[:1], suite())
    assert alone[0]["ber_se"] is None


def test_placement_and_ties(make_network, flat):
    """An extractor that reads the top quarter of the image the wrong way round.

    In the paper's placement all copies of a quarter of the bits lie there; spread, two of
    the four copies of half of the bits: ties, which read 0.
    """
    rows = evaluate([make_network(flipped_patch_rows=4)], flat, suite())
    for vote in ("majority", "soft"):
        paper = pick(rows, attack="identity", placement="paper", vote=vote)
        assert paper["ber"] == 0.25
    spread = pick(rows, attack="identity", placement="spread", vote="majority")
    assert spread["ber"] == pytest.approx(0.25, abs=0.03)  # half of the bits, where they are 1
    assert spread["ber"] < messages().mean()


def test_networks_share_messages_and_noise(make_network):
    photos = [data.camera()[:128, :256], data.camera()[256:384, :256]]
    tough = suite(distortions=[{"name": "gaussian_noise", "levels": [60]}])
    rows = evaluate({"a": make_network(), "b": make_network()}, photos, tough)
    a, b = ([{**r, "network": ""} for r in rows if r["network"] == n] for n in "ab")
    assert a == b
    assert a == [{**r, "network": ""} for r in evaluate({"c": make_network()}, photos, tough)]
    other = evaluate({"a": make_network()}, photos, tough, seed=1)
    assert [r["ber"] for r in other] != [r["ber"] for r in a]


def test_means(network, flat):
    rows = evaluate([network], flat, suite())
    summary = pick(summarize(rows), placement="paper", vote="soft")
    blurred = pick(rows, placement="paper", vote="soft", attack="gaussian_blur", level=40.0)["ber"]
    black = messages().mean()
    assert summary["columns"] == 3 and summary["counted_columns"] == 2
    assert summary["counted_ber"] == pytest.approx(black / 2)
    assert summary["ber"] == pytest.approx((black + blurred) / 3)
    line = headline(rows)
    assert line.startswith("additive 30.07 dB, mean BER ") and "\n" not in line


def test_match(make_network, shaded_network, flat):
    networks = {"a": shaded_network, "b": make_network()}
    plain = suite(distortions=[], watermarks=1, placements=["paper"], votes=["soft"])
    rows = evaluate({"a": shaded_network}, flat, plain, match="psnr=36")
    assert rows[0]["psnr"] == pytest.approx(36, abs=0.3)
    rows = evaluate(networks, flat, plain, match="psnr=b")
    assert pick(rows, network="b")["strength"] == 1
    assert pick(rows, network="a")["strength"] < 1
    assert pick(rows, network="a")["psnr"] == pytest.approx(
        pick(rows, network="b")["psnr"], abs=0.3
    )
    for match, message in (("psnr=c", "a, b"), ("psnr", "match='psnr'"), ("mse=3", "'mse'")):
        with pytest.raises(ValueError, match=message):
            evaluate(networks, flat, plain, match=match)


def test_colour_suite(network):
    photos = [data.astronaut()[:200, :200]]
    rows = evaluate([network], photos, "redmark-table4", watermarks=1)
    row = pick(rows, attack="identity", vote="soft")
    assert row["bits"] == 30 and row["placement"] == "repeat"
    assert len(row["plane_strengths"].split("/")) == 3
    assert pick(rows, attack="jpeg", vote="soft")["paper_ber"] is None


def test_small_images_are_left_out(network, flat):
    with pytest.warns(UserWarning, match="1 images are too small"):
        rows = evaluate([network], [*flat, flat[0][:40, :40]], suite())
    assert rows[0]["images"] == 2
    with pytest.raises(ValueError, match="too small, the first of 40 x 30"):
        evaluate([network], [flat[0][:30, :40]], suite())


def test_networks_are_checked(make_network, flat):
    with pytest.raises(ValueError, match="at least one network"):
        evaluate([], flat, suite())
    with pytest.raises(ValueError, match="different names"):
        evaluate([make_network(), make_network()], flat, suite())


@pytest.mark.parametrize("suite", ["redmark-table3", "everyday"])
@pytest.mark.parametrize("kind", ["barrier", "keyed"])
def test_networks_that_carry_no_messages(make_network, flat, suite, kind):
    network = make_network("mine")
    network.card = {"kind": kind}
    with pytest.raises(ValueError, match=f"mine, a {kind} network.*tfwm.recipes.{kind}"):
        evaluate([network], flat, suite)


def test_files(make_network, flat, tmp_path):
    own = suite(
        paper=[{"network": "mt", "strength": 1.0, "ber": {"grid_crop": [12.5]}},
               {"network": "hidden", "strength": 1.0, "ber": {"grid_crop": [float("nan")]},
                "shown_beside_any": True}],
        notes=["Levels < 2 & more."],
    )  # fmt: skip
    networks = {"my-mt": make_network(), "other": make_network()}
    result = run_suite(
        networks,
        flat,
        own,
        output=tmp_path / "results",
        command="tfwm evaluate tiny",
    )
    assert result.csv.name == "tiny-images.csv" and result.html.name == "tiny-images.html"
    lines = result.csv.read_text().splitlines()
    assert lines[0] == "# tfwm evaluate tiny"
    assert "2 images" in lines[1] and "rounding truncate" in lines[2] and "numpy" in lines[3]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len(rows) == len(result.rows) == 2 * 2 * 2 * 4
    black = pick(rows, network="my-mt", placement="paper", vote="majority", attack="grid_crop")
    assert float(black["ber"]) == pytest.approx(messages().mean(), rel=1e-5)
    assert black["paper_ber"] == "0.125" and black["counted"] == "true"
    html = result.html.read_text()
    assert html.count("data:image/png;base64,") == 2 * 6 + 2
    for text in (
        "Tiny suite",
        "my-mt",
        "12.5",
        "HIDDEN",
        "Levels &lt; 2 &amp; more.",
        "tfwm evaluate",
    ):
        assert text in html
    assert "http" not in html
    assert sorted(p.name for p in result.csv.parent.iterdir()) == [
        result.csv.name,
        result.html.name,
    ]


def test_folder_with_a_damaged_photo(network, tmp_path):
    from PIL import Image

    Image.fromarray(data.camera()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:5000])
    with pytest.warns(UserWarning, match=r"b\.png"):
        result = run_suite([network], tmp_path, suite(), tmp_path / "out", report=False)
    assert result.skipped == 1 and result.html is None
    assert "1 unreadable files skipped" in result.csv.read_text()


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = write_whole(tmp_path / "a.csv", "old")
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(OSError, match=r"Could not write .*a\.csv: full"):
        write_whole(file, "new")
    assert file.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_write_under_a_file(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match=r"Could not write .*a\.csv: .*Nothing was changed"):
        write_whole(tmp_path / "file" / "a.csv", "new")
    assert (tmp_path / "file").read_text() == "old"
