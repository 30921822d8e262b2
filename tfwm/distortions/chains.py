"""Chains of what services and people do to a photo: scaling, cropping and saving again.

Services differ and change. These are their common steps with typical numbers, not copies of
one service. Sizes are given for camera photos; smaller photos shrink by a factor instead, since
the photos of test sets would otherwise not change.
"""

import numpy as np
from PIL import Image, ImageFilter

from tfwm.distortions.codecs import jpeg, webp
from tfwm.distortions.geometry import crop, resize, scale, screenshot
from tfwm.distortions.registry import distortion
from tfwm.distortions.tone import brightness, contrast, saturation


@distortion(changes_size=True)
def social_post(image, level):
    """Posts a photo: 1080 pixels wide (or by 0.75), a little sharper, JPEG quality `level`."""
    return jpeg(_sharpen(_shrink(image, image.shape[1], 1080, 0.75)), level)


@distortion(changes_size=True)
def messenger(image, level):
    """Sends a photo in a chat: long side 1280 pixels (or by 0.6), JPEG quality `level`."""
    return jpeg(_shrink(image, max(image.shape[:2]), 1280, 0.6), level)


@distortion(changes_size=True)
def forwarded(image, level, quality=70):
    """Forwards a photo in chats `level` times: scaled by 0.9 and JPEG `quality` each time."""
    for _ in range(int(level)):
        image = jpeg(scale(image, 0.9), quality)
    return image


@distortion(changes_size=True)
def post_screenshot(image, level, generator):
    """Takes a screenshot of a post, cuts it to 85 percent, posts it as JPEG quality `level`."""
    return jpeg(crop(screenshot(image, 0.7, generator), 0.85, generator), level)


@distortion(changes_size=True)
def story(image, level, generator):
    """Cuts to 4:5 at a random place, 1080 wide (or by 0.8), JPEG of the quality `level`."""
    height, width = image.shape[:2]
    rows, columns = min(height, width * 5 // 4), min(width, height * 4 // 5)
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    cut = image[top : top + rows, left : left + columns]
    return jpeg(_shrink(cut, columns, 1080, 0.8), level)


@distortion(changes_size=True)
def phone_edit(image, level, generator):
    """Cuts to 90 percent, brightens, adds contrast and color, JPEG of the quality `level`."""
    cut = crop(image, 0.9, generator)
    return jpeg(saturation(contrast(brightness(cut, 1.1), 1.15), 1.25), level)


@distortion(changes_size=True, codec="webp")
def link_preview(image, level):
    """Shrinks the long side to 600 pixels (or by 0.5), WebP of the quality `level`."""
    return webp(_shrink(image, max(image.shape[:2]), 600, 0.5), level)


@distortion(changes_size=True)
def profile_picture(image, level):
    """Cuts out the square in the middle, 400 pixels (or by 0.7), JPEG quality `level`."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return jpeg(_shrink(image[top : top + side, left : left + side], side, 400, 0.7), level)


def _shrink(image, pixels, wanted, otherwise):
    """Scales `pixels` of a side to `wanted`, or by `otherwise` where that is smaller."""
    factor = min(wanted / pixels, otherwise)
    return resize(image, round(image.shape[0] * factor), round(image.shape[1] * factor))


def _sharpen(image):
    mask = ImageFilter.UnsharpMask(radius=1, percent=50, threshold=2)
    return np.array(Image.fromarray(image).filter(mask))
