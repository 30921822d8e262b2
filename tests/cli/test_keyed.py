import json

import numpy as np
import pytest
from PIL import Image

SECRET = "demonstration secret, not for use"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "my.secret"
    path.write_text(SECRET + "\n")
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


def test_keygen(run, fails, tmp_path):
    path = tmp_path / "new.secret"
    code, out, _ = run("keyed", "keygen", path)
    assert code == 0 and f"{path} is written" in out
    secret = path.read_text().strip()
    assert len(secret) == 64 and secret not in out and path.stat().st_mode & 0o777 == 0o600
    assert "exists, and a lost key" in fails("keyed", "keygen", path)
    assert path.read_text().strip() == secret


def test_prove_and_verify(run, fails, keyed_folder, folders, secret, tmp_path):
    found, others = folders
    record = tmp_path / "commitment.json"
    code, out, _ = run("keyed", "prove", keyed_folder, "--secret-file", secret, "-o", record)
    assert code == 0 and json.loads(record.read_text())["commitment"] in out
    owner = ["--network", keyed_folder, "--secret-file", secret]
    assert "--overwrite" in fails("keyed", "prove", keyed_folder, *owner[2:], "-o", record)

    code, out, _ = run(
        "keyed", "verify", found, *owner, "--unmarked", others, "--commitment", record
    )
    assert code == 0 and "the images carry the mark" in out and "the commitment holds" in out
    assert "p = 1.0e-03" in out and SECRET not in out

    code, out, _ = run("keyed", "verify", others, *owner, "--unmarked", found, "--json")
    values = json.loads(out)
    assert code == 1 and not values["proven"] and values["commitment"] is None
    assert values["unmarked"]["p_value"] > 0.9

    # One image alone: enough for the random keys, and a note.
    code, out, _ = run("keyed", "verify", found / "found0.png", *owner)
    assert code == 0 and "note: no unmarked images" in out


def test_another_secret(run, keyed_folder, folders, secret, tmp_path):
    record = tmp_path / "commitment.json"
    run("keyed", "prove", keyed_folder, "--secret-file", secret, "-o", record)
    other = tmp_path / "other.secret"
    other.write_text("a secret of somebody else")
    arguments = ["--network", keyed_folder, "--secret-file", other, "--commitment", record]
    code, out, _ = run("keyed", "verify", folders[0], *arguments, "--keys", 99, "--rate", 0.05)
    assert code == 1 and "no proof" in out
    assert "NOT hold: it was made with another secret" in out


def test_what_is_wrong(fails, keyed_folder, folders, secret, tmp_path):
    owner = ["--network", keyed_folder, "--secret-file", secret]
    (tmp_path / "weak").write_text("weak")
    for arguments, words in [
        ([], "required: COMMAND"),
        (["nosuch"], "invalid choice"),
        (["verify", folders[0], "--network", keyed_folder], "--secret-file"),
        (["verify", folders[0], *owner[:3], tmp_path / "weak"], "at least 16 bytes"),
        (["verify", folders[0], *owner[:3], tmp_path / "none"], "cannot be read"),
        (["verify", tmp_path / "nowhere", *owner], "does not exist"),
        (["verify", folders[0], *owner, "--unmarked", folders[0]], "different files"),
        (["verify", folders[0], *owner, "--rate", "1"], "above 0 and below 1"),
        (["verify", folders[0], *owner, "--keys", "0"], "1 to 100000 keys"),
        (["verify", folders[0], "--network", "redmark-mt", *owner[2:]], "without host.keras"),
        (["verify", folders[0], *owner, "--commitment", secret], "is no commitment"),
        (["train", "--secret-file", tmp_path / "weak"], "at least 16 bytes"),
    ]:
        assert words in fails("keyed", *arguments), arguments


def test_train_hands_on(run, secret, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("tfwm.recipes.keyed.main", lambda words: seen.append(words) or 0)
    arguments = ["--secret-file", secret, "--config", "a.toml", "--resume", "steps=4", "output=o"]
    assert run("keyed", "train", *arguments)[0] == 0
    expected = ["steps=4", "output=o", f'secret_file="{secret}"', "--config", "a.toml", "--resume"]
    assert seen == [expected]
