"""What all figures share: a canvas, its colors, rows of pictures, and the way to a file."""

import io
from pathlib import Path

from tfwm.checks import need
from tfwm.files import write_whole
from tfwm.images.arrays import plane

COLORS = ("#0b6e69", "#c44e2a", "#4a5fa5", "#8a6d1b", "#7b4b94", "#3f7d3a")


def new_figure(width, height):
    """Returns an empty figure; sides in inches."""
    figure = need("matplotlib.figure", "evaluate").Figure((width, height), layout="constrained")
    need("matplotlib.backends.backend_agg", "evaluate").FigureCanvasAgg(figure)
    return figure


def picture_figure(lines, width, height, size=8, interpolation="nearest"):
    """Returns a figure of lines of pictures under their captions.

    Args:
        lines: list of lines, each of pairs of caption and uint8 picture.
        width, height: of one picture with its caption, in inches.
        size: of the captions, in points.
        interpolation: of the pixels, see `matplotlib.axes.Axes.imshow`.
    """
    columns = max(map(len, lines))
    figure = new_figure(width * columns, height * len(lines))
    axes = figure.subplots(len(lines), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, line in zip(axes, lines, strict=True):
        for axis, (caption, picture) in zip(row, line, strict=False):
            axis.imshow(plane(picture), "gray", vmin=0, vmax=255, interpolation=interpolation)
            axis.set_title(caption, fontsize=size)
    return figure


def figure_bytes(figure, format="png"):
    """Returns a figure as the bytes of a file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format, dpi=130)
    return buffer.getvalue()


def save_figure(figure, output, name):
    """Writes to a file, or under the figure's name into a folder; returns the path."""
    path = Path(output)
    if path.suffix.lower() in (".gif", ".jpeg", ".jpg", ".tif", ".tiff", ".webp"):
        raise ValueError(
            f"Expected a folder, or a file that ends in .png, .svg or .pdf. Received: {path}"
        )
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        path = path / f"{name}.png"
    return write_whole(path, figure_bytes(figure, path.suffix[1:].lower()))
