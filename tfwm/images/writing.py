"""Writes photos to files that appear whole or not at all."""

import dataclasses
import io
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, features
from PIL.PngImagePlugin import PngInfo

from tfwm.checks import is_number, one_line, one_of, shortened
from tfwm.files import check_writable, write_whole
from tfwm.images.animation import Animation, encode_frames, to_palette
from tfwm.images.kinds import PLUGINS, need_plugin
from tfwm.images.photo import ImageError

FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jfif", ".jpe", ".pjpeg", ".pjp"), "JPEG"),
    ".png": "PNG",
    ".avif": "AVIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".apng": "PNG",
    **dict.fromkeys(PLUGINS["HEIF"].endings, "HEIF"),
    ".jxl": "JXL",
}
# Formats by the names that users know; `KEEP` is the photo's own, or PNG if that is not written.
KEEP = "keep"
ENDINGS = {name: f".{name}" for name in ("png", "jpg", "webp", "avif", "heic", "jxl", "gif")}
# JPEG and AVIF are saved without chroma subsampling, which would change luminance as well.
JPEG_QUALITY = 95
AVIF_QUALITY = 90
HEIF_QUALITY = 90
LOSSY = ("JPEG", "AVIF", "HEIF")


def check_output(path, quality=None, overwrite=False):
    """Checks before the work whether a photo can be written to `path`.

    Args:
        path: file to write; its ending chooses the format.
        quality: of JPEG, AVIF or HEIC, or `None`.
        overwrite: whether an existing file may be replaced.

    Returns:
        The format's name.

    Raises:
        ImageError: one line that says why the photo cannot be written.
    """
    path = Path(path)
    file_format = check_format(path, quality)
    if not path.parent.is_dir():
        raise ImageError(f"The folder {path.parent} does not exist: make it first.")
    check_writable(path)
    if path.exists() and not path.is_file():
        raise ImageError(f"{path} is not an ordinary file: choose another name.")
    if path.exists() and not overwrite:
        raise ImageError(f"{path} exists: choose another name, or overwrite it (--overwrite).")
    return file_format


def check_format(path, quality=None):
    """Returns the format that the ending of `path` chooses; see `check_output`."""
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ImageError(
            f"{path} has no ending that is known: expected one of {' '.join(FORMATS)}; "
            "rename the file."
        )
    need_plugin(file_format, path)
    if file_format == "WEBP" and not features.check("webp"):
        raise ImageError(f"This Pillow cannot write {file_format}: save as .png instead.")
    if quality is not None:
        if file_format not in LOSSY:
            raise ImageError(
                "A quality goes with JPEG, AVIF and HEIC only; "
                f"{file_format} is lossless: leave it out."
            )
        if not is_number(quality, int) or not 1 <= quality <= 100:
            raise ImageError(
                f"Expected a quality from 1 to 100. Received: quality={shortened(quality)}"
            )
    return file_format


def ending_of(photo, file_format=KEEP):
    """Returns the ending of the file that a photo becomes, such as `".png"`.

    Args:
        photo: `Photo`.
        file_format: one of `ENDINGS`, or `"keep"` for the photo's own, and PNG if that is not
            written.
    """
    if file_format == KEEP:
        own = (ending for ending, name in FORMATS.items() if name == photo.file_format)
        return next(own, ".png")
    return ENDINGS[one_of("file_format", file_format, (*ENDINGS, KEEP))]


def write_photo(photo, path, quality=None, overwrite=False):
    """Writes a photo with its metadata; the file appears whole or not at all.

    PNG, WebP, TIFF and JPEG XL are saved lossless, JPEG and AVIF without chroma subsampling, HEIC
    as phones write it (4:2:0), GIF with 256 dithered colors. Transparency, 16-bit gray and several
    frames need a format that holds them.

    Args:
        photo: `Photo` or `Animation`.
        path: file to write; its ending chooses the format.
        quality: 1 to 100, for JPEG (95 if `None`), AVIF (90) and HEIC (90).
        overwrite: whether an existing file may be replaced.

    Returns:
        `pathlib.Path` of the file.

    Example:

    >>> write_photo(read_photo("photo.jpg"), "copy.png")
    PosixPath('copy.png')
    """
    path = Path(path)
    check_output(path, quality, overwrite)
    return write_encoded(encode_photo(photo, path, quality), path, overwrite)


def encode_photo(photo, path, quality=None):
    """Returns the bytes of the file `path`; a quality does not count for a lossless format."""
    file_format = FORMATS[Path(path).suffix.lower()]
    metadata = dict(photo.metadata)
    text = metadata.pop("text", {})
    if isinstance(photo, Animation):
        more = {"pnginfo": _png_text(text, metadata.get("xmp"))} if file_format == "PNG" else {}
        return encode_frames(photo, file_format, quality, **more)
    photo = _fit(photo, file_format)
    if file_format == "JPEG":
        options = {"quality": quality or JPEG_QUALITY, "subsampling": 0}
    elif file_format == "AVIF":
        options = {"quality": quality or AVIF_QUALITY, "subsampling": "4:4:4"}
    elif file_format == "HEIF":
        # What phones write and all viewers show; 4:4:4 is not.
        options = {"quality": quality or HEIF_QUALITY, "chroma": 420}
    elif file_format == "JXL":
        options = {"lossless": True}
    elif file_format == "GIF":
        options = {"optimize": False}
        metadata = {key: value for key, value in metadata.items() if key == "comment"}
    elif file_format == "WEBP":
        # exact: the mark also lies under full transparency.
        options = {"lossless": True, "exact": True}
    elif file_format == "TIFF":
        options = {"compression": _tiff_compression(metadata.get("exif"))}
    else:
        options = {"pnginfo": _png_text(text, metadata.pop("xmp", None))}
    image = to_palette(photo) if file_format == "GIF" else photo.to_pil()
    image.info = {k: v for k, v in image.info.items() if k == "transparency"}
    buffer = io.BytesIO()
    try:
        image.save(buffer, file_format, **options, **metadata)
    except Exception as error:  # such as a side longer than the format allows
        raise ImageError(
            f"{photo.name} cannot be saved as {file_format} ({one_line(error)}): choose another "
            "format."
        ) from error
    return buffer.getvalue()


def write_encoded(encoded, path, overwrite=False):
    """Writes the bytes of a file, whole or not at all; returns its path."""
    try:
        return write_whole(path, encoded, overwrite)
    except OSError as error:
        raise ImageError(str(error)) from error


def _fit(photo, file_format):
    if photo.pixels.dtype != np.uint8 and file_format not in ("PNG", "TIFF", "JXL"):
        raise ImageError(
            f"{file_format} holds 8 bits, {photo.name} has more: save as .png or .tif."
        )
    if photo.alpha is not None and file_format == "JPEG":
        if photo.alpha.min() < np.iinfo(photo.alpha.dtype).max:
            raise ImageError(
                f"JPEG holds no transparency, {photo.name} has some: save as .png, .webp or .tif."
            )
        photo = dataclasses.replace(photo, alpha=None)
    return photo


def _tiff_compression(exif):
    """Pillow writes the EXIF and GPS tables of a TIFF only into uncompressed files."""
    tags = Image.Exif()
    if exif:
        tags.load(exif)
    tables = {ExifTags.Base.ExifOffset, ExifTags.Base.GPSInfo}
    return "raw" if tables.intersection(tags) else "tiff_adobe_deflate"


def _png_text(text, xmp):
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_itxt(key, value)
    if xmp:
        value = xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else xmp
        chunks.add_itxt("XML:com.adobe.xmp", value)
    return chunks
