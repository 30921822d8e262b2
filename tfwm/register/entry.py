"""One marked copy in a register."""

import dataclasses
import datetime
import hashlib

from tfwm.checks import shortened
from tfwm.fingerprints import BITS, fingerprint
from tfwm.images import Animation, read_any
from tfwm.keys import Key
from tfwm.payload import to_bytes, to_plain

LONGEST = 500  # characters of a message or recipient


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One marked copy: its id, what the copy is, and to whom it was given. Nothing secret.

    Args:
        message: the id that the copy carries, as text; bytes as hexadecimal digits.
        kind: of the message, `"text"`, `"bytes"`, `"int"`, `"uuid"` or `"signature"`.
        digest: SHA-256 of the marked file, hexadecimal.
        file: its name, inside the folder if it is one of a folder.
        network: name of the network that marked it.
        key: `tfwm.keys.Key.fingerprint` of the key, or `"public"`.
        recipient: to whom this copy is given, or `None`.
        fingerprint: of what it shows, 32 bytes, see `tfwm.fingerprints`; empty if it has none.
        width: of the marked photo, pixels.
        height: of the marked photo, pixels.
        time: when it was marked, ISO 8601 in UTC; now by default.
        pending: where its file is being written; `None` once it is there.
    """

    message: str
    kind: str
    digest: str
    file: str
    network: str
    key: str
    recipient: str | None = None
    fingerprint: bytes = b""
    width: int = 0
    height: int = 0
    time: str = dataclasses.field(default_factory=_now)
    pending: str | None = None

    def __post_init__(self):
        for name in ("message", "recipient"):
            value = getattr(self, name)
            if value is not None and len(value) > LONGEST:
                raise ValueError(
                    f"Expected a {name} of up to {LONGEST} characters. Received: "
                    f"{len(value)}, {shortened(value)}"
                )
        if self.recipient is not None and not self.recipient.isprintable():
            raise ValueError(
                "Expected a recipient of one line, without control characters. Received: "
                f"{shortened(self.recipient)}"
            )
        if len(self.fingerprint) * 8 not in (0, BITS):
            raise ValueError(
                "Expected a fingerprint of 32 bytes, or none: b''. Received: "
                f"{len(self.fingerprint)} bytes"
            )

    @classmethod
    def of(cls, encoded, message, file, network, key=None, recipient=None):
        """Returns the `Entry` of a marked file.

        Args:
            encoded: bytes of the file.
            message: that it carries, see `tfwm.Watermarker.embed`.
            file: its name.
            network: name of the network.
            key: secret text or bytes; only its fingerprint is kept.
            recipient: to whom the copy is given, or `None`.
        """
        photo = read_any(encoded)
        seen = photo.frames[0] if isinstance(photo, Animation) else photo
        height, width = seen.pixels.shape[:2]
        kind, _ = to_bytes(message)
        return cls(
            *(str(to_plain(message)), kind, hashlib.sha256(encoded).hexdigest(), written(file)),
            *(network, Key(key).fingerprint, recipient or None),
            *(fingerprint(seen) or b"", width, height),
        )

    @property
    def id(self):
        """What the entry is known by: the same copy for the same recipient has the same one."""
        return entry_id(self.digest, self.file, self.recipient)

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "fingerprint": self.fingerprint.hex()}


def entry_id(digest, file, recipient=None):
    """Returns `Entry.id` of a copy; see `Entry`."""
    parts = digest, written(file), recipient or ""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def written(path):
    r"""Returns a path as a database takes it: a byte that is no UTF-8 becomes `\udcff`."""
    return str(path).encode("utf-8", "backslashreplace").decode()
