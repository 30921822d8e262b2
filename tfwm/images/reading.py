"""Photos from files and from Pillow images."""

import contextlib
import dataclasses
import io
import os

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from tfwm.checks import one_line
from tfwm.images.animation import ANIMATED, Animation, read_frames
from tfwm.images.arrays import is_array
from tfwm.images.damaged import open_remains
from tfwm.images.deep import is_deep, is_negative, read_deep
from tfwm.images.encoding import source_encoding
from tfwm.images.jxl import jxl_size
from tfwm.images.kinds import FORMATS, HEAD_BYTES, formats_for, kind_of, refuse_preview
from tfwm.images.metadata import file_bytes, read_metadata, turned_samples
from tfwm.images.photo import DamagedError, ImageError, Photo
from tfwm.images.sources import opened
from tfwm.images.wholeness import check_strips, check_whole
from tfwm.startup import muted, without_warnings

# As Pillow's own limit, which users may change: 89.5 megapixels, or 268 MB as RGB.
MAX_PIXELS = 89_478_485
SOURCES = str | os.PathLike | bytes | bytearray | memoryview


def read_photo(source, damaged=False):
    """Reads a photo, upright and with its metadata.

    Gray, color, transparency and, of PNG and TIFF, 16 bits stay as they are. A palette and
    black-and-white become colors or grays, CMYK and Lab become RGB (by the color profile if there
    is one), other deep color becomes 8-bit; `notes` reports each change. The EXIF orientation is
    applied to the pixels and removed from the metadata. What a changed copy cannot carry, such as
    a thumbnail of the unmarked photo, is left out and told in `losses`.

    Args:
        source: path of a file; bytes of one, or a binary file object, which is read from where it
            stands to its end; `PIL.Image.Image`, `Photo`, array or tensor (`Photo.from_array`).
            A path may be a pipe that is open already, such as `/dev/stdin`, but no other pipe,
            socket or device. HEIC and JPEG XL need the extras `heif` and `jxl`.
        damaged: whether to read what is there of a file that is cut off: JPEG, PNG, WebP and
            whatever is not compressed. `rows_read` tells the share of its rows that was there;
            each missing row is the one before it.

    Returns:
        `Photo`.

    Raises:
        ImageError: one line, if the photo cannot be read; `DamagedError` if it is damaged.

    Example:

    >>> read_photo(Image.new("CMYK", (64, 48))).pixels.shape
    (48, 64, 3)
    """
    return _read(source, damaged)


def read_any(source, damaged=False):
    """Reads a photo or an animation: a GIF, WebP, PNG or AVIF with several frames.

    Args: as for `read_photo`; `source` may be an `Animation`.

    Returns:
        `Photo` or `Animation`.
    """
    return _read(source, damaged, several=True)


def _read(source, damaged, several=False):
    if isinstance(source, Photo) or (several and isinstance(source, Animation)):
        return source
    if isinstance(source, Image.Image):
        return _from_image(source, getattr(source, "filename", "") or "image", several)
    if is_array(source):
        return Photo.from_array(source)
    if not isinstance(source, SOURCES) and not hasattr(source, "read"):
        raise ImageError(
            "Expected a path, bytes, a binary file object, a PIL image or a NumPy array. "
            f"Received: {type(source).__name__}; open the photo first."
        )
    with opened(source) as (file, name):
        return _decoded(file, name, several, damaged)


def _decoded(file, name, several, damaged):
    try:
        return _from_file(file, name, several)
    except DamagedError:
        if not damaged:
            raise
        return _from_file(file, name, several, damaged=True)


def decode_photo(encoded, name="image"):
    """Reads a photo, called `name` in errors, from the bytes of a file; see `read_photo`."""
    return _from_file(io.BytesIO(encoded), name)


def decode_any(encoded, name="image", damaged=False):
    """Reads a photo or an animation, called `name` in errors, from the bytes of a file."""
    return _decoded(io.BytesIO(encoded), name, True, damaged)


def count_pixels(source):
    """Returns the number of pixels that a file claims to hold; 0 if it is no image."""
    return claimed_size(source)[0]


def claimed_size(source):
    """Returns the pixels of all frames that a file claims to hold, and the bytes of their samples.

    Nothing is decoded. Both are 0 if it is no image.
    """
    try:
        with opened(source) as (file, name), _open(file, name) as image:
            several = getattr(image, "n_frames", 1) if image.format in ANIMATED else 1
            pixels = image.width * image.height * several
            # A palette becomes colors, and may be clear.
            channels = 4 if image.mode in ("P", "PA") else len(image.getbands())
            wide = 4 if image.mode in ("F", "I") else 2 if is_deep(image) else 1
            return pixels, pixels * channels * wide
    except Exception:  # reading the photo reports it
        return 0, 0


def _from_file(file, name, several=False, damaged=False):
    try:
        with without_warnings("PIL|pi|tfwm.images"):  # what matters is said below, in our words
            if damaged:
                return _from_remains(file, name, several)
            image = _open(file, name)
            check_strips(image, name)
            photo = _from_image(image, name, several)
            check_whole(file, image, name)
            return photo
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(_too_large(name, "")) from None
    except UnidentifiedImageError:
        raise ImageError(
            f"{name} is not an image: expected one of {', '.join(FORMATS)}, HEIC, JPEG XL; "
            "convert it, or copy the photo again."
        ) from None
    except Exception as error:  # Pillow raises a dozen types on damaged files
        raise DamagedError(_damaged(name, error)) from error


def _from_remains(file, name, several):
    """What is there of a damaged photo; of a GIF, the frames before the damage."""
    file.seek(0)
    if several and kind_of(file.read(HEAD_BYTES)) == "GIF":
        file.seek(0)
        image = _open(file, name)
        if getattr(image, "n_frames", 1) > 1:
            return read_frames(image, name, _from_pil, MAX_PIXELS, damaged=True)
    image, share, note = open_remains(file, name, _open)
    if several and (share == 1 or getattr(image, "n_frames", 1) > 1):
        note = f"{note}; of an animation, only the first frame"
    photo = _from_pil(image, name)
    return dataclasses.replace(photo, rows_read=share, notes=[note, *photo.notes])


def _open(file, name):
    """The `PIL.Image.Image` of a file, its pixels not yet decoded."""
    head = file.read(HEAD_BYTES)
    if not head:
        raise ImageError(f"{name} is empty (0 bytes): copy or download the photo again.")
    formats = formats_for(head, name)
    if formats == ["JXL"]:
        width, height = jxl_size(file) or (0, 0)
        if width * height > MAX_PIXELS:
            raise ImageError(_too_large(name, f"{width} x {height} pixels, "))
    file.seek(0)
    try:
        image = Image.open(file, formats=formats)
    except UnidentifiedImageError as error:
        if len(formats) == 1:  # known by its first bytes
            raise DamagedError(_damaged(name, "its header cannot be read")) from error
        raise
    refuse_preview(image, name)
    return image


def _from_image(image, name, several):
    frames = getattr(image, "n_frames", 1)
    if several and image.format in ANIMATED and frames > 1:
        return read_frames(image, name, _from_pil, MAX_PIXELS)
    if frames > 1 and image.format not in ("MPO", "HEIF"):  # whose further pictures are extras
        raise ImageError(
            f"{name} holds {frames} frames or pages: expected a single photo; save one of them."
        )
    return _from_pil(image, name)


def _from_pil(image, name):
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_too_large(name, f"{image.width} x {image.height} pixels, "))
    if 0 in image.size:
        raise ImageError(f"{name} has no pixels: copy or download the photo again.")
    file_format = "JPEG" if image.format == "MPO" else image.format
    photo = Photo(None, name=name, file_format=file_format)
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format == "HEIF":
        photo.notes.append(f"only the main one of {frames} pictures in the file was read")
    deep_color, negative = is_deep(image), is_negative(image)
    try:
        data = file_bytes(image)
        photo.encoding = source_encoding(image, data)
        # libtiff writes lines of its own about damage, which is an error here.
        with muted() if image.format == "TIFF" else contextlib.nullcontext():
            deep = read_deep(image)
            image.load()
    except Exception as error:
        raise DamagedError(_damaged(name, error)) from error
    if image.format == "JXL":
        _forget_orientation(image)
    if deep is not None:
        deep = turned_samples(deep, image)
    photo.metadata, upright = read_metadata(image, data, photo)
    if deep is not None:
        return _with_samples(photo, deep)
    image = _plain_mode(upright, photo)
    pixels = np.asarray(image)
    if image.mode in ("LA", "RGBA"):
        pixels, photo.alpha = pixels[..., :-1], pixels[..., -1].copy()
    elif image.mode.startswith("I"):
        pixels = _sixteen_bit(pixels, name)
        pixels = 65535 - pixels if negative else pixels
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            photo.alpha = (pixels != clear) * np.uint16(65535)
    elif image.mode == "F":
        raise ImageError(
            f"{name} holds 32-bit floats, whose range is unknown: save it with 8 or 16 bits."
        )
    photo.pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if deep_color and pixels.dtype == np.uint8:
        photo.notes.append("16-bit color was read as 8-bit")
    return photo


def _with_samples(photo, samples):
    """The photo with 16-bit colors, gray or RGB, and their alpha."""
    colors = 1 if samples.shape[2] < 3 else 3
    photo.pixels = np.ascontiguousarray(samples[..., :colors])
    photo.alpha = samples[..., colors].copy() if samples.shape[2] > colors else None
    return photo


def _forget_orientation(image):
    """JPEG XL has been turned when it is decoded, whatever its EXIF says, unless it was a JPEG."""
    exif = image.getexif()
    if not image.jpeg and exif.get(ExifTags.Base.Orientation, 1) != 1:
        exif[ExifTags.Base.Orientation] = 1
        image.info["exif"] = exif.tobytes()


def _plain_mode(image, photo):
    """The image as L, LA, RGB, RGBA, I;16*, I or F."""
    mode = image.mode
    if mode in ("CMYK", "LAB"):
        photo.notes.append(f"{mode} was converted to sRGB")
        return _to_srgb(image, photo.metadata)
    if mode in ("P", "PA"):
        photo.notes.append("a palette was replaced by full colors")
        clear = mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if clear else "RGB")
    if mode == "1":
        photo.notes.append("black and white became 8-bit gray")
        return image.convert("L")
    if mode in ("L", "RGB") and "transparency" in image.info:
        return image.convert(f"{mode}A")
    if mode in ("La", "RGBa"):
        return image.convert(mode.upper())
    return image.convert("RGB") if mode in ("RGBX", "YCbCr", "HSV") else image


def _to_srgb(image, metadata):
    profile = metadata.pop("icc_profile", None)
    srgb = ImageCms.createProfile("sRGB")
    if profile and image.mode == "CMYK":
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
            metadata["icc_profile"] = ImageCms.ImageCmsProfile(srgb).tobytes()
            return converted
    return image.convert("RGB")


def _sixteen_bit(pixels, name):
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ImageError(
            f"{name} holds 32-bit integers from {pixels.min()} to {pixels.max()}: "
            "expected 0 to 65535; save it with 16 bits."
        )
    return pixels.astype(np.uint16)


def _too_large(name, size):
    return (
        f"{name} is too large: {size}expected at most {MAX_PIXELS / 1e6:.1f} megapixels; "
        "scale it down or cut it."
    )


def _damaged(name, error):
    reason = one_line(error, 100)
    return f"{name} is damaged or cut off ({reason}): copy or download the photo again."
