"""What services and people do to a photo in one go: scaling, cropping and saving again.

Services differ and change; these are their common steps with typical numbers, not copies of
one of them. Sizes are given for camera photos; smaller ones shrink by a factor instead, since
the photos of test sets would otherwise pass through untouched.
"""

import numpy as np
from PIL import Image, ImageFilter

from tfwm.distortions.codecs import jpeg, webp
from tfwm.distortions.geometry import crop, resize, scale, screenshot
from tfwm.distortions.registry import distortion
from tfwm.distortions.tone import brightness, contrast, saturation


@distortion(changes_size=True)
def social_post(image, level):
    """A post: 1080 pixels wide (or by 0.75), sharpened a little, JPEG of the quality `level`."""
    return jpeg(_sharpen(_shrink(image, image.shape[1], 1080, 0.75)), level)


@distortion(changes_size=True)
def messenger(image, level):
    """A chat: 1280 pixels on the long side (or by 0.6), JPEG of the quality `level`."""
    return jpeg(_shrink(image, max(image.shape[:2]), 1280, 0.6), level)


@distortion(changes_size=True)
def forwarded(image, level, quality=70):
    """Handed on in chats `level` times: by 0.9 and JPEG `quality` each time."""
    for _ in range(int(level)):
        image = jpeg(scale(image, 0.9), quality)
    return image


@distortion(changes_size=True)
def post_screenshot(image, level, generator):
    """A screenshot of a post, cut to 85 percent of it, posted as JPEG of the quality `level`."""
    return jpeg(crop(screenshot(image, 0.7, generator), 0.85, generator), level)


@distortion(changes_size=True)
def story(image, level, generator):
    """Cut to 4:5 at a random place, 1080 wide (or by 0.8), JPEG of the quality `level`."""
    height, width = image.shape[:2]
    rows, columns = min(height, width * 5 // 4), min(width, height * 4 // 5)
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    cut = image[top : top + rows, left : left + columns]
    return jpeg(_shrink(cut, columns, 1080, 0.8), level)


@distortion(changes_size=True)
def phone_edit(image, level, generator):
    """Cut to 90 percent, lighter, more contrast and colour, JPEG of the quality `level`."""
    cut = crop(image, 0.9, generator)
    return jpeg(saturation(contrast(brightness(cut, 1.1), 1.15), 1.25), level)


@distortion(changes_size=True, codec="webp")
def link_preview(image, level):
    """600 pixels on the long side (or by 0.5), WebP of the quality `level`."""
    return webp(_shrink(image, max(image.shape[:2]), 600, 0.5), level)


@distortion(changes_size=True)
def profile_picture(image, level):
    """The square in the middle, 400 pixels (or by 0.7), JPEG of the quality `level`."""
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
