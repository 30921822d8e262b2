"""What the makers of README's tables share."""


def markdown(head, lines):
    """Returns a table, its first column left-aligned and the others right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "".join("| " + " | ".join(line) + " |\n" for line in [head, rule, *lines])
