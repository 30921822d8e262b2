import json

import pytest

import tfwm.demo

MESSAGE = "(c) Ada"


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(
        'kind = "messages"\ntitle = "Two edits"\npayload_bits = 64\n'
        '[[distortions]]\nname = "jpeg"\nlevels = [80]\n'
    )
    return path


def test_report(run, fails, network, photo, tmp_path, suite, tree):
    page = tmp_path / "page.html"
    report = ["report", photo, "-o", page, "--suite", suite]
    before = tree(tmp_path)
    code, out, err = run(*report, "--message", MESSAGE, "--key", "k", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["output"] == str(page) and len(result["photos"]) == 1
    text = page.read_text()
    assert MESSAGE in text and text.lstrip().lower().startswith("<!doctype html")
    assert {*tree(tmp_path)} - {*before} == {"page.html"}
    assert "exists" in fails(*report, "--message", MESSAGE)
    assert run(*report, "--message", MESSAGE, "--overwrite") == (0, f"{page}\n", "")


def test_report_reads_without_a_message(run, fails, network, photo, tmp_path):
    marked, page = tmp_path / "marked.png", tmp_path / "page.html"
    run("embed", photo, "-o", marked, "--message", MESSAGE, "--key", "k")
    assert run("report", marked, "-o", page, "--key", "k") == (0, f"{page}\n", "")
    assert MESSAGE in page.read_text()
    assert "does not exist" in fails("report", tmp_path / "no.png", "-o", tmp_path / "b.html")
    assert "ends in .html" in fails("report", marked, "-o", tmp_path / "b.pdf")


def test_demo(run, fails, network, monkeypatch):
    calls = {}

    def serve(watermarker, port, open_browser, ready):
        calls.update(name=watermarker.network.name, port=port, open_browser=open_browser)
        ready("http://127.0.0.1:9/")

    monkeypatch.setattr(tfwm.demo, "serve", serve)
    code, out, err = run("demo", "--no-browser", "--port", 0)
    assert (code, out, err) == (0, "http://127.0.0.1:9/ (Ctrl-C ends it)\n", "")
    assert calls == {"name": "checker", "port": 0, "open_browser": False}
    run("demo")
    assert calls["port"] == 8765 and calls["open_browser"] is True
    assert "a port from 0 to 65535" in fails("demo", "--port", "70000")
