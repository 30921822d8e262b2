"""Photos from and to disk: any mode in, the same kind out, metadata kept, no half-written file."""

from tfwm.images.luma import add_colours, add_luminance, luminance
from tfwm.images.photo import ImageError, Photo
from tfwm.images.reading import read_photo
from tfwm.images.writing import check_output, encode_photo, write_encoded, write_photo

__all__ = [
    "ImageError",
    "Photo",
    "add_colours",
    "add_luminance",
    "check_output",
    "encode_photo",
    "luminance",
    "read_photo",
    "write_encoded",
    "write_photo",
]
