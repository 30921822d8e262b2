"""Writes every table of README.md and docs/ from results/, as results/tables.toml says.

    python tools/tables.py            # or `make tables`
    python tools/tables.py --check    # writes nothing, names the pages that are stale

A page has a table between `<!-- table: ID -->` and `<!-- end -->`. The entry `[ID]` of tables.toml:

- `what`: a line for the index, results/README.md. `file`: below results/; ID.csv if left out.
- `like`: another entry, which gives what this one does not say.
- `head`: the names of the columns of labels.
- `rows`: each has `labels`, templates; rows of the file with equal labels make one line.
- `columns`: each has a `label`, which makes a column for each of its values, and a `cell`, a
  template (a row may have one as well, which is used instead).
- `pick`, of a column, where several rows of the file meet in a cell: an index (0 if left out),
  `"all"` (with slashes between them), or `"pool"` (means, and `images` is the sum).
- `where`, of table, row or column: `{field = "regular expression"}`, matching the whole value.
- `words`: what labels and cells are called on the page.
- `text`: true where all columns hold words: these are left-aligned.
- `through`: a function of `PREPARE`, for rows that are not those of the file.

A template is text with fields, such as `{psnr:.2f}[ ({paper_psnr})]`. A part in square brackets is
left out if one of its fields is empty. Formats are Python's and those of `FORMATS`.
"""

import argparse
import csv
import difflib
import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
MARKER = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
INTRODUCTION = """\
The commands below each list write these files. One thing was changed by hand: in the file of the
task-specific barrier and some of keyed hosts, p-values below 1e-4 stand as 1e-4, all that their
images can show, and shares of a PSNR are left out, until the commands run again. Every CSV opens
with its command, data and versions. `tables.toml` says which page shows what; `make tables` writes
the tables of the pages, and this index."""
FIELD = re.compile(r"\{([^}:]+):?([^}]*)\}")
OTHER = "other-files"  # the entry that only says what further files are
FEW = 20  # up to this many images, shares are shown as counts


def main():
    """Writes pages and index, or tells which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    options = parser.parse_args()
    changed = stale()
    if not options.check:
        for path, text in changed.items():
            path.write_text(text)
    for path in changed:
        print("stale:" if options.check else "wrote", path.relative_to(ROOT))
    return int(options.check and bool(changed))


def stale():
    """Returns the pages whose tables are not what the results say, `{path: right text}`."""
    tables = read_tables()
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    texts = {page: fill_page(page.read_text(), tables) for page in pages}
    texts[RESULTS / "README.md"] = index(tables)
    return {p: text for p, text in texts.items() if not p.is_file() or p.read_text() != text}


def read_tables():
    """Returns `results/tables.toml`, with the file of each table as a path."""
    found = tomllib.loads((RESULTS / "tables.toml").read_text())
    tables = {name: {**found.get(table.get("like"), {}), **table} for name, table in found.items()}
    for name, table in tables.items():
        if name != OTHER and table.get("through") != "cards":
            table["path"] = RESULTS / table["file"] if "file" in table else find(f"{name}.csv")
    return tables


def find(name):
    """Returns the path of a result file; its name is unique below results/."""
    paths = list(RESULTS.rglob(name))
    if len(paths) != 1:
        raise FileNotFoundError(f"Expected one file {name} below {RESULTS}. Received: {paths}")
    return paths[0]


def fill_page(text, tables):
    """Returns a page with all its tables made again."""
    return MARKER.sub(lambda match: match[1] + _table(match[2], tables) + match[3], text)


def _table(name, tables):
    if name not in tables:
        near = difflib.get_close_matches(name, tables, 1) or sorted(tables)[:3]
        raise KeyError(f"results/tables.toml has no table {name!r}; did you mean {near[0]!r}?")
    try:
        return render(tables[name])
    except KeyError as error:
        raise KeyError(
            f"Table {name!r} of results/tables.toml: nothing is called {error}"
        ) from error


def read_rows(path):
    """Returns the rows of a CSV, and the lines of its head."""
    lines = path.read_text().splitlines()
    head = [line.lstrip("# ") for line in lines if line.startswith("#")]
    return list(csv.DictReader(line for line in lines if not line.startswith("#"))), head


def render(table):
    """Returns the Markdown of one table."""
    rows = read_rows(table["path"])[0] if "path" in table else []
    rows = PREPARE[table["through"]](rows) if "through" in table else rows
    rows = _those(rows, table)
    words = table.get("words", {})
    columns = [
        ({**column, "label": label}, template)
        for column in table["columns"]
        for template in [column["label"]]
        for label in dict.fromkeys(fill(template, row) for row in _those(rows, column))
    ]
    named = [words.get(column["label"], column["label"]) for column, _ in columns]
    lines = [[*(fill(head, rows[0]) for head in table.get("head", [])), *named]]
    for kind in table["rows"]:
        groups = {}
        for row in _those(rows, kind):
            groups.setdefault(tuple(fill(label, row) for label in kind["labels"]), []).append(row)
        for labels, group in groups.items():
            cells = [
                _cell([r for r in group if fill(template, r) == column["label"]], column, kind)
                for column, template in columns
            ]
            lines.append([words.get(cell, cell) for cell in (*labels, *cells)])
    texts = len(lines[0]) if table.get("text") else max(1, len(table.get("head", [])))
    lines.insert(1, ["---"] * texts + ["--:"] * (len(lines[0]) - texts))
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def fill(template, row):
    """Fills a template; empty where a field outside of square brackets is empty.

    >>> fill("{psnr:.1f}[ ({paper})]", {"psnr": "40.12", "paper": ""})
    '40.1'
    """
    empty = False

    def field(match):
        nonlocal empty
        value = row[match[1]]
        if value in ("", "nan", None):
            empty = True
            return ""
        return show(value, match[2], row)

    def optional(match):
        values = [row[name] for name, _ in FIELD.findall(match[1])]
        return "" if {"", "nan"} & set(values) else match[1]

    text = FIELD.sub(field, re.sub(r"\[(.*?)\]", optional, template))
    return "" if empty else text.strip()


def show(value, form, row):
    """Returns a value in one of `FORMATS`, or as Python formats a number."""
    if not form:
        return str(value)
    return FORMATS[form](value, row) if form in FORMATS else f"{float(value):{form}}"


def _share(value, row):
    if int(row["images"]) > FEW:
        return f"{100 * float(value):.1f}"
    return FORMATS["count"](value, row)


def _error_rate(value, row):
    percent = 100 * float(value)
    return f"{percent:.2g}" if percent < 1 else f"{percent:.2f}"


def _p_value(value, row):
    return "≤ 0.0001" if float(value) <= 1e-4 else f"{float(value):.1g}"


FORMATS = {
    "count": lambda value, row: f"{round(float(value) * int(row['images']))}/{row['images']}",
    "share": _share,  # 9/10 of few images, 90.0 (%) of many
    "ber": _error_rate,  # %, small ones with two digits
    "p": _p_value,
    "right": lambda value, row: f"{100 - 100 * float(value):.1f}",  # % right, of a share of errors
    "right0": lambda value, row: f"{100 - 100 * float(value):.0f}",
    "%0": lambda value, row: f"{100 * float(value):.0f}",
    "%1": lambda value, row: f"{100 * float(value):.1f}",
    "%2": lambda value, row: f"{100 * float(value):.2f}",
    "number": lambda value, row: f"{float(value):.3g}" if set(value) & {".", "e"} else value,
    "equal": lambda value, row: "equal" if float(value) >= 100 else f"{float(value):.2f}",  # dB
}


def _cell(rows, column, kind):
    rows = _those(rows, column)
    template = kind.get("cell") or column["cell"]
    pick = column.get("pick", 0)
    if not rows:
        return ""
    if pick == "all":
        return "/".join(fill(template, row) for row in rows)
    return fill(template, _pool(rows, template) if pick == "pool" else rows[pick])


def _pool(rows, template):
    weights = [int(row.get("images", 1)) for row in rows]
    pooled = {"images": str(sum(weights))}
    for name, _ in FIELD.findall(template):
        values = [float(row[name]) for row in rows]
        mean = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
        pooled.setdefault(name, str(mean))
    return pooled


def _those(rows, spec):
    where = spec.get("where", {}).items()
    return [row for row in rows if all(re.fullmatch(form, row[key]) for key, form in where)]


def _seeds(rows):
    """One row for each kind of training: how many seeds learn, and when the slowest has."""
    runs = {}
    for row in rows:
        kind, _, seed = row["run"].rpartition("-")
        runs.setdefault(kind, {}).setdefault(seed, []).append(row)
    for kind, seeds in runs.items():
        right = [[1 - float(r["val_logits_bit_error_rate"]) for r in s] for s in seeds.values()]
        epochs = [next((i for i, a in enumerate(s, 1) if a > 0.9), None) for s in right]
        psnr = [float(s[-1]["val_watermarked_psnr"]) for s in seeds.values()]
        yield {
            "kind": kind,
            "learned": f"{sum(map(bool, epochs))} of {len(epochs)}",
            "slowest": str(100 * max(epochs)) if all(epochs) else "never",
            "worst": str(min(map(max, right))),
            "psnr": " to ".join(f"{v:.1f}" for v in sorted({min(psnr), max(psnr)})),
        }


def _cards():
    """One row for each network that comes with tfwm."""
    for path in sorted((ROOT / "saved_models").glob("*/card.json")):
        card = json.loads(path.read_text())
        geometry = card["geometry"]
        block = geometry.get("block", [1, 1])
        number = geometry.get("bits", 1)
        bits = "1 bit" if number == 1 else f"{number} bits"
        place = f"{block[0]} x {block[1]} pixels"
        place = f"the photo, squeezed to {place}" if geometry.get("whole") else f"every {place}"
        message = "a picture" if block == [1, 1] else f"{bits} in {place}"
        yield {"name": card["name"], "message": message}


PREPARE = {"seeds": lambda rows: list(_seeds(rows)), "cards": lambda rows: list(_cards())}


def index(tables):
    """Returns results/README.md: each file, what it holds, of which data, and its command."""
    what = {table["path"].name: table["what"] for table in tables.values() if "path" in table}
    what.update(tables[OTHER])
    text = ["# Results", "", INTRODUCTION]
    for folder in sorted(path for path in RESULTS.iterdir() if path.is_dir()):
        text += ["", f"## {folder.name}", "", "| file | what | data | images |"]
        text += ["| - | - | - | --: |"]
        commands = {}
        for path in sorted(p for p in folder.iterdir() if p.suffix in (".csv", ".png")):
            data, images = "", ""
            if path.suffix == ".csv":
                command, data, images = _origin(path)
                commands.setdefault(command, []).append(path.name)
            elif path.with_suffix(".csv").is_file():
                what.setdefault(path.name, f"Plot of {path.stem}.csv")
            if path.name not in what:
                raise KeyError(f"{path} is described nowhere: add it to results/tables.toml")
            name = f"[{path.name}]({folder.name}/{path.name})"
            text.append(f"| {name} | {what[path.name]} | {data} | {images} |")
        text.append("")
        for command, names in commands.items():
            text += [f"    # {', '.join(names)}", f"    {command or 'command not recorded'}"]
    return "\n".join(text) + "\n"


def _origin(path):
    """Returns command, data and number of images of a result, from its head or its rows."""
    rows, head = read_rows(path)
    command = next((line for line in head if re.match(r"(tfwm \D|python )", line)), "")
    found = re.search(r"(?:^|; )data (.+?)(?:, (\d+) images.*)?$", "\n".join(head), re.MULTILINE)
    data = found[1] if found else (re.findall(r"--images (\S+)", command) or [""])[0]
    numbers = [found[2]] if found and found[2] else [row.get("images", "") for row in rows]
    return command, data, ", ".join(dict.fromkeys(number for number in numbers if number))


if __name__ == "__main__":
    sys.exit(main())
