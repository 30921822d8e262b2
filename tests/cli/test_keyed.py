import json

import numpy as np
import pytest
from PIL import Image

KEY = "demonstration secret, not for use"


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "my.key"
    path.write_text(KEY + "\n")
    return path


@pytest.fixture
def folders(tmp_path, keyed_models):
    """Folders of marked and of unmarked images."""
    gray = np.random.default_rng(1).uniform(0.2, 0.8, (20, 5, 5, 1)).astype("float32")
    gray = np.repeat(gray, 3, axis=-1).repeat(8, 1).repeat(8, 2)
    marked = np.asarray(keyed_models()[0](gray[:10]))
    for name, images in (("found", marked), ("others", gray[10:])):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            picture = Image.fromarray(np.uint8(np.round(255 * image)))
            picture.save(tmp_path / name / f"{name}{i}.png")
    return tmp_path / "found", tmp_path / "others"


def test_commit_and_prove(run, fails, keyed_folder, folders, key_file, tmp_path):
    found, others = folders
    record = tmp_path / "commitment.json"
    code, out, _ = run("keyed", "commit", keyed_folder, "--key-file", key_file, "-o", record)
    assert code == 0 and json.loads(record.read_text())["commitment"] in out
    owner = ["--network", keyed_folder, "--key-file", key_file]
    assert "--overwrite" in fails("keyed", "commit", keyed_folder, *owner[2:], "-o", record)

    code, out, _ = run(
        "keyed", "prove", found, *owner, "--unmarked", others, "--commitment", record
    )
    assert code == 0 and "the images carry the mark" in out and "the commitment holds" in out
    assert "p = 1.0e-03" in out and KEY not in out

    code, out, _ = run("keyed", "prove", others, *owner, "--unmarked", found, "--json")
    values = json.loads(out)
    assert code == 1 and not values["proven"] and values["commitment"] is None
    assert values["unmarked"]["p_value"] > 0.9

    # One image alone: enough for the random keys, and a note.
    code, out, _ = run("keyed", "prove", found / "found0.png", *owner)
    assert code == 0 and "note: no unmarked images" in out


def test_another_key(run, keyed_folder, folders, key_file, tmp_path):
    record = tmp_path / "commitment.json"
    run("keyed", "commit", keyed_folder, "--key-file", key_file, "-o", record)
    other = tmp_path / "other.key"
    other.write_text("a key of somebody else")
    arguments = ["--network", keyed_folder, "--key-file", other, "--commitment", record]
    code, out, _ = run(
        "keyed", "prove", folders[0], *arguments, "--keys", 99, "--false-positive-rate", 0.05
    )
    assert code == 1 and "no proof" in out
    assert "NOT hold: it was made with another key" in out


def test_what_is_wrong(fails, keyed_folder, folders, key_file, tmp_path):
    owner = ["--network", keyed_folder, "--key-file", key_file]
    (tmp_path / "weak").write_text("weak")
    for arguments, words in [
        ([], "required: COMMAND"),
        (["nosuch"], "invalid choice"),
        (["prove", folders[0], "--network", keyed_folder], "the owner's key: a key file"),
        (["prove", folders[0], *owner[:3], tmp_path / "weak"], "at least 16 bytes"),
        (["prove", folders[0], *owner[:3], tmp_path / "none"], "cannot be read"),
        (["prove", tmp_path / "nowhere", *owner], "does not exist"),
        (["prove", folders[0], *owner, "--unmarked", folders[0]], "different files"),
        (["prove", folders[0], *owner, "--false-positive-rate", "1"], "between 0 and 1"),
        (["prove", folders[0], *owner, "--keys", "0"], "1 to 100000 keys"),
        (
            ["prove", folders[0], "--network", "redmark-mt", *owner[2:]],
            "redmark-mt, a message network",
        ),
        (["prove", folders[0], *owner, "--commitment", key_file], "is no commitment"),
    ]:
        assert words in fails("keyed", *arguments), arguments
