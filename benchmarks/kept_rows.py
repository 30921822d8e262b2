"""Tables of runs that keep the rows of runs which are not at hand, and the commands of these."""

from tfwm.files import read_csv, write_csv


def write_runs(rows, path, head, keep=False):
    """Writes rows of runs, with `keep` before the rows that the file has of other runs.

    Args:
        rows: dicts with the name of their `"run"`.
        path: of the CSV file.
        head: lines of its head, the first the command; a line is added for each command whose
            rows are kept.
        keep: whether rows of runs that `rows` do not name stay as they are.

    Returns:
        All rows.
    """
    names = {row["run"] for row in rows}
    kept = read_csv(path) if keep and path.is_file() else []
    kept = [row for row in kept if row["run"] not in names]
    commands = commands_of(path, [row["run"] for row in kept]) if kept else {}
    notes = []
    for command in dict.fromkeys(commands.values()):
        runs = ", ".join(run for run, own in commands.items() if own == command)
        notes.append(f"rows of {runs}: {command}")
    print("wrote", write_csv([*rows, *kept], path, [*head, *notes]))
    return [*rows, *kept]


def commands_of(path, runs):
    """Returns the command that wrote each run's rows of a file, a dict by run."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line.removeprefix("# ") for line in lines if line.startswith("# ")] or ["unknown"]
    earlier = {}
    for line in head:
        named, colon, command = line.removeprefix("rows of ").partition(": ")
        if line.startswith("rows of ") and colon:
            earlier |= dict.fromkeys(named.split(", "), command)
    return {run: earlier.get(run, head[0]) for run in dict.fromkeys(runs)}
