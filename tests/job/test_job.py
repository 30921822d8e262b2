"""All of a job but the engine, which hands out the shards: they are done here one by one."""

import csv
import dataclasses
import io
import json
import os
import runpy
from pathlib import Path

import pytest
from skimage import data

from tfwm.images import encode_photo, read_photo
from tfwm.register import Register
from tfwm.watermarker import Watermarker

fsspec = pytest.importorskip("fsspec", reason="needs the extra job")
from tfwm.job import run, storage  # noqa: E402
from tfwm.job.plan import Ledger, find_jobs  # noqa: E402
from tfwm.job.storage import Storage, StorageError, digest_of  # noqa: E402
from tfwm.job.work import Settings, Worker  # noqa: E402

CHECKER = Path(__file__).parents[1] / "cli" / "checker_network.py"
TABLE = "file,message,kind,output,recipient\n"
TABLE += "a.jpg,1001,int,a-ada.jpg,Ada\na.jpg,1002,int,a-grace.jpg,Grace\nsub/c.png,7,int,,Ada\n"


@pytest.fixture(scope="module")
def checker():
    return Watermarker(runpy.run_path(str(CHECKER))["CheckerNetwork"]())


@pytest.fixture(params=["file", "memory"])
def places(request, tmp_path, monkeypatch):
    """Addresses of a folder of photos and of one for the outputs."""
    monkeypatch.delenv("TFWM_KEY", raising=False)
    if request.param == "file":
        source, output = str(tmp_path / "photos"), str(tmp_path / "marked")
    else:
        name = tmp_path.name
        source, output = f"memory://{name}/photos", f"memory://{name}/marked"
    photo = encode_photo(read_photo(data.chelsea()[:192, :256]), "a.jpg", quality=95)
    folder = Storage(source)
    folder.write("a.jpg", photo)
    folder.write("sub/c.png", encode_photo(read_photo(data.coffee()[:192, :256]), "a.png"))
    folder.write("bad.jpg", b"no image")
    folder.write("notes.txt", b"text")
    folder.write(".hidden/d.jpg", photo)
    return source, output


@pytest.fixture
def engine(monkeypatch, checker):
    """Does shards here; returns a list of what was done. Its `dies` raises after so many shards."""

    class Engine(list):
        dies, pipeline = 0, ""

        def __call__(self, settings, shards, options, workers):
            self.pipeline += settings.to_text() + "".join(shards)
            worker = Worker(Settings(**json.loads(settings.to_text())), checker)
            for shard in shards:
                if worker.ledger.done(shard) is None:
                    if self.dies and len(self) == self.dies:
                        self.dies = 0
                        return "a worker died"
                    self.append(shard)
                worker.run(shard)
            return None

    engine = Engine()
    monkeypatch.setattr("tfwm.job.local.run_once", engine)
    return engine


def report(place, name="tfwm-report.csv"):
    return list(csv.DictReader(io.StringIO(Storage(place).read(name).decode(), newline="")))


def embed(places, message=None, **how):
    names = {field.name for field in dataclasses.fields(Settings)}
    settings = Settings("embed", *places, **{n: v for n, v in how.items() if n in names})
    rest = {n: v for n, v in how.items() if n not in names}
    return run.run_job(settings, message=message, **rest)


def test_there_and_back(places, engine, checker):
    source, output = places
    result = embed(places, "Ada", shard=1)
    told = {name: result[name] for name in ("photos", "done", "skipped", "failed", "attempts")}
    assert told == {"photos": 4, "done": 2, "skipped": 1, "failed": 1, "attempts": 1}
    assert result["shard_seconds"] > 0 and len(engine) == 3
    out = Storage(output)
    names = ["a.jpg", "sub/c.png", "tfwm-failed.csv", "tfwm-report.csv"]
    assert list(out.names()) == names
    rows = {row["file"]: row for row in report(output)}
    assert {name: row["status"] for name, row in rows.items()} == {
        **{"a.jpg": "done", "bad.jpg": "failed", "notes.txt": "skipped", "sub/c.png": "done"},
    }
    assert [row["file"] for row in report(output, "tfwm-failed.csv")] == ["bad.jpg"]
    for name in names[:2]:
        assert rows[name]["sha256"] == digest_of(out.place(name))
        # One path for the marking: the same bytes as everywhere.
        assert out.read(name) == checker.embed_bytes(Storage(source).read(name), "Ada")
    read = f"{output}-read"
    settings = Settings("extract", output, read, how={"search": "none"})
    assert run.run_job(settings)["done"] == 2
    assert [row["message"] for row in report(read)] == ["Ada", "Ada"]


def test_a_table_gives_ids_and_the_register_gets_them(places, engine, tmp_path):
    table = Storage(str(tmp_path / "tables"))
    table.write("ids.csv", TABLE.encode())
    place = tmp_path / "register.db"
    how = {"messages": table.place("ids.csv"), "register": str(place)}
    result = embed(places, **how)
    assert (result["done"], result["skipped"], result["failed"]) == (3, 2, 0)
    rows = {row["output"]: row for row in report(places[1]) if row["output"]}
    assert {name: (row["message"], row["recipient"]) for name, row in rows.items()} == {
        **{"a-ada.jpg": ("1001", "Ada"), "a-grace.jpg": ("1002", "Grace")},
        **{"sub/c.png": ("7", "Ada")},
    }
    entries = Register(place).entries()
    assert {e.digest for e in entries} == {row["sha256"] for row in rows.values()}
    assert all(e.pending is None for e in entries) and len(entries) == 3
    assert embed(places, **how)["before"] == 3 and len(Register(place)) == 3
    # An entry whose file was never written goes, wherever the file would lie.
    lost = dataclasses.replace(
        entries[0], digest="0" * 64, pending=Storage(places[1]).place("lost.jpg")
    )
    Register(place).add(lost)
    embed(places, **how)
    assert len(Register(place)) == 3


def test_a_dead_worker_costs_its_shard_only(places, engine):
    engine.dies = 1
    assert embed(places, "Ada", shard=1)["attempts"] == 2
    assert len(engine) == len(set(engine)) == 3


def test_what_a_killed_worker_wrote_is_recognised(places, engine, checker):
    source, output = places
    marked = checker.embed_bytes(Storage(source).read("a.jpg"), "Ada")
    Storage(output).write("a.jpg", marked)
    assert embed(places, "Ada")["done"] == 2
    other = [places[0], places[1] + "-other"]
    Storage(other[1]).write("a.jpg", b"something else")
    result = embed(other, "Ada")
    row = next(row for row in report(other[1]) if row["file"] == "a.jpg")
    assert result["failed"] == 2 and "exists: add --overwrite" in row["error"]
    assert Storage(other[1]).read("a.jpg") == b"something else"
    assert embed(other, "Ada", overwrite=True)["failed"] == 1
    assert Storage(other[1]).read("a.jpg") == marked


def test_a_job_goes_on_and_does_what_is_new_or_failed(places, engine, checker):
    assert embed(places, "Ada")["done"] == 2
    photo = Storage(places[0]).read("a.jpg")
    Storage(places[0]).write("bad.jpg", photo)
    Storage(places[0]).write("new.jpg", photo)
    result = embed(places, "Ada")
    assert (result["before"], result["done"], result["failed"]) == (2, 4, 0)
    assert report(places[1], "tfwm-failed.csv") == []
    assert embed(places, "Ada")["attempts"] == 0
    rows = [row["file"] for row in report(places[1])]
    assert rows == sorted(set(rows)) and len(rows) == 5


def test_a_job_does_what_was_done_otherwise(places, engine, checker):
    source, output = (Storage(place) for place in places)
    assert embed(places, "Ada")["done"] == 2
    result = embed(places, "Grace")
    assert (result["before"], result["done"], result["failed"]) == (0, 0, 3)
    assert checker.extract_bytes(output.read("a.jpg")).message == "Ada"
    assert embed(places, "Ada")["before"] == 2  # nothing was replaced
    assert embed(places, "Grace", overwrite=True)["done"] == 2
    assert checker.extract_bytes(output.read("a.jpg")).message == "Grace"
    assert {row["message"] for row in report(places[1]) if row["status"] == "done"} == {"Grace"}
    assert embed(places, "Ada")["before"] == 0  # which it was, once
    assert embed(places, "Grace", how={"strength": 2.0}, overwrite=True)["before"] == 0
    marked = output.read("a.jpg")
    output._system.rm_file(output._path("a.jpg"))
    result = embed(places, "Grace", how={"strength": 2.0})
    assert (result["before"], result["done"]) == (1, 2) and output.read("a.jpg") == marked
    source._system.rm_file(source._path("sub/c.png"))
    assert embed(places, "Grace", how={"strength": 2.0})["photos"] == 3


def test_photos_are_counted_by_name(places, engine, monkeypatch):
    source = Storage(places[0])
    assert embed(places, "Ada")["done"] == 2
    source.write("new.jpg", source.read("a.jpg"))
    source._system.rm_file(source._path("sub/c.png"))
    monkeypatch.setattr("tfwm.job.local.run_once", lambda *args: None)  # loses the shard
    with pytest.raises(OSError, match="1 photos have no row"):
        embed(places, "Ada", shard=1)


def test_a_reading_job_with_a_register_ends(places, engine, tmp_path):
    photo = Storage(places[0]).read("a.jpg")
    Storage(places[0]).write("b.jpg", photo)
    register = str(tmp_path / "register.db")
    assert embed(places, "Ada", register=register)["done"] == 3
    how = {"register": register, "how": {"search": "none"}}
    settings = Settings("extract", places[1], f"{places[1]}-read", **how)
    assert run.run_job(settings)["done"] == 3
    assert [row["holds"] for row in report(f"{places[1]}-read")][:2] == ["True", "True"]
    assert run.run_job(settings)["before"] == 3
    searched = dataclasses.replace(settings, how={"search": "crop"})
    assert run.run_job(searched)["before"] == 0


def test_a_folder_that_may_not_be_read_ends_the_job(tmp_path, monkeypatch):
    folder = Storage(str(tmp_path))
    folder.write("locked/a.jpg", b"x")

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refuse)  # who runs this may be root
    with pytest.raises(PermissionError, match="locked"):
        list(folder.names())


def test_the_key_is_nowhere_but_on_the_workers(places, engine, checker, monkeypatch, tmp_path):
    monkeypatch.setenv("TFWM_KEY", "very secret words")
    embed(places, "Ada")
    assert "very secret words" not in engine.pipeline
    written = b"".join(Storage(places[1]).read(n) for n in Storage(places[1]).names())
    written += b"".join(json.dumps(row).encode() for row in Ledger(Storage(places[1])).rows())
    assert b"very secret" not in written
    marked = Storage(places[1]).read("a.jpg")
    assert checker.extract_bytes(marked, key="very secret words").message == "Ada"
    settings = Settings("embed", *places, key_id="12345678-deadbeef", salt="12345678")
    with pytest.raises(ValueError, match="Expected the key that the job was started with"):
        Worker(settings, checker)


def test_a_storage_that_fails_is_no_bad_photo(places, engine, checker, monkeypatch):
    source = Storage(places[0])
    monkeypatch.setattr(storage, "PAUSE", 0.0)
    calls = []

    def broken(path, *args, **kwargs):
        calls.append(path)
        raise ConnectionError("try later")

    jobs = find_jobs(source, message="Ada")
    assert [job.name for job in jobs if not job.idle] == ["a.jpg", "bad.jpg", "sub/c.png"]
    system = type(source._system)
    monkeypatch.setattr(system, "cat_file", broken)
    with pytest.raises(StorageError, match="cannot be used: try later"):
        source.read("a.jpg")
    assert len(calls) == storage.TRIES


def test_mistakes_are_one_line(places, engine, tmp_path):
    source, output = places
    for given, told in (
        ((source, f"{source}/sub"), "Expected an output beside the photos"),
        ((source, source), "Expected an output beside the photos"),
        ((output, f"{output}-b"), "holds no photos"),
        (("nosuch://a", output), "cannot be opened"),
    ):
        with pytest.raises(ValueError, match=told) as error:
            embed(given, "Ada")
        assert "\n" not in str(error.value)


def test_an_output_that_is_a_link_into_the_photos(tmp_path):
    Storage(str(tmp_path / "photos")).write("sub/a.jpg", b"x")
    (tmp_path / "out").symlink_to(tmp_path / "photos/sub")
    with pytest.raises(ValueError, match="Expected an output beside the photos"):
        embed([str(tmp_path / "photos"), str(tmp_path / "out")], "Ada")
