import json

import numpy as np
import pytest
from PIL import Image

from tfwm.cli.extract import SEARCHES
from tfwm.cli.options import DEFAULT_NETWORK

MESSAGE = "(c) 2026 Ada Lovelace"


@pytest.fixture
def marked(run, network, photo, tmp_path):
    path = tmp_path / "marked.png"
    assert run("embed", photo, "-o", path, "--message", MESSAGE, "--key", "k")[0] == 0
    return path


def test_choices_are_those_of_the_library():
    from tfwm.marking import STAGES
    from tfwm.watermarker import DEFAULT_NETWORK as library_default

    assert SEARCHES == STAGES and DEFAULT_NETWORK == library_default


def test_json_has_the_evidence(run, marked):
    code, out, err = run("extract", marked, "--key", "k", "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert result["message"] == MESSAGE and result["kind"] == "text"
    assert result["decision"] == "present" and result["p_value"] < 1e-12
    assert result["corrected_errors"] == 0
    assert len(result["bit_confidence"]) == 8 * len(MESSAGE)
    assert all(0.5 <= confidence <= 1 for confidence in result["bit_confidence"])
    assert result["photo"] == str(marked) and result["network"] == "photo"
    assert result["alignment"]["scale"] == 1 and result["alignment"]["flipped"] is False


def test_wrong_key_and_unmarked_photo_are_absent(run, marked, photo):
    for path, key in [(marked, "wrong"), (photo, "k")]:
        code, out, err = run("extract", path, "--key", key, "--search", "none")
        assert (code, out) == (1, "") and err.startswith("tfwm: absent: ")
        assert "unmarked, or was marked with another key or network" in err
        assert err.count("\n") == 1
    code, out, err = run("extract", photo, "--search", "none", "--json")
    result = json.loads(out)
    assert (code, err) == (1, "") and result["decision"] == "absent"
    assert result["message"] is None and result["p_value"] > 1e-3


def test_a_picture_that_no_mark_can_be_bound_to_is_told(run, network, tmp_path):
    noise = np.random.default_rng(0).normal(150, 2, (400, 600, 1))
    sky, copy = tmp_path / "sky.png", tmp_path / "marked.png"
    Image.fromarray(np.uint8(np.rint(noise)).repeat(3, axis=-1)).save(sky)
    assert run("embed", sky, "-o", copy, "--message", MESSAGE, "--key", "k")[0] == 0
    code, out, err = run("extract", copy, "--key", "k")
    assert (code, out) == (0, MESSAGE + "\n")
    assert err.startswith(f"tfwm: present: {copy}: ") and "shows too little" in err


def test_doubt_is_exit_code_1(run, network, photo, monkeypatch):
    from tfwm.marking import Extraction
    from tfwm.watermarker import Watermarker

    doubt = Extraction(
        **dict.fromkeys(["margin", "bit_confidence", "corrected_errors", "alignment"]),
        message="a",
        kind="text",
        decision="uncertain",
        reason="traces",
        p_value=1e-4,
        false_positive_rate=1e-6,
    )
    monkeypatch.setattr(Watermarker, "extract", lambda *a, **k: doubt)
    code, out, err = run("extract", photo)
    assert (code, out) == (1, "a\n") and err == f"tfwm: uncertain: {photo}: traces\n"


def test_false_positive_rate_is_used(run, marked, fails):
    arguments = ["extract", marked, "--key", "k", "--false-positive-rate"]
    assert json.loads(run(*arguments, "1e-9", "--json")[1])["false_positive_rate"] == 1e-9
    for rate in ("0", "1", "often"):
        assert "expected a rate between 0 and 1" in fails(*arguments, rate)
    assert "invalid choice" in fails("extract", marked, "--search", "everywhere")


def test_search_finds_a_cropped_copy(run, marked, tmp_path):
    # Even offsets: the coarse search relies on networks that bear a shift, this one does not.
    Image.open(marked).crop((36, 20, 420, 292)).save(tmp_path / "cut.png")
    arguments = ["extract", tmp_path / "cut.png", "--key", "k"]
    assert run(*arguments, "--search", "none")[0] == 1
    assert run(*arguments, "--search", "crop")[:2] == (0, f"{MESSAGE}\n")


def test_message_of_a_stranger_does_not_steer_the_terminal(run, network, photo, tmp_path):
    marked = tmp_path / "marked.png"
    run("embed", photo, "-o", marked, "--message", "a\x1b[2Jb\n世")
    assert run("extract", marked)[1] == "a\\x1b[2Jb\n世\n"
    assert (
        run("extract", marked, photo, "--search", "none")[1]
        .splitlines()[0]
        .endswith("\tpresent\ta\\x1b[2Jb\\n世")
    )


@pytest.fixture
def screen(marked, tmp_path):
    """A photo of the marked picture on a gray table."""
    scene = Image.new("RGB", (700, 460), (90, 90, 90))
    scene.paste(Image.open(marked), (120, 80))  # 451 x 300
    scene.save(tmp_path / "screen.png")
    return tmp_path / "screen.png"


CORNERS = ["120,80", "571,80", "571,380", "120,380"]


@pytest.mark.parametrize("corners", [CORNERS, ["find"]])
def test_a_photographed_picture_is_read(run, screen, corners):
    arguments = ["extract", screen, "--key", "k", "--search", "none"]
    assert run(*arguments)[0] == 1
    code, out, err = run(*arguments, "--json", "--corners", *corners)
    result = json.loads(out)
    assert (code, err) == (0, "") and result["message"] == MESSAGE
    near = [tuple(float(n) for n in corner.split(",")) for corner in CORNERS]
    assert result["corners"] == [pytest.approx(corner, abs=0.5) for corner in near]


def test_pictures_of_a_folder_are_found(run, screen, marked, tmp_path):
    arguments = ["extract", screen, marked, "--key", "k", "--search", "none"]
    code, out, _ = run(*arguments, "--corners", "find", "--json")
    first, second = json.loads(out)["photos"]
    assert code == 0 and {first["message"], second["message"]} == {MESSAGE}
    assert {str(first["corners"] is None), str(second["corners"] is None)} == {"True", "False"}


def test_bad_corners(fails, marked, screen):
    three = fails("extract", marked, "--corners", *CORNERS[:3])
    assert "Expected four corners X,Y or find. Received: --corners 120,80 571,80 571,380" in three
    assert "four corners" in fails("extract", marked, "--corners", "find", *CORNERS[1:])
    assert "X,Y in pixels" in fails("extract", marked, "--corners", "12;30", *CORNERS[1:])
    assert "X,Y in pixels" in fails("extract", marked, "--corners", "1,2,3", *CORNERS[1:])
    assert "X,Y in pixels" in fails("extract", "--corners", *CORNERS, marked)
    assert "go with one photo" in fails("extract", marked, screen, "--corners", *CORNERS)
    assert "convex" in fails("extract", marked, "--corners", *CORNERS[:2], "200,100", "120,380")
    assert "within the photo" in fails(
        "extract", marked, "--corners", "0,0", *CORNERS[1:3], "0,900"
    )
