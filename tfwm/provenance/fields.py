"""What the metadata without a signature say of a picture's origin: XMP, IPTC, EXIF, PNG text."""

from PIL import Image

from tfwm.images.carried import IPTC
from tfwm.images.exif import EXIF_TABLE, START
from tfwm.images.xmp import IPTC_EXTENSION, SOURCE_TYPE, properties_of
from tfwm.provenance.source_types import to_name

LONGEST = 300
DC = "{http://purl.org/dc/elements/1.1/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
XAP = "{http://ns.adobe.com/xap/1.0/}"
SYSTEM = f"{{{IPTC_EXTENSION}}}AISystemUsed"
# The first place that tells a field counts. XMP, then IPTC-IIM (record 2), then EXIF.
XMP_FIELDS = {
    "source_type": SOURCE_TYPE,
    "ai_system": SYSTEM,
    "ai_system_version": f"{{{IPTC_EXTENSION}}}AISystemVersionUsed",
    "ai_prompt": f"{{{IPTC_EXTENSION}}}AIPromptInformation",
    "creator": f"{DC}creator",
    "rights": f"{DC}rights",
    "credit": f"{PHOTOSHOP}Credit",
    "source": f"{PHOTOSHOP}Source",
    "software": f"{XAP}CreatorTool",
    "created": f"{PHOTOSHOP}DateCreated",
}
IPTC_FIELDS = {"creator": 80, "credit": 110, "source": 115, "rights": 116, "created": 55}
EXIF_FIELDS = {"creator": 0x013B, "rights": 0x8298, "software": 0x0131}
CAMERA = 0x010F, 0x0110  # make and model
TAKEN = 0x9003  # in the inner table
# Words of PNG text under which programs write how a picture was generated.
GENERATION = ("parameters", "prompt", "workflow", "sd-metadata", "invokeai_metadata", "Dream")
GENERATORS = "trainedAlgorithmicMedia"


def origin_fields(photo):
    """Returns the fields that tell of a picture's origin, none of which is signed.

    Args:
        photo: `tfwm.images.Photo` or `Animation`.

    Returns:
        Dict of texts: `source_type` (a name of IPTC's), `ai_system`, `ai_system_version`,
        `ai_prompt`, `creator`, `rights`, `credit`, `source`, `software`, `created`, `camera`,
        `taken`, `generation`; those that there are.
    """
    metadata, fields = photo.metadata, {}
    found = properties_of(metadata.get("xmp") or b"", XMP_FIELDS.values())
    fields |= {name: found[key] for name, key in XMP_FIELDS.items() if key in found}
    records = _iptc(metadata.get("photoshop") or b"")
    for name, number in IPTC_FIELDS.items():
        if number in records:
            fields.setdefault(name, records[number])
    for name, text in _exif(metadata.get("exif")).items():
        fields.setdefault(name, text)
    text = metadata.get("text") or {}
    if word := next((word for word in GENERATION if word in text), None):
        fields["generation"] = str(text[word])
    if "source_type" in fields:
        fields["source_type"] = to_name(fields["source_type"])
    return {name: " ".join(str(text).split())[:LONGEST] for name, text in fields.items()}


def told_source_type(fields):
    """Returns the digital source type that fields tell, or that follows from them; or `None`."""
    if "source_type" in fields:
        return fields["source_type"]
    return GENERATORS if {"ai_system", "generation"} & fields.keys() else None


def _iptc(resources):
    """The records of IPTC-IIM among Photoshop's resources: text by number."""
    mark = b"8BIM" + IPTC.to_bytes(2, "big")
    at = resources.find(mark)
    if at < 0:
        return {}
    at += 8 + resources[at + 6] // 2 * 2 if at + 6 < len(resources) else 0
    size = int.from_bytes(resources[at : at + 4], "big")
    data, at, found = resources[at + 4 : at + 4 + size], 0, {}
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        if length & 0x8000:
            break
        if data[at + 1] == 2:
            text = data[at + 5 : at + 5 + length].decode("utf-8", "replace")
            found.setdefault(data[at + 2], text)
        at += 5 + length
    return found


def _exif(data):
    if not data:
        return {}
    exif = Image.Exif()
    try:
        exif.load(START + bytes(data).removeprefix(START))
        found = {name: exif.get(tag) for name, tag in EXIF_FIELDS.items()}
        found["camera"] = " ".join(str(exif[tag]).strip("\0 ") for tag in CAMERA if tag in exif)
        found["taken"] = exif.get_ifd(EXIF_TABLE).get(TAKEN)
    except Exception:  # what can be read of a photo is read without it
        return {}
    return {name: str(text).strip("\0 ") for name, text in found.items() if text}
