"""Decoding QR codes in what was read."""

import numpy as np

from tfwm.checks import need

# Modules of one or two pixels are found better when enlarged.
ENLARGED = (1, 4)


def decode_qr(images):
    """Returns the text of the QR code in each image, or `None` where none is decoded.

    Uses ZXing (the package `zxing-cpp`) with its defaults. It adapts to the contrast: a code of a
    tenth of the full contrast on gray is decoded, half of that is not.

    Args:
        images: `(batch, height, width, channels)`, floats in [0, 1] or uint8.

    Returns:
        list of str or `None`.

    Example:

    >>> from tfwm.data import watermark_image
    >>> decode_qr(watermark_image("qr:tfwm", 64, 1)[None])
    ['tfwm']
    """
    zxingcpp = need("zxingcpp", "protect")
    images = np.asarray(images)
    if images.dtype != np.uint8:
        images = np.uint8(np.round(255 * np.clip(images, 0, 1)))
    formats = zxingcpp.BarcodeFormat.QRCode

    def decode(image):
        gray = np.uint8(np.round(image.mean(axis=-1)))
        for factor in ENLARGED:
            large = np.kron(gray, np.ones((factor, factor), np.uint8))
            found = [code.text for code in zxingcpp.read_barcodes(large, formats=formats)]
            if found:
                return found[0]
        return None

    return [decode(image) for image in images]
