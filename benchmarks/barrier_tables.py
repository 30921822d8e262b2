"""Tables 1 to 3 of the model watermarking paper, from runs of the recipe, beside its own figures.

    python benchmarks/barrier_tables.py runs/barrier-derain runs/barrier-xray runs/barrier-task

Writes results/barrier/barrier-table1.csv, barrier-table2.csv, barrier-table3.csv,
barrier-claims.csv (what is read where nothing may be) and, if there is a task-specific run among
the folders, barrier-task-specific.csv. For all rows of Table 3 a run
needs all its surrogates, which those it has do not hinder:

    python -m tfwm.recipes.barrier --config recipes/barrier/cpu-derain.toml --resume \\
        photos='["my/photos"]' attacks='["cnet-l2", "res9-l2", "res16-l2", "unet-l2", "unet-l1",
        "unet-l1-adv", "unet-l2-adv", "unet-perceptual", "unet-perceptual-adv"]'
"""

import argparse
import sys
from pathlib import Path

from tfwm.evaluation.ownership.barrier_run import BarrierRun
from tfwm.evaluation.ownership.barrier_tables import BARRIER_TABLES
from tfwm.files import versions, write_csv

RESULTS = Path(__file__).resolve().parents[1] / "results/barrier"


def main():
    """Reads the runs and writes the tables that have rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs")
    options = parser.parse_args()
    try:
        runs = [BarrierRun.load(folder) for folder in options.runs]
    except FileNotFoundError as error:
        parser.error(str(error))
    command = " ".join(["python", "benchmarks/barrier_tables.py", *sys.argv[1:]])
    for name, table in BARRIER_TABLES.items():
        rows = table(runs)
        if rows:
            print("wrote", write_csv(rows, RESULTS / f"{name}.csv", [command, versions()]))


if __name__ == "__main__":
    main()
