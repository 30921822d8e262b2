"""The folder of the page: its files, its policy, its licences; errors in one line."""

import re

import pytest

from tfwm.browser import packages, write_page
from tfwm.networks import changed_files, network_directory


def test_page_is_whole(stand_ins, tmp_path):
    page = write_page(tmp_path / "page", packages=stand_ins)
    assert changed_files(page) == []
    text = (page / "index.html").read_text()
    assert "connect-src &#39;self&#39;" in text and "default-src &#39;none&#39;" in text
    named = re.findall(r'(?:src|href)="([^"{]+)"', text)
    assert {n for n in named if not n.startswith("data:") and not (page / n).is_file()} == set()
    assert "http" not in "".join(named)
    network = network_directory("photo")
    assert (page / "network" / "photo.tflite").read_bytes() == (
        network / "photo.tflite"
    ).read_bytes()
    assert '"./wasm-utils.js"' in (page / "litert" / "litert.js").read_text()


def test_scripts_import_only_what_is_there(stand_ins, tmp_path):
    page = write_page(tmp_path / "page", packages=stand_ins)
    for script in (page / "js").iterdir():
        for name in re.findall(r'^import .* from "(.*)";$', script.read_text(), re.MULTILINE):
            assert (script.parent / name).resolve().is_file(), f"{script.name}: {name}"


def test_licences_of_all_parts(stand_ins):
    text = packages.licences(stand_ins)
    for part in ("@litertjs/core 2.5.3: Apache-2.0", "The MIT License, of its author"):
        assert part in text
    assert "Apache License" in text and "TERMS AND CONDITIONS" in text


def test_a_page_is_replaced_only_if_asked_for(stand_ins, tmp_path):
    page = write_page(tmp_path / "page", packages=stand_ins)
    with pytest.raises(ValueError, match="exists: choose another name, or add --overwrite"):
        write_page(page, packages=stand_ins)
    (page / "index.html").write_text("old")
    write_page(page, packages=stand_ins, overwrite=True)
    assert "Does this photo carry a mark?" in (page / "index.html").read_text()
    with pytest.raises(ValueError, match="holds no page of tfwm, it is kept"):
        write_page(tmp_path, packages=stand_ins, overwrite=True)


def test_packages_of_another_version_are_refused(stand_ins, tmp_path):
    (stand_ins / "@noble" / "hashes" / "package.json").write_text('{"version": "1.0.0"}')
    with pytest.raises(ValueError, match=r"Expected @noble/hashes 2.*Received: 1.0.0"):
        write_page(tmp_path / "page", packages=stand_ins)
    with pytest.raises(ValueError, match="Received: none"):
        write_page(tmp_path / "page", packages=tmp_path)
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(
    "network", ["stegastamp-print", "photo-private", "mbrs-128", "barrier-xray", "redmark-gt"]
)
def test_networks_that_the_page_cannot_run(network, stand_ins, tmp_path):
    with pytest.raises(ValueError, match="of their own, without the key's filter, such as photo"):
        write_page(tmp_path / "page", network, packages=stand_ins)


def test_without_npm(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(OSError, match="npm is not here, which comes with Node.js: install it"):
        write_page(tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_command(stand_ins, tmp_path, capsys):
    from tfwm.cli import main

    page = tmp_path / "page"
    assert main(["browser", str(page), "--packages", str(stand_ins)]) == 0
    assert capsys.readouterr().out == f"{page} is written\n"
    assert main(["browser", str(page), "--packages", str(stand_ins)]) == 2
