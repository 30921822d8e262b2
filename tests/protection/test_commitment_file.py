import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from tfwm.protection import (
    check_commitment_file,
    write_commitment,
)

SECRET = "demonstration secret, not for use"


@pytest.fixture
def folder(keyed_folder, tmp_path):
    return shutil.copytree(keyed_folder, tmp_path / "mine")


def test_holds_and_tells_nothing(folder, tmp_path):
    path = tmp_path / "commitment.json"
    record = write_commitment(folder, SECRET, path)
    assert json.loads(path.read_text()) == record
    assert record["network"] == "mine" and set(record["files"]) == {"extractor.keras", "host.keras"}
    assert SECRET not in path.read_text()
    checked = check_commitment_file(path, folder, SECRET)
    assert checked == {**record, "holds": True, "reason": None}
    with pytest.raises(ValueError, match="add --overwrite"):
        write_commitment(folder, SECRET, path)
    assert write_commitment(folder, SECRET, path, overwrite=True)["commitment"]


def test_what_does_not_hold(folder, tmp_path):
    path = tmp_path / "commitment.json"
    write_commitment(folder, SECRET, path)
    found = check_commitment_file(path, folder, SECRET + ".")
    assert not found["holds"] and found["reason"] == "it was made with another secret"
    model = keras.saving.load_model(folder / "extractor.keras")
    model.set_weights([0.9 * weight for weight in model.get_weights()])
    model.save(folder / "extractor.keras")
    found = check_commitment_file(path, folder, SECRET)
    assert found["reason"] == "extractor.keras is another than it was made for"
    Image.fromarray(np.eye(32, dtype=np.uint8)).save(folder / "watermark.png")
    assert check_commitment_file(path, folder, SECRET)["reason"] == "it is of another watermark"


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "no JSON"),
        ("[]", "it lacks form"),
        ('{"form": 1}', "it lacks date"),
        (None, "No such"),
    ],
)
def test_damaged_files(text, words, folder, tmp_path):
    path = tmp_path / "commitment.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=words):
        check_commitment_file(path, folder, SECRET)
