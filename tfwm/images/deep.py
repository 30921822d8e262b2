"""16-bit color, of which Pillow holds 8 bits: read by its decoders, written around its writers."""

import io
import struct
import sys
import zlib

import numpy as np
from PIL import Image

from tfwm.images.containers import PNG_START, png_chunk, png_chunks
from tfwm.images.exif import LONG, SHORT, ExifBlock

DECODERS = ("zip", "raw", "libtiff")
# PNG's color types by the number of samples (PNG, section 11.2.1).
PNG_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
BAND_ROWS = 64
# The start of a JPEG 2000 codestream, and where its first depth, less 1, follows (T.800, A.5.1).
SIZ, SIZ_DEPTH = b"\xff\x4f\xff\x51", 42
WIDTH, BITS, SAMPLES, PHOTOMETRIC, EXTRA, PLANAR = 256, 258, 277, 262, 338, 284
STRAIGHT_ALPHA = 2


def is_deep(image):
    """Returns whether the samples of an opened `PIL.Image.Image` have more than 8 bits."""
    tiles = getattr(image, "tile", None) or ()
    if image.format == "PPM":
        return any(isinstance(tile.args, tuple) and tile.args[-1] > 255 for tile in tiles)
    if image.format == "JPEG2000" and image.fp is not None:  # else it was loaded
        place = image.fp.tell()
        image.fp.seek(0)
        head = image.fp.read(4096)
        image.fp.seek(place)
        depth = head.find(SIZ) + SIZ_DEPTH
        return depth >= SIZ_DEPTH and len(head) > depth and head[depth] & 127 > 7
    if image.format == "TIFF" and max(image.tag_v2.get(BITS, (1,))) > 8:
        return True
    return any(";16" in str(tile.args) for tile in tiles) or image.info.get("bit_depth", 8) > 8


def is_negative(image):
    """Returns whether 0 is white in a TIFF of 16-bit gray, which Pillow passes on as it is."""
    if image.format != "TIFF":
        return False
    return image.tag_v2.get(PHOTOMETRIC) == 0 and image.tag_v2.get(BITS, (1,)) == (16,)


def read_deep(image):
    """Returns the samples of a PNG or TIFF of 16-bit color, before Pillow loads it.

    Pillow's decoders take the upper byte of each sample. Told that the bytes are in the other
    order, they take the lower one.

    Args:
        image: opened `PIL.Image.Image`, which can be loaded afterwards.

    Returns:
        `(H, W, 2 to 4)` uint16: gray and alpha, RGB or RGBA. `None` if the image is of another
        kind, or of a layout that is read with 8 bits.
    """
    tiles = getattr(image, "tile", None)
    if image.format not in ("PNG", "TIFF") or not tiles or tiles[0][0] not in DECODERS:
        return None
    if image.format == "TIFF" and image.tag_v2.get(PLANAR, 1) != 1:
        return None
    args = tiles[0][3]
    mode = str(args[0] if isinstance(args, tuple) else args)
    mode = mode.replace(";16N", ";16L" if sys.byteorder == "little" else ";16B")
    if mode == "LA;16B":
        samples = _decoded(image, "RGBA").astype(np.uint16)
        return samples[..., ::2] << 8 | samples[..., 1::2]
    name, _, order = mode.partition(";16")
    if name not in ("RGB", "RGBA") or order not in ("B", "L"):
        return None
    high = _decoded(image, mode).astype(np.uint16)
    samples = high << 8 | _decoded(image, f"{name};16{'L' if order == 'B' else 'B'}")
    clear = image.info.get("transparency")
    if name == "RGB" and isinstance(clear, tuple):
        alpha = (samples != np.array(clear, np.uint16)).any(axis=2) * np.uint16(65535)
        samples = np.dstack([samples, alpha])
    return samples


def encode_deep(samples, file_format, options):
    """Returns the bytes of a PNG or TIFF of 16-bit color.

    Args:
        samples: `(H, W, 2 to 4)` uint16.
        file_format: `"PNG"` or `"TIFF"`.
        options: for Pillow's `save`, which writes the metadata.
    """
    return (_deep_png if file_format == "PNG" else _deep_tiff)(samples, options)


def _decoded(image, raw):
    file, place = image.fp, image.fp.tell()
    file.seek(0)
    other = Image.open(file, formats=[image.format])
    other.tile = [tile._replace(args=_with_mode(tile.args, raw)) for tile in other.tile]
    other.load()
    file.seek(place)
    return np.asarray(other)


def _with_mode(args, raw):
    return (raw, *args[1:]) if isinstance(args, tuple) else raw


def _deep_png(samples, options):
    height, width, channels = samples.shape
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, "PNG", **options)
    around = [c for c in png_chunks(small.getvalue())[0] if c[0] not in (b"IHDR", b"IDAT", b"IEND")]
    head = struct.pack(">IIBBBBB", width, height, 16, PNG_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", head), *around, (b"IDAT", _deflated(samples)), (b"IEND", b"")]
    return PNG_START + b"".join(png_chunk(*chunk) for chunk in chunks)


def _deflated(samples):
    """The rows as a PNG holds them, each with the filter that leaves the smallest values."""
    height, width, channels = samples.shape
    deflate = zlib.compressobj(6)
    parts, before = [], np.zeros((1, 2 * width * channels), np.uint8)
    for top in range(0, height, BAND_ROWS):
        band = samples[top : top + BAND_ROWS].astype(">u2").reshape(-1, width * channels)
        rows = band.view(np.uint8)
        above = np.concatenate([before, rows[:-1]])
        parts.append(deflate.compress(_filtered(rows, above, 2 * channels).tobytes()))
        before = rows[-1:]
    return b"".join([*parts, deflate.flush()])


def _filtered(rows, above, step):
    """PNG, section 9: none, left, above, their mean, and Paeth's choice among three."""
    left, corner = (np.pad(r, ((0, 0), (step, 0)))[:, :-step] for r in (rows, above))
    a, b, c = (plane.astype(np.int16) for plane in (left, above, corner))
    to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    paeth = np.where((to_a <= to_b) & (to_a <= to_c), left, np.where(to_b <= to_c, above, corner))
    guesses = [np.zeros_like(rows), left, above, ((a + b) // 2).astype(np.uint8), paeth]
    differences = np.stack([rows - guess for guess in guesses])
    costs = abs(differences.view(np.int8).astype(np.int16)).sum(axis=2)
    best = costs.argmin(axis=0)
    chosen = differences[best, np.arange(len(rows))]
    return np.concatenate([best[:, None].astype(np.uint8), chosen], axis=1)


def _deep_tiff(samples, options):
    """Pillow writes the rows as wide gray ones; then the tags tell what they are.

    Gray with alpha, which Pillow and others do not read with 16 bits, becomes RGB with alpha.
    """
    if samples.shape[2] == 2:
        samples = samples[..., [0, 0, 0, 1]]
    height, width, channels = samples.shape
    buffer = io.BytesIO()
    wide = Image.fromarray(samples.reshape(height, width * channels))
    wide.save(buffer, "TIFF", **options)
    block = ExifBlock(buffer.getvalue())
    tags = {
        WIDTH: (LONG, struct.pack("<I", width)),
        BITS: (SHORT, struct.pack(f"<{channels}H", *[16] * channels)),
        SAMPLES: (SHORT, struct.pack("<H", channels)),
        PHOTOMETRIC: (SHORT, struct.pack("<H", 2)),
    }
    if channels == 4:
        tags[EXTRA] = (SHORT, struct.pack("<H", STRAIGHT_ALPHA))
    block.add(tags, replace=True)
    return bytes(block.data)
