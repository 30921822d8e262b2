import numpy as np
import pytest

from tfwm.data import watermark_image
from tfwm.protection import decode_qr


@pytest.mark.parametrize("side", [32, 64])
def test_decodes_what_is_there(side):
    code = watermark_image("qr:TFWM KEYED", side, 1)
    faint = 0.5 + 0.2 * (code - 0.5)
    blank = np.full_like(code, 0.5)
    trace = 0.5 + 0.04 * (code - 0.5)
    colour = [np.repeat(image, 3, -1) for image in (code, blank)]
    text = "TFWM KEYED"
    assert decode_qr([code, faint, blank, trace]) == [text, text, None, None]
    assert decode_qr(np.stack(colour)) == [text, None]
    assert decode_qr(np.uint8(255 * code)[None]) == [text]
