"""Tables of runs that keep the rows of runs which are not at hand."""

from tfwm.files import read_csv, write_csv


def write_runs(rows, path, head, keep=False):
    """Writes rows of runs, with `keep` before the rows that the file has of other runs.

    Args:
        rows: dicts with the name of their `"run"`.
        path: of the CSV file.
        head: lines of its head; what is kept adds one.
        keep: whether rows of runs that `rows` do not name stay as they are.

    Returns:
        All rows.
    """
    names = {row["run"] for row in rows}
    kept = read_csv(path) if keep and path.is_file() else []
    kept = [row for row in kept if row["run"] not in names]
    others = ", ".join(dict.fromkeys(row["run"] for row in kept))
    note = [f"rows of {others}: of an earlier call"] if kept else []
    print("wrote", write_csv([*rows, *kept], path, [*head, *note]))
    return [*rows, *kept]
