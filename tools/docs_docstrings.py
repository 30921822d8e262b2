"""Turn the doctest examples of docstrings into code blocks, for mkdocstrings (see mkdocs.yml)."""

import griffe


class Examples(griffe.Extension):
    """Fence each example, so that its brackets are not read as links."""

    def on_object(self, *, obj, **_):
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text):
    """Return a docstring whose examples are fenced.

    >>> print(fenced("Sum up.\\n\\n>>> 1 + 1\\n2"))
    Sum up.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    """
    lines, inside = [], False
    for line in [*text.splitlines(), ""]:
        starts = line.startswith(">>> ")
        if inside and not line.strip():
            lines.append("```")
            inside = False
        elif starts and not inside:
            lines.append("```pycon")
            inside = True
        lines.append(line)
    return "\n".join(lines[:-1])
