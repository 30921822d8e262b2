import barrier_tables
import pytest

from tfwm.evaluation.runs import BarrierRun
from tfwm.files import read_csv

READ = "nc,success_nc,similarity,success,p_value,proven"


@pytest.fixture
def make_run(tmp_path):
    """Function that writes what a run leaves; returns its folder."""

    def make(name, task, attacks=(), task_specific=False):
        folder = tmp_path / name
        (folder / "initial").mkdir(parents=True)
        (folder / "initial" / "config.toml").write_text(
            f'name = "{name}"\ntest_photos = "photos"\nwatermark = "flower"\n'
            f'task = {{ name = "{task}" }}\n'
            f"task_specific = {str(task_specific).lower()}\n"
        )
        groups = ["marked", *attacks, "unmarked", *["unmarked network"] * task_specific]
        lines = [f"stage,images_of,images,{READ}"]
        for stage, success in (("initial", 0), ("adversarial", 1)):
            lines += [
                f"{stage},{g},100,0.99,{success},0.98,{success},1e-9,{str(bool(success)).lower()}"
                for g in groups
            ]
        (folder / "ownership.csv").write_text("# command\n" + "\n".join(lines) + "\n")
        lines = [f"{g},100,{40 - i},0.99" for i, g in enumerate(groups)]
        (folder / "quality.csv").write_text("images_of,images,psnr,ssim\n" + "\n".join(lines))
        for attack in attacks:
            (folder / f"attack-{attack}").mkdir()
        return folder

    return make


def tables(*folders):
    runs = [BarrierRun.load(folder) for folder in folders]
    return {name: table(runs) for name, table in barrier_tables.BARRIER_TABLES.items()}


def test_the_papers_figures_stand_beside_ours(make_run):
    derain = make_run("d", "Derain", ["unet-l2", "cnet-l2", "unet-perceptual"])
    xray = make_run("x", "BoneSuppression", ["cnet-l2", "unet-l1-adv"])
    found = tables(derain, xray)
    hiding = {r["run"]: r for r in found["barrier-table1"] if r["adversarial_stage"]}
    assert (hiding["d"]["paper_psnr"], hiding["x"]["paper_psnr"]) == (39.98, 47.89)
    assert hiding["d"]["psnr"] == 40 and hiding["d"]["images"] == 100
    papers = {
        (r["run"], r["surrogate"], r["adversarial_stage"]): r["paper_success_nc"]
        for name in ("barrier-table2", "barrier-table3")
        for r in found[name]
    }
    assert papers == {
        ("d", "cnet-l2", False): 0.0,
        ("d", "cnet-l2", True): 1.0,
        ("d", "unet-l2", False): 0.0,
        ("d", "unet-l2", True): 1.0,
        ("x", "cnet-l2", False): 0.0,
        ("x", "cnet-l2", True): 0.92,
        ("d", "unet-perceptual", False): 0.24,
        ("d", "unet-perceptual", True): 0.86,
        ("x", "unet-l1-adv", False): 0.98,
        ("x", "unet-l1-adv", True): 1.0,
    }
    assert {r["success_nc"] for r in found["barrier-table2"]} == {0, 1}
    assert found["barrier-task-specific"] == []
    claims = [(r["run"], r["images_of"], r["proven"]) for r in found["barrier-claims"]]
    assert claims == [("d", "unmarked", "true"), ("x", "unmarked", "true")]


def test_other_tasks_have_no_figures_of_the_paper(make_run):
    found = tables(make_run("c", "Colorize", ["unet-l2"]))
    assert [r["paper_success_nc"] for r in found["barrier-table2"]] == [None, None]
    assert found["barrier-table1"][0]["paper_nc"] is None


def test_task_specific_runs_have_a_table_of_their_own(make_run):
    found = tables(make_run("t", "BoneSuppression", ["unet-l2"], task_specific=True))
    assert [found[f"barrier-table{i}"] for i in (1, 2, 3)] == [[], [], []]
    marked, unmarked = found["barrier-task-specific"]
    assert (marked["psnr"], marked["paper_psnr"]) == (40, 24.49)
    assert (unmarked["network"], unmarked["paper_psnr"]) == ("unmarked network", 25.81)


def test_other_folders(make_run, tmp_path):
    with pytest.raises(FileNotFoundError, match="has no initial/config.toml"):
        BarrierRun.load(tmp_path)
    folder = make_run("d", "Derain")
    (folder / "quality.csv").unlink()
    with pytest.raises(FileNotFoundError, match="has no quality.csv"):
        BarrierRun.load(folder)
    run = BarrierRun.load(make_run("e", "Derain", ["unet-l2"]))
    with pytest.raises(ValueError, match="images of res9-l2"):
        run.row("initial", "res9-l2")
    with pytest.raises(FileNotFoundError, match="trained surrogate unet-l2"):
        run.surrogate("unet-l2")


def test_rows_of_other_runs_are_kept_if_asked(make_run, tmp_path, monkeypatch):
    results = tmp_path / "results"
    monkeypatch.setattr(barrier_tables, "RESULTS", results)
    first, second = make_run("first", "Derain", ["unet-l2"]), make_run("second", "Derain")

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["barrier_tables.py", *map(str, arguments)])
        barrier_tables.main()
        return [row["run"] for row in read_csv(results / "barrier-table1.csv")]

    assert run(first, second) == ["first", "first", "second", "second"]
    assert run(second, "--keep") == ["second", "second", "first", "first"]
    assert len(read_csv(results / "barrier-table2.csv")) == 2  # the first's surrogate
    assert run(second) == ["second", "second"]
