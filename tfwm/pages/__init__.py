"""The HTML pages of the package: one place for templates, styles and scripts, one way to render."""

from importlib import resources

NOTHING = "–"
FILTERS = {
    "share": lambda value: NOTHING if value is None else f"{100 * value:.0f} %",
    "fine": lambda value: NOTHING if value is None else f"{100 * value:.1f} %",
    "tiny": lambda value: NOTHING if value is None else f"{value:.1e}",
}


def render(template, **values):
    """Renders a template of this folder.

    Args:
        template: file name, such as `"suite.html"`.
        **values: what the template shows. It may use the filters `share`, `fine` and `tiny`.

    Returns:
        HTML, a string.
    """
    import jinja2  # only pages need it

    loader = jinja2.PackageLoader("tfwm.pages", ".")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.filters.update(FILTERS)
    return environment.get_template(template).render(**values)


def read_text(name):
    """Returns a style sheet or a script of this folder as text."""
    return resources.files("tfwm.pages").joinpath(name).read_text("utf-8")
