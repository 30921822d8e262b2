"""Commitments bind a key, a watermark and the files of networks."""

import hashlib
import json
import re
import shutil
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from tfwm.keys import new_key
from tfwm.networks import write_manifest
from tfwm.protection import (
    check_commitment,
    check_commitment_file,
    make_commitment,
    write_commitment,
)
from tfwm.protection.commitment import FIELDS, FORM, watermark_digest

KEY = "demonstration secret, not for use"
FILES = {"extractor.keras": "ab" * 32, "host.keras": "0123456789abcdef" * 4}
MARK = np.eye(16)[..., None]


def test_commitment_binds_everything():
    published = make_commitment(KEY, MARK, FILES)
    assert re.fullmatch("[0-9a-f]{64}", published)
    assert check_commitment(published, KEY, MARK, FILES)
    assert check_commitment(f" {published.upper()}\n", KEY, MARK, FILES)
    assert make_commitment(KEY, np.uint8(255 * MARK), dict(reversed(FILES.items()))) == published
    changed = MARK.copy()
    changed[0, 0] = 0.9
    for other in (
        (KEY + ".", MARK, FILES),
        (KEY, changed, FILES),
        (KEY, MARK.reshape(8, 32, 1), FILES),
        (KEY, MARK, {"extractor.keras": FILES["extractor.keras"]}),
        (KEY, MARK, {**FILES, "host.keras": "cd" * 32}),
    ):
        assert not check_commitment(published, *other)


def test_commitment_is_salted_by_the_key():
    """The watermark and the files, without the key, do not give the commitment."""
    guess = hashlib.sha256(watermark_digest(MARK).encode()).hexdigest()
    assert make_commitment(KEY, MARK, FILES) not in (guess, make_commitment(new_key(), MARK, FILES))


@pytest.mark.parametrize("files", [{}, {"a": "12"}, {"a": "XY" * 32}, {"a": b"ab" * 32}])
def test_bad_digests(files):
    with pytest.raises(ValueError, match="SHA-256"):
        make_commitment(KEY, MARK, files)


def test_bad_watermark():
    with pytest.raises(ValueError, match=r"Received: watermark of shape \(16, 16\)"):
        watermark_digest(MARK[..., 0])


@pytest.fixture
def folder(keyed_folder, tmp_path):
    return shutil.copytree(keyed_folder, tmp_path / "mine")


def test_holds_and_tells_nothing(folder, tmp_path):
    path = tmp_path / "commitment.json"
    record = write_commitment(folder, KEY, path)
    assert json.loads(path.read_text()) == record
    assert record["network"] == "mine" and set(record["files"]) == {"extractor.keras", "host.keras"}
    assert KEY not in path.read_text()
    checked = check_commitment_file(path, folder, KEY)
    assert checked == {**record, "holds": True, "reason": None}
    with pytest.raises(ValueError, match="add --overwrite"):
        write_commitment(folder, KEY, path)
    assert write_commitment(folder, KEY, path, overwrite=True)["commitment"]


def test_what_does_not_hold(folder, tmp_path):
    path = tmp_path / "commitment.json"
    write_commitment(folder, KEY, path)
    found = check_commitment_file(path, folder, KEY + ".")
    assert not found["holds"] and found["reason"] == "it was made with another key"
    model = keras.saving.load_model(folder / "extractor.keras")
    model.set_weights([0.9 * weight for weight in model.get_weights()])
    model.save(folder / "extractor.keras")
    found = check_commitment_file(path, folder, KEY)
    assert found["reason"] == "extractor.keras is another than it was made for"
    Image.fromarray(np.eye(32, dtype=np.uint8)).save(folder / "watermark.png")
    write_manifest(folder)
    assert check_commitment_file(path, folder, KEY)["reason"] == "it is of another watermark"


ODD = json.dumps(dict.fromkeys(FIELDS[1:], "a") | {"files": ["extractor.keras"]})


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "no JSON"),
        ("[]", "it lacks form"),
        ('{"form": 1}', "it lacks date"),
        ("7", "it lacks form"),
        ('"form date network watermark files commitment"', "it lacks form"),
        pytest.param("[" * 100_000, "no JSON .it is nested too deeply", id="nested"),
        ("\xff", "no JSON"),
        ('{"form": NaN}', "no JSON"),
        (f'{ODD[:-1]}, "form": "other"}}', "its form is 'other'"),
        (f'{ODD[:-1]}, "form": [[1]]}}', r"its form is \[\[1"),
        (f'{ODD[:-1]}, "form": "{FORM}"}}', "its files is \\['extractor.keras"),
        (None, "No such"),
    ],
)
def test_damaged_files(text, words, folder, tmp_path):
    path = tmp_path / "commitment.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=words) as error:
        check_commitment_file(path, folder, KEY)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_another_key_than_the_network_was_trained_with_is_told(keyed_folder, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_commitment(keyed_folder, KEY, tmp_path / "right.json")
    with pytest.warns(UserWarning, match="do not carry its watermark with this key"):
        write_commitment(keyed_folder, "another secret, for nothing", tmp_path / "other.json")
