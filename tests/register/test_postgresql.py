"""The register on a real PostgreSQL, where this computer has one."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from tfwm.register import Entry, Register

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a fresh server of this test's own."""
    pytest.importorskip("sqlalchemy", reason="needs the extra register")
    pytest.importorskip("psycopg", reason="needs a driver of PostgreSQL")
    program = shutil.which("postgres")
    if program is None:
        pytest.skip("needs PostgreSQL's server, which is not on this machine")
    programs = Path(program).resolve().parent
    folder = tmp_path_factory.mktemp("postgresql") / "data"
    as_user = []
    if os.geteuid() == 0:  # which PostgreSQL refuses
        folder = Path("/var/tmp") / f"tfwm-postgresql-{os.getpid()}"
        folder.mkdir()
        shutil.chown(folder, "nobody")
        as_user = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        made = [programs / "initdb", "-D", folder, "-U", "tfwm", "-A", "trust"]
        subprocess.run([*as_user, *made], check=True, capture_output=True)
        how = ["-D", folder, "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
        running = subprocess.Popen(
            [*as_user, programs / "postgres", *how], stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(100):
                with socket.socket() as ask:
                    ask.settimeout(1)
                    if not ask.connect_ex(("127.0.0.1", port)):
                        break
                if running.poll() is not None:
                    pytest.skip("PostgreSQL does not start here")
                threading.Event().wait(0.1)
            yield f"postgresql+psycopg://tfwm@127.0.0.1:{port}/postgres"
        finally:
            running.send_signal(signal.SIGINT)  # at once, also while clients are connected
            running.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def entry(number, **values):
    name = f"{number}.jpg"
    about = str(number), "int", f"{number:064x}", name, "photo", "public", "Ada é"
    return Entry(*about, bytes([number]) * 32, **values)


def test_entries_live_in_postgresql(server, tmp_path):
    with pytest.raises(FileNotFoundError, match="has no register"):
        Register(server)
    errors = []

    def write(start):
        try:
            mine = Register(server, create=True)
            for number in range(start, start + 10):
                with mine.writing(entry(number), tmp_path / f"{number}.jpg"):
                    pass
                with mine.writing(entry(100), tmp_path / "the same one.jpg"):
                    pass
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(10 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    register = Register(server)
    assert not errors and len(register) == 41
    assert register.find(7)[0] == entry(7, time=register.find(7)[0].time)
    assert register.like(entry(7).fingerprint)[0].message == "7"
    with pytest.raises(OSError, match="full"), register.writing(entry(200), tmp_path / "200.jpg"):
        raise OSError("the disk is full")
    assert len(register) == 41
    register.add(entry(201, pending=str(tmp_path / "201.jpg")))
    assert [e.message for e in register.settle()[1]] == ["201"]
    assert len(register.entries("Ada é")) == 41
