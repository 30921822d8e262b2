import numpy as np
import pytest
from barrier_edits import EDITS, edited


@pytest.mark.parametrize("label", EDITS)
def test_edits_of_color_and_gray_images(label, photo, gray_photo):
    for image in (photo, gray_photo):
        image = np.uint8(np.round(255 * image[0]))
        copy = edited(image, EDITS[label], 3)
        assert copy.dtype == np.uint8 and copy.shape[-1] == image.shape[-1]
        np.testing.assert_array_equal(copy, edited(image, EDITS[label], 3))
        area = 1.0
        for name, level in EDITS[label]:
            area *= {"scale": level**2, "crop": level}.get(name, 1)
        assert copy[..., 0].size / image[..., 0].size == pytest.approx(area, rel=0.02)
        assert label == "none" or copy.shape != image.shape or (copy != image).any()
