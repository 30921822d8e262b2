"""The fast part of benchmarks/fuzz.py; the script itself runs 1,500 cases."""

import fuzz
import pytest
from fuzz_cases import COUNTS, SECTIONS, all_cases
from skimage import data


def test_broken_photos_packed_networks_and_odd_names():
    rows, failures = fuzz.run(
        ("files", "packages", "names"), seed=1, limit=20, progress=lambda text: None
    )
    assert not failures
    assert sum(row["cases"] for row in rows) == 60


def test_the_same_seed_gives_the_same_cases(tmp_path):
    def made(seed, place):
        contents = []
        for section in SECTIONS:
            for number, case in enumerate(all_cases(section, 13, seed, [data.astronaut()])):
                folder = tmp_path / place / f"{section}-{number}"
                folder.mkdir(parents=True)
                contents.append((case.kind, case.make(folder), sorted(folder.rglob("*.png"))))
        return [(kind, commands, len(files)) for kind, commands, files in contents]

    assert made(3, "a") == made(3, "b")
    assert set(COUNTS) == set(SECTIONS)


@pytest.mark.parametrize(
    "code, err, written, problem",
    [
        (2, "tfwm: error: no photo\n", None, None),
        (2, "Traceback (most recent call last):\nValueError\n", None, "Traceback"),
        (99, "tfwm: error: x\n", None, "exit code 99"),
        (0, "INFO: hello\n", None, "another line"),
        (2, "tfwm: error: a\x1b[31m\n", None, "not printable"),
        (2, "tfwm: error: x\n", ".a.png.part", "draft"),
        (2, "tfwm: error: x\n", "out.png", "failed, but wrote"),
        (0, "", "out.png", "no whole image"),
        (None, "no answer after 10 s", None, "no answer"),
    ],
)
def test_what_the_judge_notices(tmp_path, code, err, written, problem):
    class Worker:
        def run(self, words, folder):
            if written:
                (folder / written).write_bytes(b"half an image")
            return code, "", err, 0.1

    class Case:
        def make(self, folder):
            (folder / "a.png").write_bytes(b"x")
            return [["embed", "a.png"]]

    problems, _ = fuzz.judge(Case(), Worker(), tmp_path)
    assert bool(problems) == (problem is not None)
    assert problem is None or problem in " ".join(problems)
