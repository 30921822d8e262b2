"""Results with whole messages as text: for a terminal, and one line."""

from tfwm.evaluation.messages.rows import MEAN, UNMARKED
from tfwm.evaluation.suite import aligned


def message_table(rows):
    """Shares in percent, a line for each distortion, three columns for each marker.

    Args:
        rows: what `evaluate` returns for a suite of messages.

    Returns:
        Text of several lines: exact recovery, bit accuracy and detection of each marker.

    Example:

    >>> print(message_table(evaluate(markers, "photos/", "everyday")))  # doctest: +SKIP
    """
    names = list(dict.fromkeys(row["marker"] for row in rows))
    lines = {}
    for row in rows:
        line = lines.setdefault((row["label"], row["shown"]), {})
        line[row["marker"]] = [
            f"{100 * row[key]:.1f}" for key in ("exact", "bit_accuracy", "detected")
        ]
    table = [
        ["%", *(cell for name in names for cell in (name, "", ""))],
        ["", *["exact", "bits", "detected"] * len(names)],
    ]
    for (label, shown), cells in lines.items():
        title = f"{label} {shown}".strip()
        table.append([title, *(c for name in names for c in cells.get(name, [""] * 3))])
    first = {row["marker"]: row for row in reversed(rows)}
    for title, key, digits in (("PSNR, dB", "psnr", 2), ("SSIM", "ssim", 4)):
        values = [[_number(first[name][key], digits), "", ""] for name in names]
        table.append([title, *(cell for cells in values for cell in cells)])
    return aligned(table)


def message_headline(rows):
    """One line that says what came out: each marker's means and false alarms."""
    parts = []
    for name in dict.fromkeys(row["marker"] for row in rows):
        mine = {row["attack"]: row for row in rows if row["marker"] == name}
        quality = mine["identity"]["psnr"]
        text = f"{name} {_number(quality, 2)} dB"
        if MEAN in mine:
            mean = mine[MEAN]
            text += (
                f", {100 * mean['exact']:.1f} % of messages exact over {mean['level']} edits, "
                f"{100 * mean['bit_accuracy']:.1f} % of bits, "
                f"{100 * mean['detected']:.1f} % detected"
            )
        alarms = mine[UNMARKED]["detected"] * mine[UNMARKED]["images"]
        parts.append(f"{text}, {alarms:.0f} false alarms")
    return "; ".join(parts)


def _number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"
