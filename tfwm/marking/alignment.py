import dataclasses


@dataclasses.dataclass(frozen=True)
class Alignment:
    """How a copy lies to the photo that was marked.

    Args:
        scale: factor from the copy's pixels to those at which the mark was made.
        rotation: degrees counterclockwise that undo the copy's rotation.
        turns: quarter turns counterclockwise that undo the copy's.
        flipped: whether the copy is a mirror image.
        offset: `(rows, columns)` from the centre of the scaled and turned copy to a corner of
            a payload's tile, in pixels; `None` if the top left pixel is one, as in a photo
            that was not cropped.
        whole: whether the network sees photos as a whole: the copy, squeezed to its size, then
            is `scale` times the photo, and its centre lies `offset` from the photo's.
    """

    scale: float = 1.0
    rotation: float = 0.0
    turns: int = 0
    flipped: bool = False
    offset: tuple | None = None
    whole: bool = False

    def moved(self, **changes):
        """Returns a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return dataclasses.asdict(self)
