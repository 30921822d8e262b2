"""Photos from and to disk, whole and with metadata; their luminance, their PSNR and SSIM."""

from tfwm.images.animation import Animation
from tfwm.images.arrays import is_array, largest_level, plane, to_float, to_uint8
from tfwm.images.batches import from_photos, to_photos
from tfwm.images.encoding import Encoding, encodings
from tfwm.images.luma import add_colors, add_luminance, luminance
from tfwm.images.photo import DamagedError, ImageError, Photo
from tfwm.images.pictures import amplify, data_uri
from tfwm.images.quality import large_ssim, mean_quality, psnr, ssim
from tfwm.images.reading import (
    claimed_size,
    count_pixels,
    decode_any,
    decode_photo,
    read_any,
    read_photo,
)
from tfwm.images.saving import PhotoImage
from tfwm.images.writing import (
    KEEP,
    check_output,
    encode_photo,
    ending_of,
    format_of,
    told_losses,
    write_encoded,
    write_photo,
)

__all__ = [
    "KEEP",
    "Animation",
    "amplify",
    "data_uri",
    "from_photos",
    "is_array",
    "large_ssim",
    "largest_level",
    "mean_quality",
    "plane",
    "psnr",
    "ssim",
    "to_float",
    "to_photos",
    "to_uint8",
    "Encoding",
    "DamagedError",
    "ImageError",
    "Photo",
    "PhotoImage",
    "add_colors",
    "add_luminance",
    "check_output",
    "claimed_size",
    "count_pixels",
    "decode_any",
    "decode_photo",
    "ending_of",
    "encode_photo",
    "encodings",
    "format_of",
    "luminance",
    "read_any",
    "read_photo",
    "told_losses",
    "write_encoded",
    "write_photo",
]
