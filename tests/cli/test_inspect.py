"""`tfwm inspect`."""

import io
import json

import pytest
from PIL import Image
from skimage import data

from tfwm.cli import main
from tfwm.provenance import Claims, ManifestStore, SigningWatermarker, make_test_signer


@pytest.fixture
def files(tmp_path, network, checker, monkeypatch):
    """A signed picture and a plain one; the network without training reads both."""
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()[:320, 80:400]).save(buffer, "JPEG", quality=90)
    signer = make_test_signer(tmp_path / "signer")
    marker = SigningWatermarker(checker(), signer, Claims("trainedAlgorithmicMedia", "acme 3.1"))
    (tmp_path / "signed.jpg").write_bytes(marker.embed_bytes(buffer.getvalue(), "Ada"))
    (tmp_path / "plain.jpg").write_bytes(buffer.getvalue())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_page(files, capsys):
    assert main(["inspect", "signed.jpg", "--network", "checker"]) == 0
    page, error = capsys.readouterr()
    for told in (
        "verdict     signed: ",
        "signed metadata and watermark; confidence: low",
        "manifest    valid; its signature holds; the hash of the file holds",
        "test certificate",
        "its certificate: common name tfwm TEST certificate: says nothing about who signed, issued",
        "made with acme 3.1",
        "trainedAlgorithmicMedia, c2pa.created",
        "message (text): Ada",
        "not checked",
    ):
        assert told in page
    assert error == "" and "knows no manifest" not in page


def test_a_store_that_knows_nothing_says_so(files, capsys):
    ManifestStore("manifests.db", create=True)
    assert main(["inspect", "plain.jpg", "--network", "checker", "--store", "manifests.db"]) == 1
    assert "store       knows no manifest of this picture" in capsys.readouterr().out


def test_json_and_exit_codes(files, capsys):
    assert main(["inspect", "plain.jpg", "--network", "checker", "--json"]) == 1
    values = json.loads(capsys.readouterr().out)
    assert values["verdict"]["conclusion"] == "nothing" and values["manifest"] is None
    changed = bytearray((files / "signed.jpg").read_bytes())
    changed[-90] ^= 1
    (files / "changed.jpg").write_bytes(changed)
    for key in ([], ["--key", "other"]):  # also where the mark is still there
        assert main(["inspect", "changed.jpg", "--network", "checker", *key]) == 1
    assert "broken: its manifest proves nothing" in capsys.readouterr().out
    assert main(["inspect", "absent.jpg"]) == 2


def test_trusted_authorities(files, capsys):
    command = ["inspect", "signed.jpg", "--network", "checker", "--trust-anchors"]
    assert main([*command, "signer/chain.pem"]) == 0
    assert "manifest    trusted" in capsys.readouterr().out
    assert main([*command, "plain.jpg"]) == 2
    assert "Expected certificates in PEM" in capsys.readouterr().err


def test_several_photos(files, capsys):
    command = ["inspect", "signed.jpg", "plain.jpg", "--network", "checker"]
    assert main([*command, "--report", "origins.csv"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("plain.jpg\tnothing\t\t")
    assert lines[1].startswith("signed.jpg\tsigned\ttrainedAlgorithmicMedia\t")
    assert (files / "origins.csv").read_text().count("\n") == 3


def test_photos_of_one_name_in_two_folders(files, capsys):
    (files / "other").mkdir()
    (files / "signed.jpg").rename(files / "other" / "plain.jpg")
    assert main(["inspect", "plain.jpg", "other/plain.jpg", "--network", "checker"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        ["other/plain.jpg", "signed"],
        ["plain.jpg", "nothing"],
    ]


@pytest.mark.parametrize("kind, code", [("print", 0), ("lorem", 1)])
def test_only_a_source_type_of_iptc_is_good(kind, code, files, capsys):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'i:DigitalSourceType="{kind}"/></rdf:RDF></x:xmpmeta>'
    )
    Image.open("plain.jpg").save("told.jpg", xmp=packet.encode())
    assert main(["inspect", "told.jpg", "--network", "checker"]) == code
    page = capsys.readouterr().out
    assert f"source type: {kind}" in page
    assert ("verdict     told: " if code == 0 else "none of IPTC's") in page


@pytest.mark.parametrize("name, code", [("signed.jpg", 0), ("plain.jpg", 1)])
def test_a_service_that_cannot_be_reached_leaves_the_local_answer(name, code, files, capsys):
    command = ["inspect", "--network", "checker", "--store", "http://127.0.0.1:9", name]
    assert main(command) == code
    page, error = capsys.readouterr()
    assert "not checked" in page and "http://127.0.0.1:9 cannot be reached" in page
    assert error.startswith("tfwm: warning: The service http://127.0.0.1:9 cannot be reached")
    assert error.count("\n") == 1
    assert main([*command, "--json"]) == code
    values = json.loads(capsys.readouterr().out)
    assert "cannot be reached" in values["service_error"]
    assert main([*command[:-1], "plain.jpg", "signed.jpg", "--report", "origins.csv"]) == 1
    page, error = capsys.readouterr()
    assert page.count("\n") == 2 and error.count("\n") == 1
    assert (files / "origins.csv").read_text().count("cannot be reached") == 2


def test_options_of_a_network_that_is_not_named(files, capsys):
    for option in (["--runtime", "lite"], ["--trust"]):
        assert main(["inspect", "plain.jpg", *option]) == 2
        assert "--network with --trust and --runtime" in capsys.readouterr().err
