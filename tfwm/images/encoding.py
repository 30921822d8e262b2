"""How pixels are compressed: the source's own way, which keeps a file's size, and the default."""

import dataclasses
import io

import numpy as np
from PIL import Image, JpegImagePlugin

from tfwm.images.arrays import to_uint8

# By default nothing is lost that need not be: chroma subsampling changes luminance as well.
QUALITY = {"JPEG": 95, "AVIF": 90, "HEIF": 90}
LOSSY = ("JPEG", "AVIF", "WEBP", "HEIF")
SUBSAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
# Qualities among which the one is found that gives a WebP or AVIF its source's size.
STEPS = (100, 98, 95, 92, 90, 85, 80, 75, 70, 60, 50, 40, 30)
SAMPLE_PIXELS, BAND_ROWS = 1 << 20, 64
# The mark, and noise of the first compression, take some more bytes.
ROOM = 1.15
# ITU-T T.81, table K.1, in rows: libjpeg scales it by the quality.
LUMINANCE_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How the pixels of a file are compressed.

    Args:
        file_format: Pillow's name, such as `"JPEG"`.
        quality: 1 to 100, estimated if it is a source's; `None` if it is lossless or unknown.
        subsampling: of chroma: `"4:4:4"`, `"4:2:2"` or `"4:2:0"`; `None` if it is unknown.
        tables: the quantization tables of a JPEG, instead of a quality.
        progressive: whether a JPEG is.
        size: of the file in bytes, of a source.
        lossy: whether pixels change.
        own: whether it is the source's.
    """

    file_format: str
    quality: int | None = None
    subsampling: str | None = None
    tables: tuple | None = None
    progressive: bool = False
    size: int | None = None
    lossy: bool = False
    own: bool = False

    def options(self):
        """Returns the options for Pillow's `save`."""
        if self.file_format == "JPEG":
            how = {"qtables": [list(t) for t in self.tables]} if self.tables else {}
            how = how or {"quality": self.quality}
            if self.own:
                how |= {"optimize": True, "progressive": self.progressive}
            return {**how, "subsampling": self.subsampling}
        if self.file_format == "AVIF":
            return {"quality": self.quality, "subsampling": self.subsampling}
        if self.file_format == "HEIF":
            # What phones write and all viewers show; 4:4:4 is not.
            return {"quality": self.quality, "chroma": 420}
        if self.file_format == "JXL":
            return {"lossless": True}
        if self.file_format == "WEBP":
            # exact: the mark also lies under full transparency.
            how = {"quality": self.quality} if self.lossy else {"lossless": True}
            return {**how, "exact": True}
        return {}

    def to_dict(self):
        """Returns what a report says of it, ready for JSON."""
        names = ("file_format", "quality", "subsampling", "lossy", "own")
        return {name: getattr(self, name) for name in names}

    def __str__(self):
        if not self.lossy:
            return f"{self.file_format}, lossless"
        if self.file_format == "GIF":
            return "GIF, 256 colors"
        text = f"{self.file_format} quality {self.quality}"
        text += f" {self.subsampling}" if self.subsampling else ""
        return text + (" as the source" if self.own else "")


def default_encoding(file_format, quality=None):
    """Returns the `Encoding` of a quality, or the default; chroma at full resolution."""
    if file_format == "WEBP":
        return Encoding("WEBP", quality, lossy=quality is not None)
    if file_format not in QUALITY:
        return Encoding(file_format, lossy=file_format == "GIF")
    subsampling = "4:2:0" if file_format == "HEIF" else "4:4:4"
    return Encoding(file_format, quality or QUALITY[file_format], subsampling, lossy=True)


def encodings(photo, file_format, quality=None):
    """Returns the `Encoding`s to try, the smallest file first.

    A photo that comes from a lossy file of the same format gets that file's own compression, if the
    mark reads so; else the default.

    Args:
        photo: `tfwm.images.Photo`, unmarked.
        file_format: of the output.
        quality: 1 to 100, to be used in any case, or `None`.
    """
    default, own = default_encoding(file_format, quality), photo.encoding
    if quality is not None or own is None or not own.lossy or own.file_format != file_format:
        return [default]
    if own.quality is None:
        own = _matched(photo, own)
    return [own, default]


def source_encoding(image, data):
    """Returns the `Encoding` of a Pillow image's file, or `None`.

    Args:
        image: opened `PIL.Image.Image`.
        data: bytes of its file.
    """
    if not data:
        return None
    file_format = "JPEG" if image.format == "MPO" else image.format
    found = Encoding(file_format, size=len(data), own=True)
    if file_format == "JPEG":
        tables = tuple(tuple(table) for _, table in sorted(image.quantization.items()))
        plain = image.mode in ("L", "RGB") and image.info.get("adobe_transform", 1) == 1
        if not plain or not 1 <= len(tables) <= 2 or any(max(t) > 255 for t in tables):
            return dataclasses.replace(found, lossy=False)
        sampling = JpegImagePlugin.get_sampling(image) if image.mode == "RGB" else 0
        return dataclasses.replace(
            found,
            lossy=True,
            tables=tables,
            quality=jpeg_quality(tables[0]),
            subsampling=SUBSAMPLINGS.get(sampling, "4:4:4"),
            progressive=bool(image.info.get("progressive")),
        )
    if file_format == "WEBP" and b"VP8 " in data[:4096] + data[-64:]:
        return dataclasses.replace(found, lossy=True)
    at = data.find(b"av1C")
    if file_format == "AVIF" and at > 0:
        flags = data[at + 6]  # AV1 in ISO files, section 2.3.3
        half = {0: "4:4:4", 8: "4:2:2", 12: "4:2:0"}.get(flags & 12, "4:4:4")
        return dataclasses.replace(found, lossy=True, subsampling=half)
    return found


def jpeg_quality(table):
    """Returns the quality of libjpeg whose luminance table is nearest to one.

    Example:

    >>> jpeg_quality(LUMINANCE_TABLE)
    50
    """
    base, wanted = np.array(LUMINANCE_TABLE), np.array(table)
    best = None
    for quality in range(100, 0, -1):
        scale = 5000 // quality if quality < 50 else 200 - 2 * quality
        distance = np.abs(((base * scale + 50) // 100).clip(1, 255) - wanted).sum()
        if best is None or distance < best[0]:
            best = distance, quality
    return best[1]


def _matched(photo, own):
    """The quality at which the pixels take about as many bytes as they did in their file."""
    sample = _sample(to_uint8(photo.pixels))
    share = sample.shape[0] / photo.pixels.shape[0]
    wanted = ROOM * own.size * share
    low, high = 0, len(STEPS) - 1
    while low < high:
        middle = (low + high) // 2
        tried = dataclasses.replace(own, quality=STEPS[middle])
        buffer = io.BytesIO()
        Image.fromarray(sample).save(buffer, own.file_format, **tried.options())
        low, high = (low, middle) if buffer.tell() <= wanted else (middle + 1, high)
    return dataclasses.replace(own, quality=STEPS[low])


def _sample(pixels):
    """Bands of rows from all over a photo, whole if it is small."""
    height, width = pixels.shape[:2]
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    bands = max(SAMPLE_PIXELS // (BAND_ROWS * width), 1)
    if bands * BAND_ROWS >= height:
        return np.ascontiguousarray(pixels)
    starts = np.linspace(0, height - BAND_ROWS, bands).astype(int) // 8 * 8
    return np.concatenate([pixels[start : start + BAND_ROWS] for start in starts])
