"""Writes the results, the licences and the kind in the cards of the shipped networks.

    python tools/cards.py
    python tools/cards.py --check

`results/cards.toml` says which numbers a card has, and under which terms training data was had.
`--check` writes nothing, and names the cards that are not what it would write (exit code 1).
"""

import argparse
import csv
import runpy
import statistics
import sys
import tomllib
from pathlib import Path

MEANING = (
    "The MIT licence covers what we can give, our work on the weights; whether weights may be sold "
    "that were learned from images for research only is not settled everywhere: where that matters "
    "to you, train on images of your own with this card's command."
)
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from kept_rows import commands_of  # noqa: E402

from tfwm.networks import changed_files, read_card, write_card, write_manifest  # noqa: E402
from tfwm.networks.card import FIELDS  # noqa: E402


def main(arguments=None):
    """Writes or checks the cards; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, tell what is stale")
    options = parser.parse_args(arguments)
    stale = [folder for folder in networks() if card_of(folder) != read_card(folder)]
    for folder in networks():
        if not options.check:
            write(folder, card_of(folder))
        elif folder in stale:
            print(f"{folder.name}: the card is not what results/ say; run python tools/cards.py")
    if not options.check:
        runpy.run_path(str(ROOT / "tools" / "shipped.py"))["main"]([])
    return int(options.check and bool(stale))


def networks():
    """Returns the folders of the shipped networks."""
    return sorted(path.parent for path in (ROOT / "saved_models").glob("*/card.json"))


def card_of(folder):
    """Returns the card that a network should have."""
    card = read_card(folder) | {"results": results_of(folder.name)}
    card["licence"] = licence_of(card["training"]["data"])
    if card["kind"] == "keyed":
        card.pop("strength", None)  # a host has none
    return {key: card[key] for key in FIELDS if key in card}


def write(folder, card):
    """Writes a card into an undamaged network, and brings its manifest up to date."""
    damaged = changed_files(folder)
    if damaged:
        raise ValueError(f"The network {folder} is damaged: {damaged[0]}.")
    write_card(card, folder)
    write_manifest(folder)


def results_of(name, data=ROOT / "results"):
    """Returns the records of a network, as `cards.toml` in `data` says."""
    entries = tomllib.loads((data / "cards.toml").read_text(encoding="utf-8"))["results"]
    records = []
    for entry in entries:
        if name not in entry["networks"]:
            continue
        (path,) = data.rglob(entry["file"])
        own = {entry["by"]: name} if "by" in entry else {}
        for select in entry.get("select", [{}]):
            values = {**own, **select}
            for one in _each(path, values, entry.get("each")):
                records.append(summarize(path, one, entry["mean"]))
    return records


def licence_of(training_data, data=ROOT / "results"):
    """Returns the `licence` of a card, by the names of the data sets in its training data."""
    terms = tomllib.loads((data / "cards.toml").read_text(encoding="utf-8"))["data"]
    used = [entry for entry in terms if entry["name"] in training_data]
    if not used:
        raise ValueError(f"results/cards.toml has no terms for: {training_data}")
    told = "; ".join(f"{entry['name']}: {entry['terms']}" for entry in used)
    return {"code": "MIT", "weights": "MIT", "training_data": f"{told}. {MEANING}"}


def summarize(path, select, mean):
    """Returns the means of columns of a result file.

    Args:
        path: CSV file; its head says by which command it was written, or a run's rows.
        select: `{column: value}`; only rows with these values (compared as text, or as numbers
            where both are) count.
        mean: names of the columns to average; empty cells are left out.

    Returns:
        dict: `file` (its name), `command`, `select`, `rows` and one entry for each column.
    """
    rows = _read(path)
    missing = {*select, *mean} - set(rows[0] if rows else ())
    if missing:
        raise ValueError(f"{path} has no column {sorted(missing)[0]!r}.")
    rows = [row for row in rows if _fits(row, select)]
    if not rows:
        raise ValueError(f"{path} has no row with {select}.")
    (command,) = commands_of(path, [select.get("run")]).values()
    summary = {"file": path.name, "command": command}
    summary |= {"select": dict(select), "rows": len(rows)}
    for column in mean:
        values = [float(row[column]) for row in rows if row[column].strip()]
        summary[column] = _rounded(statistics.fmean(values)) if values else None
    return summary


def _read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _each(path, select, column):
    if column is None:
        return [select]
    values = dict.fromkeys(row[column] for row in _read(path) if _fits(row, select))
    return [{**select, column: value} for value in values]


def _fits(row, select):
    return all(_same(row[column], value) for column, value in select.items())


def _same(cell, value):
    try:
        return float(cell) == float(value)
    except ValueError:
        return cell == str(value)


def _rounded(value):
    return round(value, 5) if abs(value) >= 1e-3 else float(f"{value:.6g}")


if __name__ == "__main__":
    sys.exit(main())
