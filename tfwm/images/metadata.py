"""The metadata of a photo that is read: upright, and without what would not be true any more."""

import struct

import numpy as np
from PIL import ExifTags, ImageOps

from tfwm.images import xmp
from tfwm.images.carried import (
    CREDENTIALS,
    as_resource,
    holds_picture,
    look_into,
    resources_without_pictures,
)
from tfwm.images.exif import EXIF_TABLE, START, ExifBlock

# Formats whose files are looked into; those of TIFF are tags, which Pillow reads.
LOOKED_INTO = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "JXL", "JPEG2000")
KEPT = (
    *("icc_profile", "dpi", "xmp", "comment", "text"),
    *("photoshop", "chunks", "segments", "gain_map"),
)
# TIFF keeps its layout among the EXIF tags: these are wrong for any other file.
LAYOUT_TAGS = {
    254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324,
    325, 330, 332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518,
    519, 520, 521, 529, 530, 531, 532, 700, 34675,
}  # fmt: skip
SUB_IFDS, IPTC, PHOTOSHOP, LAYERS, TIFF_C2PA = 330, 33723, 34377, 37724, 52545
INTEROP = ExifTags.IFD.Interop
LOST = b"lost"  # in place of a gain map that cannot stay
# By orientation (TIFF 6.0, tag 274): how an array becomes upright.
TURNS = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
RAW_PROFILE = "Raw profile type "


def file_bytes(image):
    """Returns the bytes of the file of a Pillow image, before it is loaded; `b""` without one."""
    file = getattr(image, "fp", None)
    if image.format not in LOOKED_INTO or file is None or _is_later_frame(image):
        return b""
    place = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(place)
    return data


def _is_later_frame(image):
    return image.format == "GIF" and image.tell() > 0


def read_metadata(image, data, photo):
    """Returns the metadata of a photo and its image, turned as the EXIF orientation says.

    Args:
        image: loaded `PIL.Image.Image`.
        data: see `file_bytes`.
        photo: the `Photo` to which notes and losses are added.
    """
    info = image.info
    metadata = {key: info[key] for key in KEPT if info.get(key)}
    found = look_into(data, image.format)
    metadata |= found.metadata
    if holds_picture(bytes(metadata.get("comment") or b"")):
        del metadata["comment"]
    if text := _plain_text(getattr(image, "text", None) or {}, metadata, found):
        metadata["text"] = text
    box = metadata.pop("exif_box", None)
    try:
        exif = image.getexif()
        if box and not len(exif):
            exif.load(box)
        if image.format == "TIFF":
            _take_tags(image, exif, metadata, found)
        upright = _upright(image, exif, metadata)
        raw = _plain_exif(exif, info.get("exif") or box, found, sideways=upright.size != image.size)
        if raw:
            metadata["exif"] = raw
        image = upright
    except Exception:  # many programs write EXIF, some of them badly
        photo.notes.append("unreadable EXIF data was dropped")
    _plain_xmp(metadata, found)
    if found.thumbnails:
        places = ", ".join(dict.fromkeys(found.thumbnails))
        found.lose(f"thumbnails of the unmarked photo ({places}) were dropped")
    photo.losses += found.losses
    return metadata, image


def turned_samples(samples, image):
    """Returns an array turned as the EXIF orientation of a loaded image says."""
    turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return turn(samples) if turn else samples


def _plain_text(text, metadata, found):
    """PNG text without the profiles that programs without eXIf write as hexadecimal digits."""
    kept = {}
    for key, value in text.items():
        kind = key.removeprefix(RAW_PROFILE).lower() if key.startswith(RAW_PROFILE) else None
        raw = _raw_profile(value) if kind in ("iptc", "8bim", "exif", "app1") else b""
        if kind in ("iptc", "8bim"):
            metadata["photoshop"] = resources_without_pictures(raw, found)
        elif kind in ("exif", "app1"):
            metadata["exif_box"] = raw
        elif kind not in ("xmp", "icc", "icm") and "xmp" not in key:
            kept[key] = str(value)
    return kept


def _raw_profile(value):
    try:
        return bytes.fromhex("".join(str(value).split("\n")[3:]))
    except ValueError:
        return b""


def _upright(image, exif, metadata):
    """The image turned; what lies over its pixels is not turned with it."""
    if exif.get(ExifTags.Base.Orientation, 1) == 1:
        return image
    turned = ImageOps.exif_transpose(image)
    if "xmp" in turned.info:
        metadata["xmp"] = turned.info["xmp"]
    if metadata.get("gain_map"):
        metadata["gain_map"] = LOST
    return turned


def _plain_exif(exif, raw, found, sideways):
    """EXIF data upright and without thumbnails: in place, or made anew from a TIFF's tags."""
    if raw:
        block = ExifBlock(START + raw.removeprefix(START))
        block.set_upright(sideways)
    else:
        for tag in LAYOUT_TAGS.intersection(exif):
            del exif[tag]
        exif.pop(ExifTags.Base.Orientation, None)
        if not len(exif):
            return None
        exif.bigtiff = False  # EXIF is classic TIFF
        block = ExifBlock(exif.tobytes())
    if block.drop_pictures():
        found.thumbnails.append("EXIF")
    return block.tobytes() if block.table(block.first) else None


def _take_tags(image, exif, metadata, found):
    """The tags of a TIFF that other formats keep elsewhere, or that cannot stay."""
    xmp_tag = exif.get(700)
    if xmp_tag and "xmp" not in metadata:
        metadata["xmp"] = xmp_tag if isinstance(xmp_tag, bytes) else bytes(xmp_tag)
    for tag, loss in (
        (SUB_IFDS, "further pictures in the TIFF (SubIFDs) were dropped"),
        (LAYERS, "Photoshop's layers, which show the unmarked photo, were dropped"),
        (TIFF_C2PA, CREDENTIALS),
    ):
        if tag in exif:
            found.lose(loss)
            del exif[tag]
    extra = image.tag_v2.get(277, 1) - len(image.getbands())
    if extra > 0 and image.mode != "P":
        found.lose(f"{extra} further channel(s) of the TIFF were dropped")
    resources, iptc = (_as_bytes(exif.pop(tag, b""), exif) for tag in (PHOTOSHOP, IPTC))
    if iptc and b"8BIM\x04\x04" not in resources:
        resources = as_resource(iptc) + resources
    resources = resources_without_pictures(resources, found)
    if resources:
        metadata["photoshop"] = resources
    settle_interoperability(exif)


def settle_interoperability(exif):
    """Puts the inner table itself in place of its offset, which Pillow would write unchanged."""
    if EXIF_TABLE in exif and INTEROP in exif.get_ifd(EXIF_TABLE):
        table = exif.get_ifd(INTEROP)
        if table:
            exif.get_ifd(EXIF_TABLE)[INTEROP] = table
        else:
            del exif.get_ifd(EXIF_TABLE)[INTEROP]


def _as_bytes(value, exif):
    """The bytes of a tag, also where a program wrote them as numbers of four bytes."""
    if isinstance(value, tuple) and all(isinstance(n, int) for n in value):
        return struct.pack(f"{exif.endian or '<'}{len(value)}I", *value)
    return value if isinstance(value, bytes) else b""


def _plain_xmp(metadata, found):
    """XMP without pictures of the unmarked photo, and without what was dropped beside it."""
    packet = metadata.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    gone = metadata.pop("drop_extended_xmp", False)
    if not packet:
        return
    packet, changed = xmp.without(packet, xmp.PICTURES)
    if changed and packet:
        found.thumbnails.append("XMP")
    if any("C2PA" in loss for loss in found.losses):
        packet, _ = xmp.without(packet, xmp.CREDENTIALS)
    elif xmp.without(packet, xmp.CREDENTIALS)[1] and b"c2pa" in packet.lower():
        packet, _ = xmp.without(packet, xmp.CREDENTIALS)
        found.lose(CREDENTIALS)
    if gone:
        packet, _ = xmp.without(packet, xmp.EXTENDED)
    packet, _ = xmp.without(packet, xmp.MOTION)
    metadata["xmp"] = xmp.without_items(packet)
    if not metadata["xmp"]:
        del metadata["xmp"]
        found.lose("XMP that cannot be read was dropped")
