"""Tables as text for a terminal."""


def aligned(table):
    """Returns rows of cells as text: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    cells = [
        [line[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        for line in table
    ]
    return "\n".join("  ".join(line) for line in cells)
