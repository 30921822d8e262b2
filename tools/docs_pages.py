"""Add the generated pages to the documentation site; a hook of MkDocs (see mkdocs.yml).

- `reference/<part>.md`: the public names of each part of tfwm, described by their docstrings.
- `recipes.md`: the settings of every recipe.
- `design.md`, `changelog.md`, `results/README.md`: pages that lie outside of docs/.

Links from a page to a file of the repository outside of docs/ lead to a copy in the site.
"""

import importlib
import inspect
import os
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# Pages of the repository, and where they lie on the site.
PAGES = {
    "CONTRIBUTING.md": "design.md",
    "CHANGELOG.md": "changelog.md",
    "results/README.md": "results/README.md",
}
PARTS = (
    "attacks",
    "batch.folders",
    "corners",
    "data",
    "data.tasks",
    "distortions",
    "evaluation",
    "export",
    "images",
    "layers",
    "losses",
    "marking",
    "metrics",
    "networks",
    "payload",
    "protection",
    "provenance",
    "recipes",
    "register",
    "training",
)
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def on_config(config):
    """List the pages of the reference in the navigation."""
    pages = ["reference/index.md", *(f"reference/{part}.md" for part in ("tfwm", *PARTS))]
    for entry in config.nav:
        if "API reference" in entry:
            entry["API reference"] = pages


def on_files(files, config):
    """Add generated pages and the files that pages link to."""
    for source, target in PAGES.items():
        if (ROOT / source).is_file():
            text = (ROOT / source).read_text()
            files.append(File.generated(config, target, content=text))
    for target, text in {**reference(), "recipes.md": recipes()}.items():
        files.append(File.generated(config, target, content=text))
    for file in list(files.documentation_pages()):
        for path in linked_files(file):
            if files.get_file_from_path(site_path(path)) is None:
                copy = File.generated(config, site_path(path), abs_src_path=str(ROOT / path))
                files.append(copy)
    return files


def on_page_markdown(markdown, page, config, files):
    """Lead links out of docs/ to the pages and copies on the site."""
    here = home(page.file)

    def replace(match):
        path = outside(here, match[2])
        if path is None:
            return match[0]
        target = posixpath.relpath(site_path(path), posixpath.dirname(page.file.src_uri) or ".")
        return match[1] + target + match[3]

    return LINK.sub(replace, markdown)


def home(file):
    """Return the folder of a page's source in the repository, with slashes."""
    source = next((s for s, target in PAGES.items() if target == file.src_uri), None)
    return posixpath.dirname(source or f"docs/{file.src_uri}")


def outside(here, link):
    """Return the path of a linked file that lies outside of docs/, or `None`."""
    if ":" in link or link.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(here, link))
    if path.startswith("..") or not (ROOT / path).exists():
        return None
    return path if not path.startswith("docs/") or here.split("/")[0] != "docs" else None


def site_path(path):
    """Return where a file of the repository lies on the site."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return path


def linked_files(file):
    """Return the files outside of docs/ that a page links to."""
    paths = (outside(home(file), link) for _, link, _ in LINK.findall(file.content_string))
    return {p for p in paths if p and p not in PAGES and (ROOT / p).is_file()}


def reference():
    """Return the pages of the API reference, `{path: text}`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pages = {"reference/tfwm.md": page_of("tfwm", ["load", "Watermarker"])}
    for part in PARTS:
        module = importlib.import_module(f"tfwm.{part}")
        pages[f"reference/{part}.md"] = page_of(f"tfwm.{part}", public_names(module))
    lines = ["# API reference", "", "| | |", "| --- | --- |"]
    for path in pages:
        name = Path(path).stem
        name = name if name == "tfwm" else f"tfwm.{name}"
        summary = first_line(importlib.import_module(name))
        lines.append(f"| [`{name}`]({posixpath.basename(path)}) | {summary} |")
    return {"reference/index.md": "\n".join(lines) + "\n", **pages}


def public_names(module):
    """Return what a module shows: its `__all__`, or what is defined in it."""
    own = (name for name, thing in vars(module).items() if is_own(module, name, thing))
    return getattr(module, "__all__", None) or list(own)


def is_own(module, name, thing):
    """Whether a module defines something public, with a description."""
    return (
        not name.startswith("_")
        and getattr(thing, "__module__", None) == module.__name__
        and bool(thing.__doc__)
    )


def page_of(part, names):
    """Return the page of one part."""
    module = importlib.import_module(part)
    lines = [f"# {part}", "", first_line(module), ""]
    for name in sorted(names, key=str.lower):
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            lines += [f"::: {thing.__module__}.{thing.__qualname__}", options(thing), ""]
    return "\n".join(lines)


def options(thing):
    """Return the options of one entry: a class shows its public, described methods."""
    if not inspect.isclass(thing):
        return ""
    methods = [
        name
        for name, value in vars(thing).items()
        if not name.startswith("_") and inspect.isfunction(value) and value.__doc__
    ]
    return "    options:\n      members: " + (f"[{', '.join(methods)}]" if methods else "false")


def first_line(module):
    """Return the first sentence of a module's docstring."""
    text = " ".join((module.__doc__ or "").split("\n\n")[0].split())
    return text if text.endswith(".") or not text else text + "."


def recipes():
    """Return the page of all recipes' settings."""
    try:
        from tfwm.recipes import recipe_names, settings_markdown
    except ImportError:
        return "# Settings of recipes\n\n`tfwm train RECIPE --help` lists the settings.\n"
    text = [
        "# Settings of recipes",
        "`tfwm train RECIPE --config FILE key=value` sets them; `tfwm train RECIPE --help` prints "
        "this page for one recipe.",
    ]
    text += [settings_markdown(name) for name in recipe_names()]
    return "\n\n".join(text) + "\n"
