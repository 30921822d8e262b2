"""What a file carries beside pixels and what Pillow reads: found, and what cannot stay is told."""

import dataclasses
import struct

from tfwm.images import containers, xmp
from tfwm.images.gainmap import MPF, further_pictures, is_gain_map

CREDENTIALS = (
    "Content Credentials (C2PA) were dropped: they do not hold for changed pixels; "
    "sign the marked file again"
)
GAIN_MAP_LOST = (
    "the HDR gain map was dropped: the copy shows the standard range only "
    "(a JPEG that needs no turning keeps it as JPEG)"
)
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
EXIF_STARTS = (b"Exif\0\0II*\0", b"Exif\0\0MM\0*", b"Exif\0\xffII", b"Exif\0\xffMM")
GIF_PARTS = ((b"!\xff\x0bXMP DataXMP", "XMP"), (b"!\xff\x0bICCRGBG1012", "color profile"))
PHOTOSHOP = b"Photoshop 3.0\0"
C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_BOX = b"JpgTiffExif->JP2"
# Photoshop's resources: thumbnails, and copies of EXIF and XMP, which are kept by themselves.
THUMBNAILS, COPIES = (1033, 1036), (1058, 1059, 1060)
IPTC, IPTC_PREVIEW = 0x0404, (200, 201, 202)
# PNG chunks that are made anew, or that Pillow reads; iDOT is an index into the old pixels.
PNG_RENEWED = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iDOT"),
    *(b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"),
}
PNG_COLORS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"mDCv", b"cLLI", b"cLLi")
PNG_KEPT = (
    *PNG_COLORS,
    *(b"tIME", b"oFFs", b"pCAL", b"sCAL", b"sTER", b"sPLT", b"gIFg", b"gIFx"),
)
PNG_CREDENTIALS = (b"caBX",)
WEBP_KNOWN = {
    *(b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"),
    *(b"ICCP", b"EXIF", b"XMP "),
}


@dataclasses.dataclass
class Carried:
    """What was found in a file.

    Args:
        metadata: what may go along, see `tfwm.images.Photo`.
        losses: sentences about what cannot.
        thumbnails: names of the places where a thumbnail of the unmarked photo stood.
    """

    metadata: dict = dataclasses.field(default_factory=dict)
    losses: list = dataclasses.field(default_factory=list)
    thumbnails: list = dataclasses.field(default_factory=list)

    def lose(self, sentence):
        if sentence not in self.losses:
            self.losses.append(sentence)


def look_into(data, image_format):
    """Returns what is `Carried` in the bytes of a file; what cannot be read is told as lost."""
    found = Carried()
    try:
        _look(data, image_format, found)
    except (ValueError, IndexError, struct.error):  # the pixels are good all the same
        found.lose("metadata that cannot be read was dropped")
    return found


def _look(data, image_format, found):
    if data.startswith(containers.JPEG_START):
        _look_into_jpeg(data, found)
    elif image_format == "PNG":
        _look_into_png(data, found)
    elif image_format == "GIF":
        for start, what in GIF_PARTS:
            if start in data:
                found.lose(f"the {what} of the GIF was dropped")
    elif image_format == "WEBP":
        chunks, end = containers.riff_chunks(data)
        for name, _ in chunks:
            if name == b"C2PA":
                found.lose(CREDENTIALS)
            elif name not in WEBP_KNOWN:
                found.lose(f"the WebP chunk {_word(name)} was dropped")
        _lose_rest(data[end:], found)
    elif image_format in ("AVIF", "HEIF", "JXL", "JPEG2000"):
        _look_into_boxes(data, found)


def _look_into_jpeg(data, found):
    segments, end = containers.jpeg_segments(data)
    photoshop, comments, kept, exifs = [], [], [], 0
    for marker, body in segments:
        if marker == 0xFE:
            if holds_picture(body):
                found.lose("a picture in a JPEG comment was dropped with it")
            else:
                comments.append(body)
        elif marker == 0xED and body.startswith(PHOTOSHOP):
            photoshop.append(body[len(PHOTOSHOP) :])
        elif marker == 0xE1 and body.startswith(EXIF_STARTS):
            exifs += 1
        elif marker == 0xEB:
            found.lose(CREDENTIALS if b"c2pa" in body else "JPEG data in APP11 were dropped")
        elif marker == 0xE0:
            if body.startswith(b"JFXX") or (body.startswith(b"JFIF") and any(body[12:14])):
                found.thumbnails.append("JFIF")
        elif 0xE1 <= marker <= 0xEF and not _read_elsewhere(marker, body):
            kept.append((marker, body))
    if photoshop:
        found.metadata["photoshop"] = resources_without_pictures(b"".join(photoshop), found)
    if exifs > 1:
        found.lose(f"{exifs - 1} further EXIF segment(s) of the JPEG were not read")
    if comments:
        found.metadata["comment"] = b"\n".join(comments)
    kept = _checked_segments(kept, found)
    if kept:
        found.metadata["segments"] = kept
    pictures, rest = further_pictures(data, end)
    maps = [picture for picture in pictures if is_gain_map(picture)]
    if maps:
        found.metadata["gain_map"] = containers.without_segments(maps[0], holds_picture)
        if found.metadata["gain_map"] != maps[0]:
            found.thumbnails.append("gain map")
    others = len(pictures) - len(maps[:1])
    if others:
        found.lose(
            f"{others} further picture(s) in the file (a preview, a depth map, another view) "
            "were dropped"
        )
    _lose_rest(rest, found)


def _read_elsewhere(marker, body):
    """Whether Pillow reads a segment, or it is made anew."""
    return (
        (marker == 0xE1 and body.startswith((b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0")))
        or (marker == 0xE2 and body.startswith((b"ICC_PROFILE\0", MPF)))
        or (marker == 0xEE and body.startswith(b"Adobe"))
    )


def _checked_segments(segments, found):
    """The segments without those that hold a picture; extended XMP goes as a whole."""
    extended = b"".join(body for _, body in segments if body.startswith(EXTENDED_XMP))
    pictures = any(name.encode() in extended for name in map(_space, xmp.PICTURES))
    kept = []
    # A long picture goes on in the next segments of its kind.
    parts = {(marker, body[:4]) for marker, body in segments if holds_picture(body)}
    for marker, body in segments:
        if body.startswith(EXTENDED_XMP):
            if pictures:
                found.lose("extended XMP, which holds pictures, was dropped")
                found.metadata["drop_extended_xmp"] = True
                continue
        elif (marker, body[:4]) in parts:
            found.lose(f"a picture in the JPEG data APP{marker - 0xE0} was dropped with them")
            continue
        kept.append((marker, body))
    return kept


def _space(name):
    return name.split("}")[0] if not name.endswith("Thumbnails") else name.split("}")[1]


def _look_into_png(data, found):
    chunks, end = containers.png_chunks(data)
    kept = []
    for name, body in chunks:
        if name in PNG_CREDENTIALS:
            found.lose(CREDENTIALS)
        elif name == b"pHYs":
            if body[8:] == b"\0":  # an aspect ratio: Pillow keeps densities only
                kept.append((name, body))
        elif name in PNG_KEPT:
            kept.append((name, body))
        elif name == b"bKGD" and len(body) in (2, 6):
            kept.append((name, body))
        elif name in (b"bKGD", b"hIST", b"sBIT"):
            found.lose(f"the PNG chunk {_word(name)}, which is about the old pixels, was dropped")
        elif name not in PNG_RENEWED:
            if holds_picture(body):
                found.lose(f"a picture in the PNG chunk {_word(name)} was dropped with it")
            elif name[3:].islower():  # its author says that it may be copied
                kept.append((name, body))
            else:
                found.lose(f"the PNG chunk {_word(name)} was dropped")
    if kept:
        found.metadata["chunks"] = kept
    _lose_rest(data[end:], found)


def _look_into_boxes(data, found):
    for name, start, end in containers.iso_boxes(data):
        if name == b"uuid":
            kind, body = data[start : start + 16], data[start + 16 : end]
            if kind == C2PA_BOX:
                found.lose(CREDENTIALS)
            elif kind == XMP_BOX:
                found.metadata["xmp"] = body
            elif kind == EXIF_BOX:
                found.metadata["exif_box"] = body
            else:
                found.lose("a box of unknown data was dropped")
        elif name == b"xml " and b"xmpmeta" in data[start:end]:
            found.metadata["xmp"] = data[start:end]
        elif name == b"jumb":
            found.lose(CREDENTIALS)
        elif name == b"meta":
            _look_into_meta(data[start + 4 : end], found)


def _look_into_meta(meta, found):
    """Gain maps, depth, more than 8 bits and wide colors of an AVIF."""
    if b"tmap" in meta or b"aux:hdrgainmap" in meta:
        found.lose(GAIN_MAP_LOST)
    if b"auxid:2" in meta or b"aux:depth" in meta or b"auxiliary:depth" in meta:
        found.lose("a depth map was dropped")
    at = meta.find(b"av1C")
    if at > 0 and meta[at + 6 : at + 7] and meta[at + 6] & 0x40:  # AV1 in ISO files, section 2.3.3
        found.lose("more than 8 bits were read as 8")
    if meta.count(b"colrnclx"):
        at = meta.index(b"colrnclx") + 8
        primaries, transfer = struct.unpack_from(">HH", meta.ljust(at + 4, b"\0"), at)
        # 1 and 13: BT.709 and sRGB; 2: not said; 6: BT.601 (ITU-T H.273).
        if primaries not in (0, 1, 2, 5, 6) or transfer not in (0, 1, 2, 6, 13):
            found.lose(
                f"colors of another space (H.273: primaries {primaries}, transfer {transfer}) "
                "were taken as sRGB: convert the photo first"
            )


def resources_without_pictures(data, found):
    """Returns Photoshop's resources without thumbnails and copies of other metadata."""
    kept, at = [], 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        number, length = struct.unpack_from(">HB", data, at + 4)
        body = at + 6 + (length + 2) // 2 * 2
        size = int.from_bytes(data[body : body + 4], "big")
        end = body + 4 + size + size % 2
        if number in THUMBNAILS:
            found.thumbnails.append("Photoshop")
        elif number not in COPIES:
            if not holds_picture(data[at:end]):
                kept.append(data[at:end])
            elif number == IPTC and not holds_picture(
                rest := _without_preview(data[body + 4 : end])
            ):
                found.thumbnails.append("IPTC")
                kept.append(as_resource(rest))
            else:
                what = "IPTC data" if number == IPTC else f"Photoshop's resource {number}"
                found.lose(f"a picture in {what} was dropped with them")
        at = end
    return b"".join(kept)


def holds_picture(data):
    """Returns whether the start of a JPEG or PNG is among these bytes."""
    return containers.JPEG_START in data or containers.PNG_START in data


def _without_preview(iptc):
    """IPTC data without the preview of their object (IIM, 2:200 to 2:202)."""
    kept, at = [], 0
    while iptc[at : at + 1] == b"\x1c" and at + 5 <= len(iptc):
        length, start = int.from_bytes(iptc[at + 3 : at + 5], "big"), at + 5
        if length & 0x8000:  # the length of the length
            start += length & 0x7FFF
            length = int.from_bytes(iptc[at + 5 : start], "big")
        if iptc[at + 1] != 2 or iptc[at + 2] not in IPTC_PREVIEW:
            kept.append(iptc[at : start + length])
        at = start + length
    return b"".join(kept)


def as_resource(iptc):
    """Returns IPTC data as a resource of Photoshop's, which is how JPEG holds them."""
    return struct.pack(">4sHHI", b"8BIM", IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)


def _lose_rest(rest, found):
    if not rest.strip(b"\0\r\n"):
        return
    motion = b"ftyp" in rest[:4096] or b"MotionPhoto_Data" in rest
    what = "the video of a motion photo" if motion else "data behind the end of the picture"
    found.lose(f"{what} ({len(rest)} bytes) was dropped")


def _word(name):
    return name.decode("ascii", "replace").strip()
