import errno

import pytest

from tfwm.files import atomic_directory


def test_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a" / "b"
    with pytest.raises(RuntimeError, match="stop"), atomic_directory(target) as draft:
        (draft / "x").write_text("half")
        raise RuntimeError("stop")
    assert not list(tmp_path.iterdir())
    with atomic_directory(target) as draft:
        (draft / "x").write_text("whole")
        assert not target.exists()
    assert [p.name for p in target.parent.iterdir()] == ["b"]
    assert (target / "x").read_text() == "whole"


def test_failure_keeps_the_older_one(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "x").write_text("old")
    with pytest.raises(OSError, match="No space left on device. Nothing was changed"):
        with atomic_directory(tmp_path / "net") as draft:
            (draft / "x").write_text("new")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "net" / "x").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_in_the_way(tmp_path):
    (tmp_path / "net").write_text("a file")
    with pytest.raises(FileExistsError, match="a file has that name"):
        with atomic_directory(tmp_path / "net"):
            pass
    with pytest.raises(OSError, match="Could not write"):
        with atomic_directory(tmp_path / "net" / "1"):
            pass
    assert (tmp_path / "net").read_text() == "a file"


def test_permissions_are_ordinary(tmp_path):
    (tmp_path / "ordinary").mkdir()
    with atomic_directory(tmp_path / "net"):
        pass
    modes = [(tmp_path / name).stat().st_mode for name in ("net", "ordinary")]
    assert modes[0] == modes[1]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "disk" / "net").mkdir(parents=True)
    (tmp_path / "disk" / "net" / "old").touch()
    for name, where in (("there", "net"), ("dangling", "new")):
        link = tmp_path / name
        link.symlink_to(tmp_path / "disk" / where)
        with atomic_directory(link) as draft:
            (draft / "x").write_text("new")
        assert link.is_symlink() and [p.name for p in link.iterdir()] == ["x"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "disk", "there"]
    assert sorted(p.name for p in (tmp_path / "disk").iterdir()) == ["net", "new"]
