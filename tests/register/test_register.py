import dataclasses
import hashlib
import json
import sqlite3
import threading
import uuid

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import fingerprints
from tfwm.keys import Key
from tfwm.provenance import ManifestStore
from tfwm.register import Entry, Register, find_owner, open_register

KEY = "a secret"


def entry(number=1, **values):
    made = Entry(
        *(str(number), "int", f"{number:064x}", f"{number}.jpg", "photo", Key(KEY).fingerprint),
        fingerprint=np.random.default_rng(number).bytes(32),
        time=f"2026-01-01T00:00:{number:02d}+00:00",
    )
    return dataclasses.replace(made, **values)


def flipped(value, count):
    bits = np.unpackbits(np.frombuffer(value, np.uint8))
    bits[:count] ^= 1
    return np.packbits(bits).tobytes()


@pytest.fixture(params=["file", "url"])
def register(request, tmp_path):
    """A SQLite file by itself, and one that SQLAlchemy opens, as it opens a server."""
    if request.param == "file":
        return Register(tmp_path / "new" / "register.db", create=True)
    pytest.importorskip("sqlalchemy", reason="needs the extra register")
    return Register(f"sqlite:///{tmp_path / 'register.sqlite'}", create=True)


def test_what_goes_in_comes_out(register):
    one, two = entry(1, recipient="Ada"), entry(2, fingerprint=b"", width=640, height=480)
    register.add(one)
    register.add(two)
    register.add(one)
    again = open_register(register.place)
    assert again.entries() == [one, two] and len(again) == 2
    assert again.find(1) == [one] and again.find("1") == [] and again.find(3) == []
    assert again.find(2, "photo", Key(KEY).fingerprint) == [two]
    assert again.find(2, "photo", "public") == again.find(2, "mbrs") == []
    assert again.entries("Ada") == [one] and again.entries("ada") == []
    assert again.knows(one.id) and again.remove(one) and not again.remove(one)
    assert not again.knows(one.id) and again.entries() == [two]


def test_one_copy_for_two_recipients_has_two_entries(register):
    for recipient in ("Ada", "Grace", "Ada"):
        register.add(entry(1, recipient=recipient))
    assert {e.recipient for e in register.find(1)} == {"Ada", "Grace"} and len(register) == 2


def test_it_is_looked_through_by_likeness(register, monkeypatch):
    monkeypatch.setattr("tfwm.register.register.ROWS", 7)
    known = [entry(number) for number in range(1, 31)]
    for one in known:
        register.add(one)
    value = flipped(known[11].fingerprint, fingerprints.SAME)
    assert register.like(value) == [known[11]]
    assert register.like(flipped(known[11].fingerprint, fingerprints.SAME + 1)) == []
    register.add(entry(99, fingerprint=flipped(known[11].fingerprint, 3), time="2027"))
    assert [e.message for e in register.like(known[11].fingerprint)] == ["12", "99"]


def test_a_file_and_its_entry_come_together_or_not_at_all(register, tmp_path):
    place, one = tmp_path / "1.jpg", entry(1)
    with pytest.raises(OSError, match="full"), register.writing(one, place):
        assert register.entries() == [dataclasses.replace(one, pending=str(place))]
        assert not register.knows(one.id)
        raise OSError("the disk is full")
    assert register.entries() == []
    with register.writing(one, place):
        pass
    assert register.entries() == [one]
    with pytest.raises(KeyboardInterrupt), register.writing(one, place):
        raise KeyboardInterrupt
    assert register.entries() == [one]  # an earlier copy may have been given away


def test_settling_finds_out_whether_the_file_was_written(register, tmp_path):
    (tmp_path / "out").mkdir()
    there, lacks, other = (tmp_path / "out" / f"{n}.jpg" for n in range(3))
    there.write_bytes(b"there")
    other.write_bytes(b"something else")
    digest = hashlib.sha256(b"there").hexdigest()
    for number, path in enumerate((there, lacks, other)):
        register.add(entry(number, digest=digest, pending=str(path)))
    register.add(entry(7, pending="s3://bucket/7.jpg"))
    register.add(entry(8, pending=str(tmp_path / "output-of-another-run.jpg")))
    register.add(entry(9))
    confirmed, removed = register.settle(tmp_path / "out")
    assert [e.message for e in confirmed] == ["0"]
    assert {e.message for e in removed} == {"1", "2"}
    assert {e.message: e.pending is None for e in register.entries()} == {
        **{"0": True, "7": False, "8": False, "9": True},
    }
    assert register.settle("s3://bucket", lambda place: entry(7).digest)[0] == [entry(7)]


def test_many_writers_at_once(register):
    def write(start):
        mine = open_register(register.place)
        for number in range(start, start + 5):
            with mine.writing(entry(number), f"{number}.jpg"):
                pass

    threads = [threading.Thread(target=write, args=(5 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(register) == 20 and all(e.pending is None for e in register.entries())


def test_nothing_secret_is_in_the_file(tmp_path, watermarker):
    Image.fromarray(data.chelsea()).save(tmp_path / "a.png")
    register = Register(tmp_path / "register.db", create=True)
    how = {"key": KEY, "register": register, "recipient": "Ada"}
    watermarker.embed_file(tmp_path / "a.png", tmp_path / "b.png", "an id", **how)
    content = (tmp_path / "register.db").read_bytes()
    assert KEY.encode() not in content and Key(KEY).fingerprint.encode() in content
    assert b"an id" in content and b"Ada" in content


@pytest.mark.parametrize(
    "message", ["(c) Ada", b"\x00\xff", 2026, uuid.UUID("8f14e45f-ceea-467f-9575-ab5d9f3d1c0a")]
)
def test_a_copy_leads_to_its_recipient(message, tmp_path, watermarker):
    Image.fromarray(data.chelsea()).save(tmp_path / "a.png")
    place = tmp_path / "register.db"
    how = {"key": KEY, "register": place}
    for name in ("ada", "grace"):
        told = message if name == "ada" else "another id"
        watermarker.embed_file(
            tmp_path / "a.png", tmp_path / f"{name}.png", told, recipient=name, **how
        )
    register = Register(place)
    found = watermarker.extract(tmp_path / "ada.png", key=KEY)
    owner = find_owner(register, watermarker, tmp_path / "ada.png", found, KEY)
    assert owner.holds and owner.picture == "same" and owner.recipients == ("ada",)
    assert (
        owner.entries[0].digest
        == __import__("hashlib").sha256((tmp_path / "ada.png").read_bytes()).hexdigest()
    )
    assert "given to ada (ada.png, 20" in owner.sentence()
    # Read with another key, the same message is somebody else's.
    assert not find_owner(register, watermarker, tmp_path / "ada.png", found, "other").entries
    unmarked = watermarker.extract(tmp_path / "a.png", key=KEY, search="none")
    owner = find_owner(register, watermarker, tmp_path / "a.png", unmarked, KEY)
    assert owner.by == "fingerprint" and len(owner.entries) == 2 and not owner.holds
    assert "the look does not tell whose it is" in owner.sentence()


@pytest.mark.parametrize("key", [None, KEY])
def test_a_mark_that_was_copied_to_another_photo_is_told(tmp_path, watermarker, key):
    """By what it shows; with a secret key, by the mark itself as well."""
    register = Register(tmp_path / "register.db", create=True)
    cover, other = data.chelsea()[:256, :320], data.coffee()[:256, :320]
    Image.fromarray(cover).save(tmp_path / "a.png")
    watermarker.embed_file(tmp_path / "a.png", tmp_path / "b.png", 7, key=key, register=register)
    with Image.open(tmp_path / "b.png") as marked:
        mark = np.asarray(marked, int) - cover
    copied = np.clip(other + mark, 0, 255).astype(np.uint8)
    found = watermarker.extract(copied, key=key)
    owner = find_owner(register, watermarker, copied, found, key)
    assert found.message == 7 and owner.picture == "another" and not owner.holds
    assert found.decision == ("present" if key is None else "copied")
    assert owner.entries[0].file.endswith("b.png")
    assert "ANOTHER picture" in owner.sentence()


def test_what_is_no_register_is_refused_in_one_line(tmp_path):
    Register(tmp_path / "newer.db", create=True)
    with sqlite3.connect(tmp_path / "newer.db") as database:
        database.execute("PRAGMA user_version = 99")
    ManifestStore(tmp_path / "manifests.db", create=True)
    for name, told in {
        "missing.db": "does not exist: expected one that `tfwm embed --register` made",
        "newer.db": "is of a newer tfwm",
        "manifests.db": "is no register of tfwm",
        ".": "Expected a file as the register",
        "nosuch://host/name": "Can't load plugin",
        "sqlite://": "has no register",
        "http://:@:x": "Expected the URL of a database",
    }.items():
        place = name if "://" in name else tmp_path / name
        with pytest.raises((ValueError, OSError), match=told) as error:
            Register(place)
        assert "\n" not in str(error.value)
    for values in ({"recipient": "x" * 501}, {"recipient": "Ada\nEve"}, {"fingerprint": b"short"}):
        with pytest.raises(ValueError, match="Expected a"):
            entry(**values)


def test_a_password_is_never_told():
    pytest.importorskip("sqlalchemy", reason="needs the extra register")
    pytest.importorskip("psycopg", reason="needs a driver of PostgreSQL")
    place = "postgresql+psycopg://ada:hunter2@127.0.0.1:1/name?connect_timeout=1"
    with pytest.raises(OSError, match="register postgresql.*cannot be used") as error:
        Register(place)
    assert "hunter2" not in str(error.value) and "\n" not in str(error.value)


def test_a_row_that_was_changed_is_told(tmp_path):
    register = Register(tmp_path / "register.db", create=True)
    register.add(entry())
    for column, value in (("fingerprint", "xyz"), ("width", "wide"), ("message", b"bytes")):
        with sqlite3.connect(tmp_path / "register.db") as database:
            before = database.execute(f"SELECT {column} FROM tfwm_marks_1").fetchone()[0]
            database.execute(f"UPDATE tfwm_marks_1 SET {column} = ?", (value,))
        with pytest.raises(OSError, match="was damaged or changed"):
            register.entries()
        with sqlite3.connect(tmp_path / "register.db") as database:
            database.execute(f"UPDATE tfwm_marks_1 SET {column} = ?", (before,))
    assert register.entries() == [entry()]


@pytest.mark.parametrize("message", [memoryview(b"abcd"), bytearray(b"abcd"), np.int64(5)])
def test_every_type_of_message_is_found_again(checker, tmp_path, message):
    place, out = tmp_path / "register.db", tmp_path / "out.png"
    photo = data.chelsea()[:256, :320]
    report = checker.embed_file(photo, out, message, register=place)
    json.dumps(report.to_dict())
    found = checker.extract(out)
    (entry,) = Register(place).find(found.message)
    assert (entry.message, entry.kind) == (str(report.to_dict()["message"]), found.kind)
