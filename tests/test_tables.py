"""The tables of README.md, docs/ and the index of results/ are what the results say."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("tables", ROOT / "tools" / "tables.py")
tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tables)

HEAD = "# tfwm evaluate a --images photos/b\n# A suite; data b, 10 images\n"
ROWS = """network,attack,shown,counted,images,ber,paper
a,none,,false,10,0.001,
a,jpeg,50,true,10,0.25,nan
a,jpeg,90,true,10,0.1,0.2
b,none,,false,10,0,
b,jpeg,50,true,10,0.5,0.25
b,jpeg,90,true,10,0,0
"""


def test_pages_are_not_stale():
    stale = [str(page.relative_to(ROOT)) for page in tables.stale()]
    assert not stale, f"run `make tables`: {stale}"


def test_every_table_is_on_a_page():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {name for page in pages for _, name, _ in tables.MARKER.findall(page.read_text())}
    assert set(tables.read_tables()) - shown == {tables.OTHER}


def test_links_to_results_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(((?:\.\./)*results/[^)#]+)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page}: {link}"


def test_networks_are_all_told():
    page = tables.render(tables.read_tables()["networks"])
    for card in (ROOT / "saved_models").glob("*/card.json"):
        assert f"| `{card.parent.name}` |" in page


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text(HEAD + ROWS)
    return path


def test_rows_columns_and_what_is_left_out(path):
    table = {
        "path": path,
        "head": ["BER, {images} images"],
        "where": {"attack": "none|jpeg"},
        "words": {"a": "ours"},
        "rows": [
            {"labels": ["{network}"], "where": {"network": "a"}},
            {"labels": ["{network} again"], "where": {"network": "b"}},
        ],
        "columns": [{"label": "{attack}[ {shown}]", "cell": "{ber:ber}[ ({paper:%0})]"}],
    }
    assert tables.render(table) == (
        "| BER, 10 images | none | jpeg 50 | jpeg 90 |\n"
        "| --- | --: | --: | --: |\n"
        "| ours | 0.1 | 25.00 | 10.00 (20) |\n"
        "| b again | 0 | 50.00 (25) | 0 (0) |\n"
    )


def test_pick(path):
    column = {"where": {"counted": "true"}, "cell": "{ber:%1}"}
    table = {
        "path": path,
        "head": ["network"],
        "rows": [{"labels": ["{network}"]}],
        "columns": [
            {"label": "first", **column},
            {"label": "last", "pick": -1, **column},
            {"label": "all", "pick": "all", **column},
            {"label": "mean", "pick": "pool", **column},
            {"label": "count", "pick": "pool", **{**column, "cell": "{ber:count}"}},
        ],
    }
    lines = tables.render(table).splitlines()[2:]
    assert lines == [
        "| a | 25.0 | 10.0 | 25.0/10.0 | 17.5 | 4/20 |",
        "| b | 50.0 | 0.0 | 50.0/0.0 | 25.0 | 5/20 |",
    ]


@pytest.mark.parametrize(
    "template, row, expected",
    [
        ("{exact:share}", {"exact": "0.9", "images": "10"}, "9/10"),
        ("{exact:share}", {"exact": "0.895", "images": "200"}, "89.5"),
        ("{ber:ber}", {"ber": "9.2e-05"}, "0.0092"),
        ("{ber:right}", {"ber": "0.031"}, "96.9"),
        ("{p:p}", {"p": "0.0001"}, "≤ 0.0001"),
        ("{p:p}", {"p": "0.034"}, "0.03"),
        ("{n:number}", {"n": "10000"}, "10000"),
        ("{psnr:equal}", {"psnr": "100.0"}, "equal"),
        ("{psnr:.2f} dB", {"psnr": ""}, ""),
        ("[{qr:%1}, ]{nc:.3f}", {"qr": "", "nc": "0.5"}, "0.500"),
    ],
)
def test_templates(template, row, expected):
    assert tables.fill(template, row) == expected


def test_a_page_keeps_its_text(path):
    table = {
        "path": path,
        "rows": [{"labels": []}],
        "columns": [{"label": "n", "cell": "{images}"}],
    }
    page = "Before.\n<!-- table: n -->\nold\n<!-- end -->\nAfter.\n"
    expected = "Before.\n<!-- table: n -->\n| n |\n| --- |\n| 10 |\n<!-- end -->\nAfter.\n"
    assert tables.fill_page(page, {"n": table}) == expected
    with pytest.raises(KeyError, match="no table 'm'"):
        tables.fill_page(page.replace("table: n", "table: m"), {"n": table})


def test_origin_of_a_file(path):
    command = "tfwm evaluate a --images photos/b"
    assert tables._origin(path) == (command, "b", "10")
    path.write_text("# python benchmarks/x.py --images photos/c\n" + ROWS)
    assert tables._origin(path)[1:] == ("photos/c", "10")
