"""Results as text for a terminal."""

from tfwm.evaluation.bits.summary import CONDITION, summarise


def text_table(rows):
    """Bit error rates in percent, a line for each attack, a column for each way of reading.

    Args:
        rows: what `evaluate` returns.

    Returns:
        Text of several lines; the last ones are the mean, PSNR and SSIM.

    Example:

    >>> print(text_table(evaluate(networks, "photos/")))  # doctest: +SKIP
    """
    columns = list(dict.fromkeys(tuple(row[key] for key in CONDITION) for row in rows))
    lines = {}
    for row in rows:
        key = tuple(row[key] for key in CONDITION)
        lines.setdefault((row["label"], row["shown"]), {})[key] = f"{100 * row['ber']:.2f}"
    table = [
        ["BER, %", *(f"{name} x{strength:g}" for name, strength, _, _ in columns)],
        ["", *(f"{placement} {vote}" for _, _, placement, vote in columns)],
    ]
    for (label, shown), cells in lines.items():
        table.append([f"{label} {shown}".strip(), *(cells.get(key, "") for key in columns)])
    means = {tuple(s[key] for key in CONDITION): s for s in summarise(rows)}
    for title, key, scale, digits in (
        ("mean of the attacks", "ber", 100, 2),
        ("PSNR, dB", "psnr", 1, 2),
        ("SSIM", "ssim", 1, 4),
    ):
        table.append([title, *(f"{scale * means[c][key]:.{digits}f}" for c in columns)])
    return aligned(table)


def aligned(table):
    """Returns rows of cells as text: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    cells = [
        [line[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        for line in table
    ]
    return "\n".join("  ".join(line) for line in cells)
