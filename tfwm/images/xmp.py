"""XMP: takes out what is no longer true of a marked photo; reads and writes single properties."""

import io
import re
from xml.etree import ElementTree

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
ITEM = CONTAINER + "item/"
# Namespaces, or single names of them, by what they announce.
GAIN_MAP = ("http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.apple.com/HDRGainMap/1.0/")
MOTION = tuple(
    "http://ns.google.com/photos/1.0/camera/}" + name
    for name in (
        *("MotionPhoto", "MotionPhotoVersion", "MotionPhotoPresentationTimestampUs"),
        *("MicroVideo", "MicroVideoVersion", "MicroVideoOffset"),
        "MicroVideoPresentationTimestampUs",
    )
)
PICTURES = (
    *("http://ns.google.com/photos/1.0/image/", "http://ns.google.com/photos/1.0/depthmap/"),
    "http://ns.adobe.com/xap/1.0/}Thumbnails",
    *(
        "http://ns.adobe.com/xap/1.0/g/img/",
        "http://ns.google.com/photos/1.0/camera/}SpecialTypeID",
    ),
)
CREDENTIALS = ("http://purl.org/dc/terms/}provenance",)
EXTENDED = ("http://ns.adobe.com/xmp/note/}HasExtendedXMP",)
UNREADABLE = (ElementTree.ParseError, ValueError, RecursionError)
# What may stand in the bytes of a packet that writes a name in another way.
HIDING = (b"\0", b"&#", b"<!ENTITY")
KEPT_ITEMS = ("Primary", "GainMap")
IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
SOURCE_TYPE = f"{{{IPTC_EXTENSION}}}DigitalSourceType"
PREFIXES = {IPTC_EXTENSION: "Iptc4xmpExt", RDF: "rdf", "adobe:ns:meta/": "x"}
EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'.encode()


def without(xmp, names):
    """Returns XMP without properties; bytes that hold none of them come back as they are.

    Args:
        xmp: bytes of an XMP packet.
        names: namespaces, or `namespace}name`, such as `GAIN_MAP`.

    Returns:
        `(xmp, changed)`; `(b"", True)` if it names one of them and cannot be read.
    """
    hidden = any(mark in xmp.strip(b"\0\r\n\t ") for mark in HIDING)
    if not hidden and not any(name.split("}")[0].encode() in xmp for name in names):
        return xmp, False
    try:
        root = _parse(xmp)
    except UNREADABLE:
        return b"", True
    found = False
    for element in root.iter():
        for name in [n for n in element.attrib if _matches(n, names)]:
            del element.attrib[name]
            found = True
        for child in [c for c in element if _matches(c.tag, names)]:
            element.remove(child)
            found = True
    try:
        return (_packet(root), True) if found else (xmp, False)
    except RecursionError:  # thousands of elements in each other
        return b"", True


def without_items(xmp, kept=KEPT_ITEMS):
    """Returns XMP whose directory of a file's parts lists only those that are kept.

    Args:
        xmp: bytes of an XMP packet.
        kept: their meanings; a directory of `Primary` alone is taken out.
    """
    if CONTAINER.encode() not in xmp:
        return xmp
    try:
        root = _parse(xmp)
    except UNREADABLE:
        return b""
    changed = False
    for description in root.iter(f"{{{RDF}}}Description"):
        for directory in description.findall(f"{{{CONTAINER}}}Directory"):
            sequence = directory.find(f"{{{RDF}}}Seq")
            items = [] if sequence is None else list(sequence)
            for item in items:
                if _meaning(item) not in kept:
                    sequence.remove(item)
                    changed = True
            if {_meaning(item) for item in items} & set(kept) <= {"Primary"}:
                description.remove(directory)
                changed = True
    try:
        return _packet(root) if changed else xmp
    except RecursionError:
        return b""


def properties_of(xmp, names):
    """Returns the texts of properties, of a list the first one, by name; those that there are.

    Args:
        xmp: bytes of an XMP packet; of one that cannot be read, there are none.
        names: such as `SOURCE_TYPE`.
    """
    try:
        root = _parse(xmp)
    except UNREADABLE:
        return {}
    found = {}
    for description in root.iter(f"{{{RDF}}}Description"):
        for name in names:
            text = description.get(name) or _text(description.find(name))
            if text and text.strip():
                found.setdefault(name, text.strip())
    return found


def _text(element):
    if element is None:
        return None
    item = element.find(f".//{{{RDF}}}li")
    return element.get(f"{{{RDF}}}resource") or (element if item is None else item).text


def with_property(xmp, name, value):
    """Returns XMP that says `value` of a simple property, in place of what it said before.

    Args:
        xmp: bytes of an XMP packet; `None` or `b""` for a new one.
        name: as `SOURCE_TYPE`.
        value: text.

    Returns:
        Bytes; `None` if the packet cannot be read.
    """
    for space, prefix in PREFIXES.items():
        ElementTree.register_namespace(prefix, space)
    try:
        root = _parse(xmp or EMPTY)
        described = list(root.iter(f"{{{RDF}}}Description"))
        for description in described:
            description.attrib.pop(name, None)
            for child in description.findall(name):
                description.remove(child)
        if not described:
            outer = next(root.iter(f"{{{RDF}}}RDF"))
            described = [ElementTree.SubElement(outer, f"{{{RDF}}}Description")]
            described[0].set(f"{{{RDF}}}about", "")
        described[0].set(name, value)
        return _packet(root)
    except (*UNREADABLE, StopIteration):
        return None


def _meaning(item):
    names = [f"{{{ITEM}}}Semantic"]
    for element in item.iter():
        for name in names:
            if name in element.attrib:
                return element.attrib[name]
            if element.tag == name:
                return element.text
    return None


def _matches(name, names):
    return any(name.startswith("{" + wanted) for wanted in names)


def _parse(xmp):
    for start, coding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if xmp.lstrip(b"\xff\xfe").startswith(start):
            text = xmp.lstrip(b"\xff\xfe").decode(coding)
            xmp = re.sub(r"<\?xml [^>]*\?>", "", text).encode()
    text = re.sub(rb"<\?xpacket[^>]*\?>", b"", xmp).strip(b"\0\r\n\t \xef\xbb\xbf")
    for _, (prefix, space) in ElementTree.iterparse(io.BytesIO(text), events=["start-ns"]):
        if not re.fullmatch(r"ns\d+|", prefix):
            ElementTree.register_namespace(prefix, space)
    return ElementTree.fromstring(text)


def _packet(root):
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)
    start = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode()
    return start + body + b'<?xpacket end="w"?>'
