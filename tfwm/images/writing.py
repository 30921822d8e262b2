"""Writes photos to files that appear whole or not at all."""

import dataclasses
import io
import os
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, features

from tfwm.checks import is_number, one_line, one_of, shortened
from tfwm.files import check_writable, write_whole
from tfwm.images.animation import Animation, encode_frames, to_palette
from tfwm.images.arrays import to_uint8
from tfwm.images.deep import encode_deep
from tfwm.images.encoding import LOSSY, Encoding, default_encoding
from tfwm.images.kinds import PLUGINS, need_plugin
from tfwm.images.photo import ImageError
from tfwm.images.placing import place

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
# Formats that hold 16-bit gray, and 16-bit color.
DEEP_GRAY, DEEP_COLOR = ("PNG", "TIFF", "JXL"), ("PNG", "TIFF")
# Formats by the names that users know; `KEEP` is the photo's own, or PNG if that is not written.
KEEP = "keep"
ENDINGS = {name: f".{name}" for name in ("png", "jpg", "webp", "avif", "heic", "jxl", "gif")}


def check_output(path, quality=None, overwrite=False):
    """Checks before the work whether a photo can be written to `path`.

    Args:
        path: file to write; its ending chooses the format.
        quality: of JPEG, AVIF, HEIC or WebP, or `None`.
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
    if os.path.lexists(path) and not overwrite:
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
                "A quality goes with JPEG, AVIF, WebP and HEIC; "
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

    PNG, TIFF, JPEG XL and, without a quality, WebP are lossless; JPEG and AVIF are written without
    chroma subsampling, HEIC as phones write it (4:2:0), GIF with 256 dithered colors. Transparency
    and several frames need a format that holds them.

    Args:
        photo: `Photo` or `Animation`.
        path: file to write; its ending chooses the format.
        quality: 1 to 100, for JPEG (95 if `None`), AVIF and HEIC (90) and WebP (lossless).
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


def format_of(path):
    """Returns Pillow's name of the format that a path's ending chooses."""
    return FORMATS[Path(path).suffix.lower()]


def encode_photo(photo, path, quality=None):
    """Returns the bytes of the file `path`.

    Args:
        photo: `Photo` or `Animation`.
        path: its ending chooses the format.
        quality: 1 to 100, `None`, or an `Encoding`; it does not count for PNG, TIFF and GIF.
    """
    file_format = format_of(path)
    encoding = quality
    if not isinstance(encoding, Encoding):
        encoding = default_encoding(file_format, quality)
    placed = place(photo.metadata, file_format)
    options = {**encoding.options(), **placed.options}
    if isinstance(photo, Animation):
        return placed.finish(encode_frames(photo, file_format, options))
    need_plugin(file_format, path)
    photo = _fit(photo, file_format)
    if file_format == "TIFF":
        options["compression"] = _tiff_compression(options.get("exif"))
    try:
        if photo.pixels.dtype == np.uint16 and photo.samples().shape[2] > 1:
            return placed.finish(encode_deep(photo.samples(), file_format, options))
        image = to_palette(photo) if file_format == "GIF" else photo.to_pil()
        image.info = {key: image.info[key] for key in ("transparency",) if key in image.info}
        buffer = io.BytesIO()
        image.save(buffer, file_format, **options)
        return placed.finish(buffer.getvalue())
    except ImageError:
        raise
    except Exception as error:  # such as a side longer than the format allows
        raise ImageError(
            f"{photo.name} cannot be saved as {file_format} ({one_line(error)}): choose another "
            "format."
        ) from error


def told_losses(photo, path):
    """Returns sentences about what the file `path` cannot carry of what the photo's file did."""
    file_format = format_of(path)
    told = [*photo.losses, *place(photo.metadata, file_format).notes]
    if photo.pixels.dtype == np.uint16 and not _holds(photo, file_format):
        told.append(f"16 bits were rounded to the 8 that {file_format} holds")
    return told


def write_encoded(encoded, path, overwrite=False):
    """Writes the bytes of a file, whole or not at all; returns its path."""
    try:
        return write_whole(path, encoded, overwrite)
    except OSError as error:
        raise ImageError(str(error)) from error


def _holds(photo, file_format):
    """Whether a format holds as many bits as the photo has."""
    gray = photo.samples().shape[2] == 1
    return photo.pixels.dtype == np.uint8 or file_format in (DEEP_GRAY if gray else DEEP_COLOR)


def _fit(photo, file_format):
    if not _holds(photo, file_format):
        if photo.pixels.dtype != np.uint16:
            raise ImageError(
                f"{file_format} holds 8 bits, {photo.name} has floats: save as .png or .tif."
            )
        alpha = photo.alpha if photo.alpha is None else to_uint8(photo.alpha)
        photo = dataclasses.replace(photo, pixels=to_uint8(photo.pixels), alpha=alpha)
    if photo.alpha is not None and file_format == "JPEG":
        if photo.alpha.min() < np.iinfo(photo.alpha.dtype).max:
            raise ImageError(
                f"JPEG holds no transparency, {photo.name} has some: save as .png, .webp or .tif."
            )
        photo = dataclasses.replace(photo, alpha=None)
    return photo


def _tiff_compression(exif):
    """Pillow writes the EXIF and GPS tables of a TIFF only into uncompressed files."""
    tags = exif
    if isinstance(exif, bytes):
        tags = Image.Exif()
        tags.load(exif)
    tables = {ExifTags.Base.ExifOffset, ExifTags.Base.GPSInfo}
    return "raw" if tables.intersection(tags or ()) else "tiff_adobe_deflate"
