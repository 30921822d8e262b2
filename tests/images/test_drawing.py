import numpy as np

from tfwm.images.drawing import picture_figure


def test_pictures_lie_under_their_captions():
    line = {"input": np.full((4, 4, 1), 7, np.uint8), "output": np.full((8, 8, 3), 9, np.uint8)}
    figure = picture_figure([line.items()] * 2, 1.7, 2, 7)
    assert [axis.get_title() for axis in figure.axes] == ["input", "output"] * 2
    shown = [axis.images[0].get_array() for axis in figure.axes]
    assert shown[0].shape == (4, 4) and shown[1].shape == (8, 8, 3) and (shown[3] == 9).all()
