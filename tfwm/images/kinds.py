"""What a file is by its first bytes or its name, and which library reads it."""

import functools
import importlib
from pathlib import PurePath
from typing import NamedTuple

from PIL import Image

from tfwm.images.photo import ImageError

# Pillow knows more, some of it (EPS) by starting other programs.
FORMATS = "PNG JPEG MPO WEBP TIFF AVIF JPEG2000 BMP GIF PPM".split()
HEAD_BYTES = 64


class Plugin(NamedTuple):
    """A library that teaches Pillow a format.

    Args:
        module: to import.
        register: its function to call, if importing is not enough.
        library: its name for pip.
        extra: the extra of this package that installs it.
        endings: of the format's files.
        title: the format in errors.
    """

    module: str
    register: str | None
    library: str
    extra: str
    endings: tuple
    title: str


PLUGINS = {
    "HEIF": Plugin(
        "pillow_heif",
        "register_heif_opener",
        "pillow-heif",
        "heif",
        (".heic", ".heif", ".hif"),
        "HEIC",
    ),
    "JXL": Plugin("pillow_jxl", None, "pillow-jxl-plugin", "jxl", (".jxl",), "JPEG XL"),
    "AVIF": Plugin("pillow_avif", None, "pillow-avif-plugin", "avif", (".avif",), "AVIF"),
}
# Sensor data, which must be developed first; most are TIFF inside, with a small preview.
CAMERA_ENDINGS = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .k25 .kdc .mef .mos .mrw .nef .nrw .orf "
    ".pef .raf .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
CAMERA = "camera file (RAW)"
# Where the bytes lie, the bytes, and the format: one that is read, or words for one that is not.
MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WEBP"),
    (8, b"CR\x02", CAMERA),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"GIF8", "GIF"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG2000"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (0, b"\xff\x0a", "JXL"),
    (0, b"FUJIFILMCCD-RAW", CAMERA),
    (0, b"IIRO", CAMERA),
    (0, b"IIRS", CAMERA),
    (0, b"IIU\0", CAMERA),
    (0, b"FOVb", CAMERA),
    (6, b"HEAPCCDR", CAMERA),
    (0, b"\0MRM", CAMERA),
    (0, b"8BPS", "Photoshop file"),
    (0, b"v/1\x01", "OpenEXR file"),
    (0, b"#?RADIANCE", "Radiance HDR file"),
    (0, b"qoif", "QOI file"),
    (0, b"II\xbc", "JPEG XR file"),
)
# Files of the family of MP4 say in their brands what they hold.
BRANDS = {
    "AVIF": (b"avif", b"avis"),
    CAMERA: (b"crx ",),
    "HEIF": (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"mif1", b"msf1"),
}
MIME_TYPES = {
    **{kind: f"image/{kind.lower()}" for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF")},
    "HEIF": "image/heic",
    "JXL": "image/jxl",
}
# The first bytes of BMP and PPM are too short to be sure of a file whose name does not say it.
WEAK = (b"BM", *(b"P%d" % n for n in range(1, 8)))
# `DNGVersion`, and the type of a first picture that is only a small preview of others.
DNG_VERSION, SUBFILE_TYPE, SUB_FILES = 50706, 254, 330


def kind_of(head):
    """Returns what the first bytes of a file (64 or more) say that it is.

    Returns:
        A format of `FORMATS` or `PLUGINS`; words, such as `"Photoshop file"`, for a picture that is
        not read; or `None` for everything else.

    Example:

    >>> kind_of(b"GIF89a")
    'GIF'
    """
    if head[4:8] == b"ftyp":
        size = int.from_bytes(head[:4], "big")
        brands = head[8:12], *(head[n : n + 4] for n in range(16, min(size, len(head)), 4))
        found = (kind for kind, known in BRANDS.items() if set(known).intersection(brands))
        return next(found, None)
    return next((kind for at, magic, kind in MAGIC if head[at:].startswith(magic)), None)


def may_be_photo(head):
    """Whether the first bytes can be those of a picture of any kind."""
    return kind_of(head) is not None or any(head.startswith(magic) for magic in WEAK)


def kind_of_file(path):
    """Returns what the first bytes of a file say, see `kind_of`; `None` if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return kind_of(file.read(HEAD_BYTES))
    except OSError:
        return None


def is_camera_file(name):
    """Whether a name has the ending of a camera's sensor data."""
    return PurePath(name).suffix.lower() in CAMERA_ENDINGS


@functools.cache
def endings():
    """Returns the endings of the formats that can be read, with their plugins."""
    Image.init()
    known = {end for end, name in Image.registered_extensions().items() if name in FORMATS}
    return known.union(*(plugin.endings for plugin in PLUGINS.values()), (".pjpeg", ".pjp"))


@functools.cache
def is_ready(file_format):
    """Whether Pillow can read a format, by a plugin if it needs one; registers the plugin."""
    Image.init()
    if file_format not in PLUGINS or file_format in Image.OPEN:
        return file_format in Image.OPEN
    plugin = PLUGINS[file_format]
    try:
        module = importlib.import_module(plugin.module)
        if plugin.register:
            getattr(module, plugin.register)()
    except (ImportError, AttributeError):
        return False
    return file_format in Image.OPEN


def need_plugin(file_format, name):
    """Raises `ImageError` if a photo needs a plugin that is not there."""
    if file_format in PLUGINS and not is_ready(file_format):
        plugin = PLUGINS[file_format]
        raise ImageError(
            f"{name} is {plugin.title}, which needs the library "
            f"{plugin.library}: pip install 'tfwm[{plugin.extra}]'"
        )


def formats_for(head, name):
    """Returns the formats that Pillow should try for a file, from its first bytes.

    Args:
        head: the first bytes.
        name: of the file, for errors.

    Raises:
        ImageError: one line for a picture that is not read, or whose plugin is missing.
    """
    kind = kind_of(head)
    if kind == CAMERA or (kind == "TIFF" and is_camera_file(name)):
        raise camera_error(name)
    if kind in PLUGINS:
        need_plugin(kind, name)
        return [kind]
    if kind is not None and kind not in FORMATS:
        raise ImageError(f"{name} is a {kind}, which is not read: save it as TIFF or PNG first.")
    Image.init()
    return [known for known in FORMATS if known in Image.OPEN]


def camera_error(name):
    """Returns the error for a camera's sensor data."""
    return ImageError(
        f"{name} is a {CAMERA}, which holds no finished picture: develop it, and save it as TIFF "
        "or JPEG first."
    )


def refuse_preview(image, name):
    """Raises `ImageError` for a TIFF whose first picture only previews sensor data."""
    tags = getattr(image, "tag_v2", {})
    if DNG_VERSION in tags or (tags.get(SUBFILE_TYPE, 0) == 1 and SUB_FILES in tags):
        raise camera_error(name)
