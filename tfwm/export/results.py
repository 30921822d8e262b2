"""Numbers from `results/*.csv` for a network's card."""

import csv
import statistics
from pathlib import Path

from tfwm.networks.card import read_card, write_card
from tfwm.networks.manifest import MANIFEST, changed_files, write_manifest


def summarise_results(csv_path, select, mean, command):
    """Averages columns of a result file for a card.

    Args:
        csv_path: file with a header line; lines that start with `#` are skipped.
        select: `{column: value}`; only rows with these values (compared as text, or as
            numbers where both are) count.
        mean: names of the columns to average; empty cells are left out.
        command: the command that wrote the file.

    Returns:
        dict: `file` (its name), `command`, `select`, `rows` and one entry for each column.

    Example:

    >>> summarise_results(
    ...     "results/attacks.csv", {"network": "redmark-mt"}, ["psnr", "ber"], "tfwm evaluate"
    ... )["file"]
    'attacks.csv'
    """
    path = Path(csv_path)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    missing = {*select, *mean} - set(rows[0] if rows else ())
    if missing:
        raise ValueError(
            f"{path} has no column {sorted(missing)[0]!r}. "
            f"Received: columns {list(rows[0]) if rows else []}"
        )
    rows = [row for row in rows if all(_same(row[k], value) for k, value in select.items())]
    if not rows:
        raise ValueError(f"{path} has no row with {select}.")
    summary = {"file": path.name, "command": command, "select": dict(select), "rows": len(rows)}
    for column in mean:
        values = [float(row[column]) for row in rows if row[column].strip()]
        summary[column] = round(statistics.fmean(values), 5) if values else None
    return summary


def write_results(folder, results):
    """Puts results into the card of a packaged network and brings its manifest up to date.

    Args:
        folder: a network's folder, undamaged.
        results: list of dicts, as `summarise_results` makes them; they replace older ones.

    Returns:
        The new card.
    """
    folder = Path(folder)
    damaged = changed_files(folder)
    if damaged:
        raise ValueError(f"The network {folder} is damaged: {damaged[0]}.")
    card = {**read_card(folder), "results": [dict(result) for result in results]}
    write_card(card, folder)
    if (folder / MANIFEST).is_file():
        write_manifest(folder)
    return card


def _same(cell, value):
    try:
        return float(cell) == float(value)
    except ValueError:
        return cell == str(value)
