"""What a generator writes into each of its pictures: who made it, with which version, which one."""

import dataclasses
import secrets

from tfwm.checks import shortened

# What sets a stamp apart from a person's text: a format, frozen by tests/golden.
PREFIX, SEPARATOR = "gen:", "/"
# 64 random bits: among a billion pictures, two share an id with a chance of 3 %.
ID_BYTES = 8


@dataclasses.dataclass(frozen=True)
class Stamp:
    """The message of one generated picture: generator, version and the picture's own id.

    As a message it is the text `gen:generator/version/id`. Whoever reads the mark with the key
    reads all three, without a register; the id makes the picture's soft binding its own.

    Args:
        generator: id of the generator, such as `"acme-image"`; it may contain `/`.
        version: of the model, such as `"2.1"`; without `/`.
        id: of the picture, without `/`; a random one by default, of 11 characters.

    Example:

    >>> Stamp("acme-image", "2.1", "Zk3vT0aLq9w").message
    'gen:acme-image/2.1/Zk3vT0aLq9w'
    """

    generator: str
    version: str
    id: str = dataclasses.field(default_factory=lambda: secrets.token_urlsafe(ID_BYTES))

    def __post_init__(self):
        for name in ("generator", "version", "id"):
            value = getattr(self, name)
            is_parted = name != "generator" and SEPARATOR in str(value)
            if not _is_text(value) or is_parted:
                without = "" if name == "generator" else f", without {SEPARATOR}"
                raise ValueError(
                    f"Expected a {name} of printable text{without}. "
                    f"Received: {name}={shortened(value)}"
                )

    @property
    def message(self):
        """The text that the picture carries."""
        return PREFIX + SEPARATOR.join((self.generator, self.version, self.id))

    @classmethod
    def parse(cls, message):
        """Returns the stamp of a message that was read; `None` if it is none.

        Example:

        >>> Stamp.parse("gen:acme/image/2.1/Zk3vT0aLq9w").generator
        'acme/image'
        >>> Stamp.parse("2026/11/28") is None
        True
        """
        if not isinstance(message, str) or not message.startswith(PREFIX):
            return None
        parts = message.removeprefix(PREFIX).rsplit(SEPARATOR, 2)
        return cls(*parts) if len(parts) == 3 and all(map(_is_text, parts)) else None


def new_id():
    """Returns 8 random bytes, an id that no other picture has: one in a million among 6 million.

    Example:

    >>> len(new_id())
    8
    """
    return secrets.token_bytes(ID_BYTES)


def _is_text(value):
    return isinstance(value, str) and value.strip() != "" and value.isprintable()
