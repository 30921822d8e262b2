import dataclasses
import sqlite3
import threading

import numpy as np
import pytest

from tfwm import fingerprints
from tfwm.fingerprints import to_value as fingerprint_value
from tfwm.keys import Key
from tfwm.provenance import ManifestStore, Match, Record, StoreClient, open_store
from tfwm.provenance import store as stores

ALGORITHM = "org.tfwm.photo.1"


def record(number=1, **values):
    bits = np.random.default_rng(number).bytes(32)
    made = Record(f"urn:c2pa:{number}", f"{number:064x}", bits, "photo", Key("secret").fingerprint)
    return dataclasses.replace(made, **values)


@pytest.fixture
def store(tmp_path):
    return ManifestStore(tmp_path / "new" / "manifests.db", create=True)


def flipped(value, count):
    bits = np.unpackbits(np.frombuffer(value, np.uint8))
    bits[:count] ^= 1
    return np.packbits(bits).tobytes()


def test_what_goes_in_comes_out(store):
    one, two = record(1, recipient="Ada"), record(2)
    store.add(one, b"first", {ALGORITHM: "AWFkYQ==", "com.example": "x"})
    store.add(two, b"second", {ALGORITHM: "AmFkYQ=="})
    again = open_store(store.path)
    assert again.find(ALGORITHM, "AWFkYQ==") == [Match(one.id)]
    assert again.find("com.example", "AWFkYQ==") == again.find(ALGORITHM, "none") == []
    assert again.manifest(one.id) == b"first" and again.record(one.id) == one
    assert again.record(two.id).recipient is None and len(again) == 2
    assert again.algorithms() == ["com.example", ALGORITHM]


def test_the_same_again_changes_nothing_and_another_is_refused(store):
    store.add(record(), b"first", {ALGORITHM: "a"})
    store.add(record(), b"first", {ALGORITHM: "a"})
    assert len(store) == 1 and len(store.find(ALGORITHM, "a")) == 1
    with pytest.raises(ValueError, match="has another manifest urn:c2pa:1"):
        store.add(record(), b"other", {ALGORITHM: "b"})
    assert store.find(ALGORITHM, "b") == [] and store.manifest("urn:c2pa:1") == b"first"


def test_a_shared_value_is_ranked_by_what_the_copy_shows(store):
    records = [record(number) for number in range(1, 6)]
    for one in records:
        store.add(one, one.id.encode(), {ALGORITHM: "same"})
    assert [m.id for m in store.find(ALGORITHM, "same", most=2)] == ["urn:c2pa:5", "urn:c2pa:4"]
    like = flipped(records[1].fingerprint, 20)
    assert store.find(ALGORITHM, "same", like=like)[0].id == "urn:c2pa:2"


def test_fingerprints_are_found_by_likeness(store):
    records = [record(number) for number in range(1, 30)]
    for one in records:
        store.add(one, b"m", {})
    for count, score in ((0, 100), (32, 75), (fingerprints.SAME, 50)):
        value = fingerprint_value(flipped(records[7].fingerprint, count))
        assert store.find(fingerprints.ALGORITHM, value) == [Match("urn:c2pa:8", score)]
    value = fingerprint_value(flipped(records[7].fingerprint, fingerprints.SAME + 1))
    assert store.find(fingerprints.ALGORITHM, value) == []


@pytest.mark.parametrize("like", [None, bytes(32)])
def test_what_another_program_removes_meanwhile_is_not_found(like, store, monkeypatch):
    for number in (1, 2):
        store.add(record(number), b"m", {ALGORITHM: "same"})
    named = store._named

    def late(database, ranked):
        ManifestStore(store.path).remove("urn:c2pa:2")
        return named(database, ranked)

    monkeypatch.setattr(store, "_named", late)
    assert store.find(ALGORITHM, "same", like=like) == [Match("urn:c2pa:1")]


@pytest.mark.parametrize("part", [1, 7, 1000])
def test_a_store_is_looked_through_part_by_part(part, store, monkeypatch):
    monkeypatch.setattr(stores, "ROWS", part)
    records = [record(number) for number in range(1, 30)]
    for one in records[:20]:
        store.add(one, b"m", {ALGORITHM: "same"})
    store.add(record(99, fingerprint=b""), b"m", {ALGORITHM: "same"})
    for number in (21, 22):  # of equals, the newest is first
        store.add(record(number, fingerprint=records[3].fingerprint), b"m", {ALGORITHM: "same"})
    like, names = flipped(records[3].fingerprint, 9), ["urn:c2pa:22", "urn:c2pa:21", "urn:c2pa:4"]
    found = store.find(fingerprints.ALGORITHM, fingerprint_value(like))
    assert [match.id for match in found] == names and {match.score for match in found} == {93}
    assert store.find(fingerprints.ALGORITHM, fingerprint_value(like), most=2) == found[:2]
    ranked = [match.id for match in store.find(ALGORITHM, "same", like=like, most=100)]
    assert ranked[:3] == names and ranked[-1] == "urn:c2pa:99" and len(ranked) == 23


def test_an_older_store_gets_the_index_of_fingerprints(store):
    store.add(record(1), b"m", {})
    with sqlite3.connect(store.path) as database:
        database.execute("DROP INDEX fingerprints")
    value = fingerprint_value(record(1).fingerprint)
    assert store.find(fingerprints.ALGORITHM, value) == [Match("urn:c2pa:1")]
    store.add(record(2), b"m", {})
    with sqlite3.connect(store.path) as database:
        plan = database.execute("EXPLAIN QUERY PLAN SELECT number, fingerprint FROM manifests")
        assert "COVERING INDEX fingerprints" in plan.fetchone()[-1]
    assert store.find(fingerprints.ALGORITHM, value) == [Match("urn:c2pa:1")]


def test_what_is_removed_is_gone(store):
    store.add(record(), b"first", {ALGORITHM: "a"})
    store.remove("urn:c2pa:1")
    assert len(store) == 0 and store.find(ALGORITHM, "a") == [] and store.algorithms() == []
    for ask in (store.remove, store.manifest, store.record):
        with pytest.raises(KeyError):
            ask("urn:c2pa:1")


def test_nothing_secret_is_in_the_file(store):
    store.add(record(), b"first", {ALGORITHM: "a"})
    content = store.path.read_bytes()
    assert b"secret" not in content and Key("secret").fingerprint.encode() in content
    assert Key(None).fingerprint == "public" and Key("a").fingerprint != Key("b").fingerprint


def test_many_writers_at_once(tmp_path):
    path = tmp_path / "manifests.db"

    def write(start):
        store = ManifestStore(path, create=True)
        for number in range(start, start + 10):
            store.add(record(number), b"m", {ALGORITHM: str(number)})

    threads = [threading.Thread(target=write, args=(10 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ManifestStore(path)) == 40


def test_files_that_are_no_store_are_refused_in_one_line(tmp_path):
    (tmp_path / "text").write_text("no database " * 100)
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE a (b)")
    ManifestStore(tmp_path / "newer.db", create=True)
    with sqlite3.connect(tmp_path / "newer.db") as database:
        database.execute("PRAGMA user_version = 99")
    for name, told in {
        "missing.db": "does not exist",
        "text": "cannot be used",
        "other.db": "is no store of tfwm",
        "newer.db": "is of a newer tfwm",
        ".": "Expected a file as the store",
    }.items():
        with pytest.raises((ValueError, OSError), match=told) as error:
            open_store(tmp_path / name)
        assert "\n" not in str(error.value)
        if name != "missing.db":
            with pytest.raises((ValueError, OSError), match=told):
                open_store(tmp_path / name, create=True)
    assert not (tmp_path / "missing.db").exists()


def test_arguments_are_checked(store):
    for ask, told in (
        (lambda: store.find(ALGORITHM, "a", most=0), "1 to 100 results"),
        (lambda: store.find(fingerprints.ALGORITHM, "AWFkYQ=="), "a fingerprint of 32 bytes"),
        (lambda: store.find(fingerprints.ALGORITHM, "!"), "a fingerprint of 32 bytes"),
        (lambda: store.add(record(), b"", {}), "a manifest of up to 64 MiB"),
        (lambda: store.add(record(fingerprint=b"a"), b"m", {}), "a fingerprint of 32 bytes"),
    ):
        with pytest.raises(ValueError, match=told):
            ask()


def test_photos_without_a_fingerprint_are_not_indexed(store):
    store.add(record(1, fingerprint=b""), b"first", {ALGORITHM: "same"})
    store.add(record(2), b"second", {ALGORITHM: "same"})
    assert store.record("urn:c2pa:1").fingerprint == b""
    value = record(2).fingerprint
    assert [m.id for m in store.find(ALGORITHM, "same", like=value)] == ["urn:c2pa:2", "urn:c2pa:1"]
    found = store.find(fingerprints.ALGORITHM, fingerprint_value(value))
    assert [match.id for match in found] == ["urn:c2pa:2"]


ALTERED = {
    "fingerprint = x'0011'": "the fingerprint of 'urn:c2pa:1'",
    "fingerprint = 'text'": "the fingerprint of 'urn:c2pa:1'",
    "manifest = 'text'": "the manifest",
    "key = x'ff'": "the key",
    "recipient = x'00ff'": "the recipient",
    "id = x'00ff'": "the id",
    "time = CAST(x'ff' AS TEXT)": "cannot be used: Could not decode",
}


@pytest.mark.parametrize("change, told", ALTERED.items(), ids=list(ALTERED))
def test_altered_rows_are_told_in_one_line(change, told, store):
    store.add(record(), b"first", {ALGORITHM: "a"})
    with sqlite3.connect(store.path) as database:
        database.execute(f"UPDATE manifests SET {change}")
    value, failed = fingerprint_value(record().fingerprint), []
    for ask in (
        lambda: store.find(ALGORITHM, "a", like=bytes(32)),
        lambda: store.find(fingerprints.ALGORITHM, value),
        lambda: store.manifest("urn:c2pa:1"),
        lambda: store.record("urn:c2pa:1"),
        store.records,
    ):
        try:
            ask()
        except KeyError:
            assert change.startswith("id")
        except OSError as error:
            failed.append(str(error))
    assert failed and all(told in line and "\n" not in line for line in failed)


def test_an_empty_file_counts_as_missing(tmp_path):
    path = tmp_path / "manifests.db"
    path.touch()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_store(path)
    assert len(open_store(path, create=True)) == 0 and len(ManifestStore(path)) == 0


@pytest.mark.parametrize("place", ["https://example.org", "HTTPS://EXAMPLE.ORG/v1", "http://a"])
def test_an_address_is_no_path(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_store(place), StoreClient)
    for create in (False, True):
        with pytest.raises(ValueError, match="Expected the path of a store's file"):
            ManifestStore(place, create)
    assert not any(tmp_path.iterdir())


def test_bytes_in_place_of_a_value_are_told(store):
    store.add(record(1), b"first", {ALGORITHM: "a"})
    store.add(record(2), b"second", {ALGORITHM: "b"})
    with sqlite3.connect(store.path) as database:
        database.execute("UPDATE bindings SET value = x'00ff' WHERE value = 'a'")
    with pytest.raises(OSError, match="was damaged or changed: the value"):
        store.find(ALGORITHM, "a")


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\n\n"])
def test_a_damaged_schema_is_told_in_a_line(name, store):
    """SQLite's error holds the name of the table as it stands in the file."""
    data, old = store.path.read_bytes(), b"tablebindingsbindings"
    assert old in data
    data = data.replace(old, b"table" + name + old[7:])
    store.path.write_bytes(data.replace(b"CREATE TABLE b", b"CREATE TABLE ("))
    with pytest.raises(OSError, match="is damaged|cannot be used") as error:
        ManifestStore(store.path)
    assert "\n" not in str(error.value)
