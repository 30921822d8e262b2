"""Tables 1 to 3 of the model watermarking paper, from runs of the recipe, beside its own figures.

    python benchmarks/barrier_tables.py runs/barrier-derain runs/barrier-xray runs/barrier-task

Writes results/barrier/barrier-table1.csv, barrier-table2.csv, barrier-table3.csv,
barrier-claims.csv (what is read where nothing may be) and, if there is a task-specific run among
the folders, barrier-task-specific.csv. With --keep, rows of other runs that the files hold stay
as they are. For all rows of Table 3 a run needs all its surrogates, which those it has do not
hinder:

    tfwm train barrier --config cpu-derain --resume \\
        photos=my/photos surrogates='["cnet-l2", "res9-l2", "res16-l2", "unet-l2", "unet-l1",
        "unet-l1-adv", "unet-l2-adv", "unet-perceptual", "unet-perceptual-adv"]'

Success rates are shares of images: `success_nc` counts as the paper does, a normalized correlation
above 0.95, which a blank reaches if the watermark is mostly white; `success` a
`tfwm.metrics.watermark_similarity` of at least 0.9.
"""

import argparse
from pathlib import Path

from kept_rows import write_runs

from tfwm.evaluation.runs import BarrierRun
from tfwm.files import result_head

RESULTS = Path(__file__).resolve().parents[1] / "results/barrier"
# What the paper calls its tasks; other tasks have no figures to be compared with.
TASKS = {"Derain": "derain", "BoneSuppression": "debone"}
STAGES = {"initial": False, "adversarial": True}
UNMARKED_NETWORK = "unmarked network"
# Groups of `ownership.csv` in which nothing may be read.
UNMARKED = ("unmarked", "inputs", "clean outputs", "innocent")
# Table 1: PSNR in dB, SSIM, NC.
HIDING = {"debone": (47.89, 0.99, 0.9999), "derain": (39.98, 0.99, 0.9966)}
# Table 2, D-*: success rates of (debone, derain) with the adversarial stage, L2; without, all 0.
STRUCTURES = {"cnet": (0.92, 1.0), "res9": (1.0, 1.0), "res16": (1.0, 1.0), "unet": (1.0, 1.0)}
# Table 3, UNet: success rates of debone, derain, and both without the adversarial stage.
LOSSES = {
    "l1": (1.0, 1.0, 0.0, 0.0),
    "l1-adv": (1.0, 1.0, 0.98, 0.0),
    "l2": (1.0, 1.0, 0.0, 0.0),
    "l2-adv": (1.0, 1.0, 1.0, 1.0),
    "perceptual": (0.88, 0.86, 0.0, 0.24),
    "perceptual-adv": (0.92, 1.0, 0.0, 0.0),
}
# "Task specific deep invisible watermarks", debone: PSNR in dB and SSIM.
TASK_SPECIFIC = {"marked": (24.49, 0.91), UNMARKED_NETWORK: (25.81, 0.91)}


def barrier_table_1(runs):
    """Quality of marked outputs and what is read from them, after each stage."""
    rows = []
    for run in _of_kind(runs, task_specific=False):
        paper = HIDING.get(_task(run), (None, None, None))
        quality = _quality(run, "marked")
        for stage, adversarial in STAGES.items():
            read = run.row(stage, "marked")
            rows.append(
                {
                    **_head(run, adversarial, read),
                    **{key: quality[key] for key in ("psnr", "ssim")},
                    **_read(read),
                    **dict(zip(("paper_psnr", "paper_ssim", "paper_nc"), paper, strict=True)),
                }
            )
    return rows


def barrier_table_2(runs):
    """Surrogates of several structures, trained with L2: success with the stage and without."""
    return [
        row
        for run in _of_kind(runs, task_specific=False)
        for structure in STRUCTURES
        for row in _success(run, f"{structure}-l2", _paper_of_structure(run, structure))
    ]


def barrier_table_3(runs):
    """The same of U-Nets trained with several losses."""
    return [
        row
        for run in _of_kind(runs, task_specific=False)
        for loss in LOSSES
        for row in _success(run, f"unet-{loss}", _paper_of_loss(run, loss))
    ]


def barrier_claims(runs):
    """What is read after the stage from images that never saw the barrier."""
    return [
        {
            **_head(run, True, row),
            "images_of": row["images_of"],
            **_read(row),
            "proven": row["proven"],
        }
        for run in _of_kind(runs, task_specific=False)
        for row in run.ownership
        if row["stage"] == "adversarial" and row["images_of"].startswith(UNMARKED)
    ]


def task_specific_table(runs):
    """How well networks that learned task and mark at once do their task, beside unmarked ones."""
    rows = []
    for run in _of_kind(runs, task_specific=True):
        for name, paper in TASK_SPECIFIC.items():
            quality = _quality(run, name)
            read = run.row("adversarial", name)
            given = paper if _task(run) == "debone" else (None, None)
            rows.append(
                {
                    **_head(run, True, read),
                    "network": name,
                    **{key: quality[key] for key in ("psnr", "ssim")},
                    **_read(read),
                    **dict(zip(("paper_psnr", "paper_ssim"), given, strict=True)),
                }
            )
    return rows


BARRIER_TABLES = {
    "barrier-table1": barrier_table_1,
    "barrier-table2": barrier_table_2,
    "barrier-table3": barrier_table_3,
    "barrier-claims": barrier_claims,
    "barrier-task-specific": task_specific_table,
}


def _of_kind(runs, task_specific):
    return [run for run in runs if run.config.get("task_specific", False) == task_specific]


def _task(run):
    return TASKS.get(run.config["task"]["name"])


def _head(run, adversarial, read):
    task = run.config["task"]["name"]
    head = {"run": run.name, "task": task, "watermark": run.config["watermark"]}
    return {**head, "adversarial_stage": adversarial, "images": read["images"]}


def _read(read):
    return {key: read[key] for key in ("nc", "success_nc", "similarity", "success", "p_value")}


def _quality(run, name):
    for row in run.quality:
        if row["images_of"] == name:
            return row
    raise ValueError(f"Expected the quality of {name} in {run.folder}. Received: none")


def _success(run, surrogate, paper):
    if surrogate not in run.surrogates:
        return []
    rows = []
    for stage, adversarial in STAGES.items():
        read = run.row(stage, surrogate)
        head = {**_head(run, adversarial, read), "surrogate": surrogate}
        rows.append({**head, **_read(read), "paper_success_nc": paper.get(adversarial)})
    return rows


def _paper_of_structure(run, structure):
    if _task(run) is None:
        return {}
    return {True: STRUCTURES[structure][_task(run) == "derain"], False: 0.0}


def _paper_of_loss(run, loss):
    if _task(run) is None:
        return {}
    debone, derain, debone_before, derain_before = LOSSES[loss]
    if _task(run) == "debone":
        return {True: debone, False: debone_before}
    return {True: derain, False: derain_before}


def main():
    """Reads the runs and writes the tables that have rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs")
    parser.add_argument("--keep", action="store_true", help="keep the rows of runs not given")
    options = parser.parse_args()
    try:
        runs = [BarrierRun.load(folder) for folder in options.runs]
    except FileNotFoundError as error:
        parser.error(str(error))
    tests = [f"{run.config['test_photos']}, {run.ownership[0]['images']} images" for run in runs]
    head = result_head(" and ".join(dict.fromkeys(tests)))
    for name, table in BARRIER_TABLES.items():
        rows = table(runs)
        if rows:
            write_runs(rows, RESULTS / f"{name}.csv", head, options.keep)


if __name__ == "__main__":
    main()
