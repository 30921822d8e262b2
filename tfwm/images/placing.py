"""Where the metadata of a photo go in each format, and what has no place there."""

import dataclasses
import struct

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfwm.images import exif as tags
from tfwm.images import xmp as packets
from tfwm.images.carried import GAIN_MAP_LOST, PHOTOSHOP, PNG_COLORS
from tfwm.images.containers import LARGEST_SEGMENT, insert_chunks, jpeg_segment
from tfwm.images.gainmap import ISO_GAIN_MAP, is_gain_map, with_gain_map
from tfwm.images.metadata import RAW_PROFILE, settle_interoperability

# Words of PNG text (PNG, section 11.3.3.1) and the EXIF tags of the same meaning.
TEXT_TAGS = {
    "Title": 0x010E,
    "Description": 0x010E,
    "Author": 0x013B,
    "Copyright": 0x8298,
    "Software": 0x0131,
}
# Image generators write their settings into PNG under this word, and else into the user comment.
GENERATION = "parameters"
UNICODE = b"UNICODE\0"
LARGEST_XMP = LARGEST_SEGMENT - 29
XMP_TAG, PHOTOSHOP_TAG, IPTC_MARK = 700, 34377, b"8BIM\x04\x04"
# Colors that a decoder assumes anyway: gamma 1/2.2, the primaries of sRGB, sRGB itself.
PLAIN_COLORS = (
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    *((b"sRGB", bytes([intent])) for intent in range(4)),
    (b"cICP", b"\x01\x0d\0\x01"),
)


@dataclasses.dataclass
class Placed:
    """Metadata as a format takes them.

    Args:
        options: for Pillow's `save`.
        notes: sentences about what has no place.
        chunks: of a PNG, to be put in.
        gain_map: bytes of a JPEG to be put behind, or `None`.
    """

    options: dict
    notes: list
    chunks: list = dataclasses.field(default_factory=list)
    gain_map: bytes | None = None

    def finish(self, encoded):
        """Returns the bytes of a file with what Pillow does not write."""
        if self.chunks:
            encoded = insert_chunks(encoded, self.chunks)
        return with_gain_map(encoded, self.gain_map) if self.gain_map else encoded


def place(metadata, file_format):
    """Returns the metadata of a `Photo` as `Placed` in a format.

    Args:
        metadata: see `tfwm.images.Photo`.
        file_format: Pillow's name, such as `"JPEG"`.
    """
    metadata, notes = dict(metadata), []
    kept = {key: metadata[key] for key in ("exif", "xmp", "icc_profile", "dpi") if key in metadata}
    placed = Placed(kept, notes)
    gain_map = metadata.get("gain_map")
    if gain_map and (file_format != "JPEG" or not is_gain_map(gain_map)):
        notes.append(GAIN_MAP_LOST)
        gain_map = None
    placed.gain_map = gain_map
    if not gain_map:
        _take_gain_map_out(kept, notes)
    if file_format != "PNG":
        own = "comment" if file_format in ("JPEG", "GIF") else None
        _text_as_exif(metadata, kept, notes, own)
        _other_chunks(metadata.get("chunks", ()), file_format, notes)
    if file_format != "JPEG":
        lost = [n for n, body in metadata.get("segments", ()) if not body.startswith(ISO_GAIN_MAP)]
        if lost:
            names = ", ".join(sorted({f"APP{marker - 0xE0}" for marker in lost}))
            notes.append(f"JPEG data ({names}) have no place in {file_format} and were dropped")
    placers = {"JPEG": _jpeg, "PNG": _png, "TIFF": _tiff, "GIF": _gif}
    placers.get(file_format, _other)(metadata, placed)
    return placed


def _take_gain_map_out(kept, notes):
    """XMP does not announce a gain map that is not there."""
    if not kept.get("xmp"):
        return
    packet, announced = packets.without(kept["xmp"], packets.GAIN_MAP)
    if announced and GAIN_MAP_LOST not in notes:
        notes.append(GAIN_MAP_LOST)
    kept["xmp"] = packets.without_items(packet, ("Primary",))
    if not kept["xmp"]:
        del kept["xmp"]


def _jpeg(metadata, placed):
    kept, notes = placed.options, placed.notes
    extra = []
    for marker, body in metadata.get("segments", ()):
        if placed.gain_map or not body.startswith(ISO_GAIN_MAP):
            extra.append(jpeg_segment(marker, body))
    resources = metadata.get("photoshop", b"")
    step = LARGEST_SEGMENT - len(PHOTOSHOP)
    for start in range(0, len(resources), step):
        extra.append(jpeg_segment(0xED, PHOTOSHOP + resources[start : start + step]))
    if extra:
        kept["extra"] = b"".join(extra)
    if comment := metadata.get("comment"):
        kept["comment"] = comment
    for key, largest in (("exif", LARGEST_SEGMENT), ("xmp", LARGEST_XMP), ("comment", 65533)):
        if len(kept.get(key, b"")) > largest:
            name = {"exif": "EXIF data", "xmp": "XMP", "comment": "a comment"}[key]
            notes.append(f"{name} of {len(kept.pop(key))} bytes: JPEG holds 64 kB, it was dropped")


def _png(metadata, placed):
    kept = placed.options
    text = dict(metadata.get("text", {}))
    if comment := metadata.get("comment"):
        text.setdefault("Comment", _as_text(comment))
    if metadata.get("photoshop"):
        text[RAW_PROFILE + "iptc"] = _raw_profile("iptc", metadata["photoshop"])
    settings = _user_comment(kept.get("exif"))
    if settings and "Steps: " in settings:
        text.setdefault(GENERATION, settings)
    kept["pnginfo"] = png_text(text, kept.pop("xmp", None))
    placed.chunks = [
        (name, body)
        for name, body in metadata.get("chunks", ())
        if not (name == b"sRGB" and kept.get("icc_profile"))
    ]


def _tiff(metadata, placed):
    kept = placed.options
    packet, resources = kept.pop("xmp", None), metadata.get("photoshop")
    if not packet and not resources and "exif" not in kept:
        return
    exif = Image.Exif()
    try:
        exif.load(kept.pop("exif", b""))
        settle_interoperability(exif)
        exif.tobytes()
    except Exception:  # values of a wrong type, which other formats take as they are
        placed.notes.append("unreadable EXIF data was dropped")
        exif = Image.Exif()
    for tag, body in ((XMP_TAG, packet), (PHOTOSHOP_TAG, resources)):
        if body:
            exif[tag] = bytes(body)
    kept["exif"] = exif


def _gif(metadata, placed):
    """GIF: a comment, and nothing else."""
    kept = placed.options
    kept.pop("dpi", None)
    names = {"exif": "EXIF data", "xmp": "XMP", "icc_profile": "the color profile"}
    lost = [name for key, name in names.items() if kept.pop(key, None)]
    if lost:
        placed.notes.append(f"{', '.join(lost)} have no place in GIF and were dropped")
    if comment := metadata.get("comment"):
        kept["comment"] = comment


def _other(metadata, placed):
    """WebP, AVIF, HEIC, JPEG XL: a profile, EXIF and XMP, and no resolution but that of EXIF."""
    kept = placed.options
    if IPTC_MARK in metadata.get("photoshop", b""):
        placed.notes.append("IPTC data have no place in the format and were dropped")
    elif metadata.get("photoshop"):
        placed.notes.append("Photoshop's data have no place in the format and were dropped")
    if dpi := kept.pop("dpi", None):
        resolution = {
            tags.X_RESOLUTION: (tags.RATIONAL, tags.rational(dpi[0])),
            tags.Y_RESOLUTION: (tags.RATIONAL, tags.rational(dpi[1])),
            tags.RESOLUTION_UNIT: (tags.SHORT, struct.pack("<H", 2)),
        }
        _add(kept, resolution)


def _text_as_exif(metadata, kept, notes, own):
    """PNG text, and a comment where the format has none (`own`), as EXIF tags of the meaning."""
    text = dict(metadata.get("text", {}))
    if metadata.get("comment") and not own:
        text.setdefault("Comment", _as_text(metadata["comment"]))
    outer, user = {}, None
    for key in list(text):
        tag = TEXT_TAGS.get(key)
        if tag and tag not in outer and _value(kept, tag) is None:
            outer[tag] = (tags.ASCII, text.pop(key).encode() + b"\0")
    word = GENERATION if GENERATION in text else "Comment" if "Comment" in text else None
    if word and _value(kept, tags.USER_COMMENT, inner=True) is None:
        user = UNICODE + text.pop(word).encode("utf-16-be")
    inner = {tags.USER_COMMENT: (tags.BYTES, user)} if user else None
    if (outer or inner) and not _add(kept, outer, inner):
        text |= metadata.get("text", {})
    if text:
        names = ", ".join(sorted(text))[:100]
        notes.append(f"PNG text without a place in the format was dropped: {names}")


def _other_chunks(chunks, file_format, notes):
    """Colors that only a PNG's chunks tell are said to be lost; what is usual anyway is not."""
    named = {name for name, body in chunks if (name, body) not in PLAIN_COLORS}
    colors = sorted(name.decode() for name in named.intersection(PNG_COLORS))
    others = sorted(name.decode("ascii", "replace") for name in named.difference(PNG_COLORS))
    if colors:
        notes.append(
            f"color data ({', '.join(colors)}) have no place in {file_format} and were dropped: "
            "colors may look different"
        )
    if others:
        notes.append(f"PNG chunks ({', '.join(others)}) were dropped")


def _value(kept, tag, inner=False):
    try:
        return tags.ExifBlock(kept.get("exif", b"")).value(tag, inner)
    except ValueError:
        return None


def _add(kept, outer, inner=None):
    try:
        block = tags.ExifBlock(kept.get("exif", b""))
        block.add(outer, inner)
    except ValueError:
        return False
    kept["exif"] = block.tobytes()
    return True


def _user_comment(exif):
    value = _value({"exif": exif}, tags.USER_COMMENT, inner=True) if exif else None
    if not value:
        return None
    kind, body = value[:8], value[8:]
    if kind == UNICODE:
        return body.decode("utf-16-le" if body[1:2] == b"\0" else "utf-16-be", "replace")
    return body.decode("utf-8", "replace").strip("\0")


def _as_text(comment):
    return comment if isinstance(comment, str) else comment.decode("utf-8", "replace")


def _raw_profile(kind, body):
    """Bytes as PNG text, in the way of ImageMagick and exiftool."""
    digits = body.hex()
    lines = [digits[n : n + 72] for n in range(0, len(digits), 72)]
    return f"\n{kind}\n{len(body):8d}\n" + "\n".join(lines) + "\n"


def png_text(text, xmp):
    """Returns text and XMP as the chunks of a PNG."""
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_itxt(key, value)
    if xmp:
        value = xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else xmp
        chunks.add_itxt("XML:com.adobe.xmp", value)
    return chunks
