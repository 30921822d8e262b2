import json
import os
import resource
import uuid
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from skimage import data

from tfwm import cli

MESSAGE = "(c) 2026 Ada Lovelace"
UUID = "8f14e45f-ceea-467f-9575-ab5d9f3d1c0a"


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_message_there_and_back(run, network, photo, tmp_path, ending):
    if ending == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    marked = tmp_path / f"marked{ending}"
    code, out, err = run("embed", photo, "-o", marked, "--message", MESSAGE)
    assert (code, err) == (0, "") and out.startswith(f"{marked}: ") and out.count("\n") == 1
    assert "dB at strength 1, reads with" in out
    assert Image.open(marked).size == (451, 300)
    assert run("extract", marked) == (0, f"{MESSAGE}\n", "")


@pytest.mark.parametrize(
    "option, given, kind, shown",
    [
        ("--bytes", "00ff10", "bytes", "00ff10"),
        ("--int", "70000", "int", 70000),
        ("--int", "0", "int", 0),
        ("--uuid", UUID.upper(), "uuid", UUID),
        ("--message", "12", "text", "12"),
    ],
)
def test_kinds_of_messages(run, network, photo, tmp_path, option, given, kind, shown):
    marked = tmp_path / "marked.png"
    code, out, err = run("embed", photo, "-o", marked, option, given, "--json")
    result = json.loads(out)
    assert (code, err) == (0, "") and result["message"] == shown
    assert result["output"] == str(marked) and result["source"] == photo
    assert result["margin"] >= 2 and 25 < result["psnr"] < 35 and result["p_value"] < 1e-12
    result = json.loads(run("extract", marked, "--json")[1])
    assert (result["message"], result["kind"]) == (shown, kind)
    assert run("extract", marked)[1] == f"{shown}\n"


def test_strength_is_raised_until_it_reads(run, network, photo, tmp_path):
    arguments = ["--message", MESSAGE, "--quality", 60, "--strength", 0.15, "--json"]
    code, out, _ = run("embed", photo, "-o", tmp_path / "a.jpg", *arguments)
    result = json.loads(out)
    assert code == 0 and 0.15 < result["strength"] <= 0.375 and result["margin"] >= 2


def test_psnr_is_kept(run, network, photo, tmp_path):
    arguments = ["--message", "x", "--psnr", 38, "--json"]
    code, out, _ = run("embed", photo, "-o", tmp_path / "a.png", *arguments)
    result = json.loads(out)
    cover, marked = (np.asarray(Image.open(p), float) for p in (photo, tmp_path / "a.png"))
    psnr = 10 * np.log10(255**2 / np.mean((cover - marked) ** 2))
    assert code == 0 and 38 <= psnr < 39 and result["psnr"] == pytest.approx(psnr, abs=1e-3)


def test_what_cannot_be_read_back_is_not_written(fails, network, photo, tmp_path, tree):
    before = tree(tmp_path)
    for quality, strength, words in [
        (5, 0.1, "at strength 0.244 the message does not read back"),
        (95, 0.01, "not one pixel changes"),
    ]:
        arguments = ["--message", MESSAGE, "--quality", quality, "--strength", strength]
        line = fails("embed", photo, "-o", tmp_path / "a.jpg", *arguments)
        assert f"{photo} was not marked: " in line and words in line
    assert tree(tmp_path) == before


def test_check_writes_nothing(run, network, photo, tmp_path, tree):
    Image.new("L", (64, 64), 128).save(tmp_path / "small.png")
    Image.new("RGB", (40, 20), "gray").save(tmp_path / "tiny.png")
    before = tree(tmp_path)
    code, out, err = run("embed", photo, "--message", MESSAGE, "--check")
    assert (code, err) == (0, "") and f"{photo}: yes, the message is read with" in out
    for name in ("small.png", "tiny.png"):
        code, out, err = run("embed", tmp_path / name, "--message", MESSAGE, "--check")
        assert code == 1 and ": no, " in out and out.count("\n") == 1
        assert not err or "of the photo is smooth" in err
    code, out, _ = run("embed", photo, "--message", "x" * 65, "--check", "--json")
    result = json.loads(out)
    assert code == 1 and result["fits"] is False and "at most 64 bytes fit" in result["reason"]
    output = ["-o", tmp_path / "out.png", "--json"]
    code, out, _ = run("embed", photo, "--message", "x", "--check", *output)
    result = json.loads(out)
    assert code == 0 and result["fits"] is True and result["margin"] > 1
    assert tree(tmp_path) == before


def test_dry_run_writes_nothing(run, network, photo, tmp_path, tree):
    before = tree(tmp_path)
    arguments = ["embed", photo, "-o", tmp_path / "a.png", "--message", MESSAGE, "--dry-run"]
    code, out, err = run(*arguments)
    assert (code, err) == (0, "") and "dry run, not written" in out
    result = json.loads(run(*arguments, "--json")[1])
    assert result["output"] is None and result["dry_run"] is True and result["margin"] > 2
    assert tree(tmp_path) == before


def test_notes_go_to_stderr(run, network, tmp_path):
    Image.fromarray(data.chelsea()).quantize(128).save(tmp_path / "a.gif")
    for arguments in (["-o", tmp_path / "b.png"], ["--check"]):
        code, _, err = run("embed", tmp_path / "a.gif", "--message", "x", *arguments)
        assert code == 0 and err.startswith("tfwm: note: ") and err.count("\n") == 1


# Bad input: one line, exit code 2, nothing written


def bad_photos(folder):
    image = Image.fromarray(data.chelsea())
    whole = folder / "whole.jpg"
    image.save(whole)
    (folder / "cut.jpg").write_bytes(whole.read_bytes()[:9000])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no image")
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    giant = bytearray((Path(folder) / "pixel.png").read_bytes())
    giant[16:24] = (40000).to_bytes(4, "big") * 2
    giant[29:33] = zlib.crc32(bytes(giant[12:29])).to_bytes(4, "big")
    (folder / "giant.png").write_bytes(giant)
    whole.unlink()
    return {
        "cut.jpg": "damaged or cut off",
        "empty.png": "is empty",
        "text.png": "not an image",
        "giant.png": "too large",
        "missing.png": "does not exist",
    }


def test_bad_photos(fails, run, network, tmp_path, tree):
    cases = bad_photos(tmp_path)
    before = tree(tmp_path)
    output = ["-o", tmp_path / "out.png", "--message", "a"]
    for name, words in cases.items():
        assert words in fails("embed", tmp_path / name, *output), name
        assert words in fails("embed", tmp_path / name, "--check", "--message", "a"), name
        assert words in fails("extract", tmp_path / name), name
    assert "1 x 1 pixels" in fails("embed", tmp_path / "pixel.png", *output)
    code, out, err = run("extract", tmp_path / "pixel.png")
    assert (code, out) == (1, "") and "too small" in err
    assert tree(tmp_path) == before


def test_odd_but_good_photos(run, network, tmp_path):
    image = Image.fromarray(data.chelsea())
    gray16 = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = image.copy()
    alpha.putalpha(100)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.quantize(200).save(tmp_path / "palette.png")
    alpha.save(tmp_path / "alpha.png")
    gray16.save(tmp_path / "gray16.png")
    image.save(tmp_path / "turned.jpg", exif=exif)
    for name in ("cmyk.jpg", "palette.png", "alpha.png", "gray16.png", "turned.jpg"):
        target = tmp_path / f"out-{name}.png"
        code, _, err = run("embed", tmp_path / name, "-o", target, "--message", MESSAGE)
        assert code == 0, err
        assert run("extract", target)[1] == f"{MESSAGE}\n", name
        assert run("embed", tmp_path / name, "--check", "--message", MESSAGE)[0] == 0, name
    assert Image.open(tmp_path / "out-alpha.png.png").getchannel("A").getextrema() == (100, 100)
    assert Image.open(tmp_path / "out-gray16.png.png").mode == "I;16"
    assert Image.open(tmp_path / "out-turned.jpg.png").size == (300, 451)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--message", "x" * 300], "takes 300 bytes, but at most 64 bytes fit"),
        (["--message", ""], "at least one character"),
        (["--bytes", "0g"], "Expected hexadecimal digits"),
        (["--bytes", ""], "at least one character"),
        (["--int", "1.5"], "Expected digits"),
        (["--int", "-3"], "at least 0"),
        (["--uuid", "8f14"], "Expected a UUID"),
        (["--message", "a", "--strength", "0"], "expected a strength above 0"),
        (["--message", "a", "--strength", "nan"], "expected a strength above 0"),
        (["--message", "a", "--strength", "much"], "expected a strength above 0"),
        (["--message", "a", "--psnr", "61"], "expected a PSNR from 20 to 60"),
        (["--message", "a", "--psnr", "40", "--strength", "1"], "not allowed with"),
        (["--message", "a", "--quality", "0"], "expected a quality from 1 to 100"),
        (["--message", "a", "--quality", "50"], "JPEG, AVIF, WebP and HEIC"),
        (["--message", "a", "--int", "1"], "not allowed with"),
        (["--message", "a", "--format", "jpg"], "--format goes with a folder"),
        (["--message", "a", "--report", "a.csv"], "--report goes with a folder"),
        (["--check", "--message", "a", "--report", "a.csv"], "--check writes nothing"),
        (["--message", "a", "--key", ""], "key is empty"),
        (["--message", "a", "--key", "b", "--key-file", "c"], "not allowed with"),
        (["--message", "a", "--key-file", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["--message", "a", "--key-file", os.devnull], "is empty"),
        ([], "is required"),
    ],
)
def test_bad_arguments(fails, network, photo, tmp_path, arguments, words):
    target = tmp_path / "out.png"
    assert words in fails("embed", photo, "-o", target, *arguments)
    assert not target.exists()


def test_bad_outputs(fails, network, photo, tmp_path):
    message = ["--message", "a"]
    assert "-o OUT" in fails("embed", photo, *message)
    assert "no ending that is known" in fails("embed", photo, "-o", tmp_path / "a.bmp", *message)
    missing = tmp_path / "no" / "a.png"
    assert "does not exist: make it" in fails("embed", photo, "-o", missing, *message)
    assert not missing.parent.exists()


def test_existing_file_and_source_are_kept(fails, run, network, photo, tmp_path):
    arguments = ["--message", "a"]
    (tmp_path / "there.png").write_bytes(b"mine")
    source = Path(photo).read_bytes()
    assert "exists" in fails("embed", photo, "-o", tmp_path / "there.png", *arguments)
    assert "exists" in fails("embed", photo, "-o", photo, *arguments)
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    assert Path(photo).read_bytes() == source
    assert run("embed", photo, "-o", photo, "--overwrite", *arguments)[0] == 0
    assert run("extract", photo)[1] == "a\n"


def test_full_disk(fails, network, photo, tmp_path):
    # A limit on the size of files makes the system refuse the rest, as a full disk does.
    target = tmp_path / "marked.png"
    target.write_bytes(b"older")
    before = sorted(p.name for p in tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        line = fails("embed", photo, "-o", target, "--overwrite", "--message", "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Could not write" in line and "File too large" in line
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert target.read_bytes() == b"older"


# Keys


def test_key_from_option_file_and_environment(run, network, photo, tmp_path, monkeypatch):
    marked, secret = tmp_path / "marked.png", tmp_path / "secret.txt"
    run("embed", photo, "-o", marked, "--message", MESSAGE, "--key", "żółć")
    none = ["--search", "none"]
    assert run("extract", marked, *none)[0] == 1
    assert run("extract", marked, *none, "--key", "zolc")[0] == 1
    for content in ("żółć", "żółć\n", "żółć\r\n"):
        secret.write_bytes(content.encode())
        assert run("extract", marked, *none, "--key-file", secret)[1] == f"{MESSAGE}\n"
    secret.write_text("żółć\n\n")  # only the last line end is no part of it
    assert run("extract", marked, *none, "--key-file", secret)[0] == 1
    monkeypatch.setenv("TFWM_KEY", "żółć")
    assert run("extract", marked, *none)[1] == f"{MESSAGE}\n"
    assert run("extract", marked, *none, "--key", "other")[0] == 1  # the option counts
    monkeypatch.setenv("TFWM_KEY", "")
    code, out, err = run("extract", marked, *none)
    assert (code, out) == (2, "") and "TFWM_KEY is empty" in err


def test_key_file_of_any_bytes(run, network, photo, tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(128, 160)))
    marked = tmp_path / "marked.png"
    number = str(uuid.uuid4())
    run("embed", photo, "-o", marked, "--uuid", number, "--key-file", secret)
    assert run("extract", marked, "--key-file", secret) == (0, f"{number}\n", "")


def test_a_misspelled_option_is_told_first(fails):
    for words, hint in [
        (["--mesage", "a"], "unknown option --mesage; did you mean --message?"),
        (["--message", "a", "--jsn"], "unknown option --jsn; did you mean --json?"),
        (["--message", "a", "--zzzzz"], "unknown option --zzzzz (help"),
        (["--message"], "--message: expected one argument"),
    ]:
        assert hint in fails("embed", "photo.jpg", "-o", "x.png", *words)


def test_several_photos_need_a_folder(network, fails, photos, tmp_path):
    text = fails("embed", photos, "-o", tmp_path / "x.png", "--message", "a")
    assert "Expected a folder for marked photos. Received: " in text
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("many", [False, True])
def test_a_public_mark_is_told_once(network, photo, photos, tmp_path, capsys, monkeypatch, many):
    source, output = (photos, tmp_path / "out") if many else (photo, tmp_path / "a.png")
    words = ["embed", str(source), "-o", str(output), "--message", "hi", "--json", "--overwrite"]
    for extra, count in (([], 1), (["--key", "k"], 0)):
        assert cli.main([*words, *extra]) == 0
        out, err = capsys.readouterr()
        json.loads(out)
        assert err.count("no key: everybody can read this message") == count


def test_a_mark_beside_another(run, fails, network, photo, tmp_path):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    assert run("embed", photo, "-o", one, "--message", "Ada", "--key", "first")[0] == 0
    second = ["embed", one, "-o", two, "--message", "Eve", "--key", "second", "--beside"]
    code, _, err = run(*second)
    assert code == 0 and "beside which the new one was laid" in err
    assert [run("extract", two, "--key", k)[1] for k in ("first", "second")] == ["Ada\n", "Eve\n"]
    assert "not allowed with argument" in fails(*second, "--over")
    line = fails(
        "embed", one, "-o", two, "--overwrite", "--message", "Eve", "--key", "first", "--beside"
    )
    assert "take another key" in line
