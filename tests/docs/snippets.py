"""Reads the blocks of README and docs, and runs them from a folder with small stand-ins.

Comments before a block say how it is run: `<!-- not run: REASON -->`, `<!-- slow -->`, and
`<!-- run with: ... -->`, which makes it small: `A => B` replaces text, `+ WORDS` are added to each
command. Blocks of a page share one folder and, in Python, their variables.
"""

import argparse
import importlib
import os
import re
import shlex
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?P<notes>(?:^ *<!-- (?!table|end).*? -->\n)*)"
    r"^(?P<indent> *)```(?P<language>\w+)(?P<title>[^\n]*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
# Commands of other programs: they are shown, never run.
FOREIGN = (
    "curl",
    "make",
    "pip",
    "python3",
    ".venv/bin/",
    "docker",
    "openssl",
    "tensorboard",
    "python benchmarks/",
)


class Block(NamedTuple):
    """One block of a page."""

    page: Path
    line: int
    language: str
    text: str
    title: str
    notes: tuple

    @property
    def where(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self):
        return not any(note.startswith("not run: ") for note in self.notes)

    @property
    def is_slow(self):
        return "slow" in self.notes

    def commands(self):
        """Yields the words of each command."""
        for command in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            lines = re.match(r"(?:.*\\\n)*.*", command)[0].replace("\\\n", " ")
            words = shlex.split(lines, comments=True)
            if words:
                yield words

    def small(self):
        """Returns the block as it is run here, and the words to add to its commands."""
        text, more = self.text, []
        for note in self.notes:
            if note.startswith("run with: "):
                for change in note.removeprefix("run with: ").split("; "):
                    if change.startswith("+ "):
                        more += shlex.split(change[2:])
                        continue
                    before, after = change.split(" => ")
                    assert before in text, f"{self.where}: {before!r} is not in the block"
                    text = text.replace(before, after.replace("{ROOT}", str(ROOT)))
        return self._replace(text=text), more


def blocks(page):
    """Returns the blocks of a page."""
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, match.start("language")) + 1,
            match["language"],
            textwrap.dedent(match["text"]),
            match["title"].strip(),
            tuple(re.findall(r"<!-- (.*?) -->", match["notes"])),
        )
        for match in BLOCK.finditer(text)
    ]


def is_foreign(words):
    """Whether a command is another program's."""
    return " ".join(words).startswith(FOREIGN)


def run_page(page, slow):
    """Runs the blocks of a page in the working folder, the slow ones if asked."""
    names = {"__name__": "__main__"}
    for block in blocks(page):
        if not block.is_run or (block.is_slow and not slow):
            continue
        block, more = block.small()
        if block.language == "python":
            exec(compile(block.text, block.where, "exec"), names)
        elif block.language == "csv":
            Path(re.search('title="(.*)"', block.title)[1]).write_text(block.text)
        elif block.language == "console":
            for words in block.commands():
                code = run_command(words + more * (words[0] != "export"))
                assert code == 0, f"{block.where}: exit code {code} of {shlex.join(words)}"


def run_command(words):
    """Runs a command of tfwm in this process; returns its exit code."""
    from tfwm import cli

    if words[0] == "export":
        name, value = words[1].split("=", 1)
        os.environ[name] = value
        return 0
    try:
        if words[:2] == ["python", "-m"]:
            return run_module(words[2], words[3:])
        assert words[0] == "tfwm", f"not a command of tfwm: {shlex.join(words)}"
        return cli.main(words[1:])
    except SystemExit as end:
        return end.code or 0


def run_module(name, words):
    """Runs a recipe's module, or the list of recipes; returns the exit code."""
    module = importlib.import_module(name)
    if name == "tfwm.recipes":
        importlib.import_module("tfwm.recipes.__main__").main()
        return 0
    return module.RECIPE.main(words)


def help_examples(parser):
    """Yields the words of the examples in the help of a parser and its commands."""
    lines = (parser.epilog or "").replace("\\\n", " ").splitlines()
    for line in lines:
        words = shlex.split(line)
        if words[:1] == ["tfwm"] and "COMMAND" not in words:
            yield words
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from help_examples(child)
