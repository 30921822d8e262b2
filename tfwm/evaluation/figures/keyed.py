"""Figures of watermarked networks, from what `tfwm.recipes.keyed` measured and made.

Wu et al. have no such curves. Their Figures 5 and 6 are pictures of each task, with a QR code and
with a color image as watermark.
"""

from tfwm.images.drawing import COLORS, new_figure


def key_figure(curves):
    """Draws what wrong keys read against their Hamming distance from the right one.

    Args:
        curves: dict of run and rows of `tfwm.evaluation.ownership.hamming_curve`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = new_figure(9, 3.2)
    axis = figure.subplots()
    for color, (name, rows) in zip(COLORS, curves.items(), strict=False):
        distances = [row["distance"] for row in rows]
        label = f"{name}: " if len(curves) > 1 else ""
        for key, text, style in (
            ("similarity", "mean similarity", "o-"),
            ("largest", "largest similarity", "^:"),
            ("qr", "QR codes decoded", "s--"),
        ):
            if rows[0][key] is not None:
                values = [row[key] for row in rows]
                axis.plot(distances, values, style, color=color, ms=3, label=label + text)
    axis.set_xscale("symlog", base=2, linthresh=1)
    axis.set(xlabel="wrong bits of the key", ylim=(-0.3, 1.05))
    axis.set_xticks(distances, [str(n) for n in distances])
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=7)
    return figure


def distortion_figure(curves):
    """Draws what is read from distorted outputs against the level of the distortion.

    Args:
        curves: dict of run and rows of
            `tfwm.evaluation.ownership.distortion_curves`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    names = list(dict.fromkeys(row["damage"] for rows in curves.values() for row in rows))
    figure = new_figure(3.1 * len(names), 3.1)
    for axis, damage in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for color, (name, rows) in zip(COLORS, curves.items(), strict=False):
            mine = [row for row in rows if row["damage"] == damage]
            levels = [row["level"] for row in mine]
            axis.plot(levels, [r["similarity"] for r in mine], "o-", color=color, ms=3, label=name)
            if mine[0]["qr"] is not None:
                axis.plot(levels, [r["qr"] for r in mine], "s--", color=color, ms=3)
        axis.set(xlabel=damage, ylim=(-0.1, 1.05))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    figure.suptitle("similarity; dashed: QR codes decoded", fontsize=9)
    return figure
