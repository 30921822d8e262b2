"""Several workers through TF_CONFIG: each knows its place; two train, one is killed, both go on."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from tfwm.recipes import find_recipe
from tfwm.training import ConfigError, distribute

RUN = """
    import sys
    from tfwm.recipes import find_recipe
    recipe = find_recipe("photo")
    type(recipe).finish = lambda *arguments: "Report"
    sys.exit(recipe.main(sys.argv[1:]))
"""
QUIET = ("-c", textwrap.dedent(RUN))  # no report
WORDS = ["--config", "quick", "steps=9", "steps_per_epoch=3", "batch_size=4", "crop_size=48"]
WORDS += ["depth=1", "width=8", "patches_per_photo=3", "suite=everyday-brief", "name=tiny"]
WORDS += ["attacks=Identity", "checkpoint_minutes=1e-6", "jit_compile=false", "psnr=30"]


def task(index, kinds=("worker", "worker"), ports=(1, 2)):
    cluster = {}
    for kind, port in zip(kinds, ports, strict=True):
        cluster.setdefault(kind, []).append(f"localhost:{port}")
    place = {"type": kinds[index], "index": kinds[:index].count(kinds[index])}
    return json.dumps({"cluster": cluster, "task": place})


def test_each_worker_knows_its_place(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert distribute.worker() == (0, 1) and distribute.is_chief()
    for kinds in (("worker", "worker"), ("chief", "worker")):
        for index in range(2):
            monkeypatch.setenv("TF_CONFIG", task(index, kinds))
            assert distribute.worker() == (index, 2) and distribute.is_chief() == (index == 0)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cluster": {"worker": ["a:1"]}}', task(1)[:-4] + "7}}"]
)
def test_a_config_that_is_none(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match="Expected a TF_CONFIG such as"):
        distribute.worker()


def test_workers_by_name(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")
    monkeypatch.delenv("TF_CONFIG")
    distribute.set_workers(["localhost:1", "localhost:2"], 1)
    assert json.loads(os.environ["TF_CONFIG"]) == json.loads(task(1))
    distribute.set_workers(["localhost:1", "localhost:2"], 1)
    with pytest.raises(ConfigError, match="Received: both"):
        distribute.set_workers(["localhost:1", "localhost:2"], 0)


@pytest.mark.parametrize(
    "words, message",
    [
        (["--workers", "a:1,b", "--worker-index", "0"], "host:port,host:port. Received: 'b'"),
        (["--workers", "a:1,b:2", "--worker-index", "2"], "from 0 to 1. Received: 2"),
        (["--workers", "a:1,b:2"], "from 0 to 1. Received: None"),
        (["--worker-index", "0"], "Expected --workers beside"),
        (["--devices", "tpu"], "2, cpu or gpu:0,1. Received: 'tpu'"),
        (["--devices", "0"], "2, cpu or gpu:0,1. Received: '0'"),
        (["--devices", "gpu:0,99"], "Expected devices among"),
    ],
)
def test_places_that_are_none(words, message, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert find_recipe("photo").main([*words, f"output={tmp_path / 'run'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists() and "TF_CONFIG" not in os.environ


@pytest.mark.slow
@pytest.mark.parametrize(
    "devices, line", [("2", "training on 2 virtual CPUs"), ("cpu", "training on 1 CPU")]
)
def test_devices_by_option(devices, line, tmp_path):
    """On a machine without a GPU, where a number means virtual CPUs."""
    command = [sys.executable, *QUIET, *WORDS, f"output={tmp_path / 'run'}"]
    done = subprocess.run(
        [*command, "--devices", devices],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert line in done.stdout.splitlines()


@pytest.mark.parametrize(
    "text, lacks",
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512f\n", True),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", False),
        ("Features\t: fp asimd\n", True),
        ("Features\t: fp asimd bf16\n", False),
        ("no such line\n", False),
    ],
)
def test_a_processor_without_bfloat16_is_told(text, lacks, tmp_path):
    (tmp_path / "cpuinfo").write_text(text)
    assert distribute.lacks_bfloat16(tmp_path / "cpuinfo") == lacks


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(output, *words):
    workers = ",".join(f"localhost:{port}" for port in free_ports(2))
    words = [*WORDS, f"output={output}", "--workers", workers, *words]
    return [
        subprocess.Popen(
            [sys.executable, *QUIET, *words, "--worker-index", str(i)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]


def ends(processes):
    return [(*process.communicate(timeout=500), process.returncode) for process in processes]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_workers_train_and_go_on_after_one_is_killed(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for index, (out, error, code) in enumerate(ends(start(whole))):
        assert code == 0, error[-2000:]
        assert f"training on 1 CPU each of 2 workers, of which this is {index}" in out
        assert ("Report" in out) == (index == 0)
    first, second = start(parts)
    folder = parts / "checkpoints"
    deadline = time.time() + 400
    while time.time() < deadline and not list(folder.glob("step-00000000[4-9].json")):
        time.sleep(0.01)
    second.send_signal(signal.SIGKILL)
    second.communicate()
    _, error, code = ends([first])[0]
    assert code == 2 and "start all workers again, with --resume" in error
    for _, error, code in ends(start(parts, "--resume")):
        assert code == 0, error[-2000:]
    a, b = (np.load(path / "checkpoints" / "step-000000009.npz") for path in (whole, parts))
    for key in a.files:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)
