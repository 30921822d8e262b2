import numpy as np
import pytest

from tfwm.evaluation.figures.keyed import distortion_figure, key_figure

KEYS = [
    {"distance": d, "similarity": s, "largest": s + 0.1, "qr": q}
    for d, s, q in ((0, 0.9, 1.0), (1, 0.1, 0.0), (2, 0.0, 0.0))
]
LEVELS = [
    {"damage": damage, "level": level, "similarity": 1 / (1 + level), "qr": None}
    for damage in ("JPEG, quality", "noise, sigma")
    for level in (1, 2, 3)
]


def test_wrong_keys_have_a_line_for_each_measure():
    axis = key_figure({"a": KEYS}).axes[0]
    lines = {line.get_label(): line.get_xydata() for line in axis.lines}
    assert list(lines) == ["mean similarity", "largest similarity", "QR codes decoded"]
    np.testing.assert_array_equal(lines["mean similarity"], [[0, 0.9], [1, 0.1], [2, 0]])
    without = [{**row, "qr": None} for row in KEYS]
    two = key_figure({"a": KEYS, "b": without}).axes[0]
    assert [line.get_label() for line in two.lines][3:] == [
        "b: mean similarity",
        "b: largest similarity",
    ]


def test_damages_have_an_axis_each():
    figure = distortion_figure({"a": LEVELS, "b": [{**row, "qr": 0.5} for row in LEVELS]})
    assert [axis.get_xlabel() for axis in figure.axes] == ["JPEG, quality", "noise, sigma"]
    for axis in figure.axes:
        assert len(axis.lines) == 3  # the code's share as well, where there is one
        assert axis.lines[0].get_ydata() == pytest.approx([1 / 2, 1 / 3, 1 / 4])
