"""Who got a copy: from its mark, and from what it shows, to entries of a register."""

import dataclasses

from tfwm.fingerprints import distance, fingerprint, likeness
from tfwm.images import Animation, read_any
from tfwm.keys import Key
from tfwm.marking.uncut import is_whole, whole_size
from tfwm.register.entry import Entry

MARK, LIKENESS = "watermark", "fingerprint"
PICTURES = {
    "same": "it shows what was marked",
    "another": "it shows ANOTHER picture than was marked: the mark was copied",
    "unclear": "it is cut or changed so far that what it shows cannot be compared",
    None: "what it shows cannot be compared",
}
SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Owner:
    """What a register tells of a copy.

    Args:
        by: what led to the entries: `"watermark"`, or `"fingerprint"`, which only says that the
            photo looks like those that were marked, and not which copy it is.
        picture: whether the copy shows what was marked: `"same"`, `"another"`, `"unclear"` as for a
            crop, or `None` if it cannot be compared.
        entries: tuple of `Entry`; of several with one message, those that it looks like, if any.
    """

    by: str
    picture: str | None
    entries: tuple[Entry, ...] = ()

    @property
    def holds(self):
        """Whether the register knows the copy's mark, and it shows what was marked or may do so."""
        return self.by == MARK and bool(self.entries) and self.picture != "another"

    @property
    def recipients(self):
        """The recipients of the entries, each once; a tuple of texts."""
        return tuple(dict.fromkeys(e.recipient for e in self.entries if e.recipient))

    def sentence(self):
        """Returns in one line whose copy it is."""
        if not self.entries:
            return "the register does not know its message"
        if self.by == LIKENESS:
            return (
                f"no message was read; it looks like {_joined(e.file for e in self.entries)}, "
                "of which the register has copies: the look does not tell whose it is"
            )
        whose = _joined(self.recipients) or "nobody in particular"
        made = _joined(f"{e.file}, {e.time}" for e in self.entries)
        waits = ", pending: its file was perhaps never written" * any(
            entry.pending is not None for entry in self.entries
        )
        return f"given to {whose} ({made}{waits}); {PICTURES[self.picture]}"

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return {
            "by": self.by,
            "picture": self.picture,
            "holds": self.holds,
            "recipients": list(self.recipients),
            "entries": [entry.to_dict() for entry in self.entries],
        }


def find_owner(register, watermarker, photo, found, key=None) -> Owner:
    """Looks a copy up in a register.

    Args:
        register: `Register`.
        watermarker: `tfwm.Watermarker` that read the copy.
        photo: the copy, see `tfwm.images.read_photo`.
        found: `tfwm.marking.Extraction` of the copy.
        key: that it was read with.

    Returns:
        `Owner`. Without a message that was read, it is looked for by what the photo shows.

    Example:

    >>> register, watermarker = Register("register.db", create=True), tfwm.load()
    >>> report = watermarker.embed_file(
    ...     "photo.jpg", "ada.jpg", 1001, register=register, recipient="Ada"
    ... )
    >>> owner = find_owner(register, watermarker, "ada.jpg", watermarker.extract("ada.jpg"))
    >>> owner.recipients, owner.picture
    (('Ada',), 'same')
    """
    photo = read_any(photo)
    if not found.authentic:
        own = fingerprint(photo)
        return Owner(LIKENESS, None, tuple(register.like(own, SHOWN)) if own else ())
    network = watermarker.network.name
    entries = register.find(found.message, network, Key(key).fingerprint)
    seen = photo.frames[0] if isinstance(photo, Animation) else photo
    own = None if found.corners is not None else fingerprint(seen, found.alignment)
    filled = whole_size(watermarker, photo, found, key) if entries else None
    copied = found.decision == "copied"
    pictures = ["another" if copied else _picture(own, entry, filled) for entry in entries]
    for told in ("same", "unclear", None, "another"):
        if told in pictures:
            alike = [e for e, p in zip(entries, pictures, strict=True) if p == told]
            if own is not None:
                alike.sort(key=lambda e: distance(own, e.fingerprint) if e.fingerprint else 999)
            return Owner(MARK, told, tuple(alike))
    return Owner(MARK, None)


def _picture(own, entry, filled):
    if not entry.fingerprint:
        return None
    return likeness(own, entry.fingerprint, is_whole(filled, (entry.width, entry.height)))


def _joined(texts):
    texts = list(dict.fromkeys(texts))
    more = [f"... ({len(texts)})"] if len(texts) > SHOWN else []
    return "; ".join([*texts[:SHOWN], *more])
