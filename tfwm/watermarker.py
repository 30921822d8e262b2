"""Messages into ordinary photos and out of them."""

import dataclasses
import numbers

import numpy as np

from tfwm.images import ImageError, add_luminance, luminance, read_photo
from tfwm.ops.bits import BlockVotes, spread_bits
from tfwm.payload import CHECKSUM_BYTES, MAX_BYTES, bits_to_text, frame_length, text_to_bits

# Fewer copies of a bit than this and single wrong blocks already spoil a message.
MIN_COPIES = 4
# What goes through the network at once; a larger photo goes in bands of whole patches.
BAND_PIXELS = 1 << 20


@dataclasses.dataclass(frozen=True)
class Extraction:
    """What was read from a photo.

    Args:
        message: the text, or `None` if bits were asked for or no checksum fits.
        bits: `(length,)` uint8 of 0 and 1: the bits asked for, or those of the message
            with its checksum; `None` if no checksum fits.
        checksum_ok: whether the message's checksum fits; `None` for bits, which have none.
        bit_confidence: `(length,)`, for each bit the magnitude of its mean logit over
            its copies, 0 (undecided) to 16.
        copies: number of blocks that carry each bit, at least.
    """

    message: str | None
    bits: np.ndarray | None
    checksum_ok: bool | None
    bit_confidence: np.ndarray | None
    copies: int | None

    @property
    def confidence(self):
        """The mean of `bit_confidence`, or `None`."""
        return None if self.bit_confidence is None else float(self.bit_confidence.mean())

    def to_dict(self):
        """Returns plain values, ready for JSON; bits as a string of 0 and 1."""
        known = self.bits is not None
        return {
            "message": self.message,
            "checksum_ok": self.checksum_ok,
            "bits": "".join(map(str, self.bits.tolist())) if known else None,
            "confidence": round(self.confidence, 4) if known else None,
            "bit_confidence": np.round(self.bit_confidence, 4).tolist() if known else None,
            "copies": self.copies,
        }


class Watermarker:
    """Marks photos of any size and mode with a network for blocks of luminance.

    The luminance of the largest area from the top left whose sides are multiples of the
    network's patch (32) is marked; the border, chroma and transparency stay as they are. The
    bits are repeated over all blocks (`tfwm.ops.bits.spread_bits`) and read by adding up
    logits, so a photo must come back in its size and place. A large photo goes through the
    network in bands, which keeps memory bounded.

    Args:
        network: what `tfwm.export.load_network` gives, with one bit for each block and
            patches that the network handles one by one.

    Example:

    >>> watermarker = tfwm.load("redmark-mt")
    >>> marked = watermarker.embed("photo.jpg", "(c) Ada Lovelace")
    >>> watermarker.extract(marked).message
    '(c) Ada Lovelace'
    """

    def __init__(self, network):
        self.network = network

    def capacity(self, photo):
        """Returns how many bytes of message fit a photo, four copies of each bit at least."""
        return self._capacity(read_photo(photo))

    def embed(self, photo, message=None, *, bits=None, strength=1.0):
        """Marks a photo with a message or with bits.

        Args:
            photo: path, `PIL.Image.Image`, array or `tfwm.images.Photo`.
            message: text of up to `capacity(photo)` bytes of UTF-8; saved with a checksum.
            bits: instead of `message`, 0 and 1 as a string, list or array.
            strength: factor on the mark, above 0; 1 is what the network was trained at,
                more is easier to read and to see.

        Returns:
            The marked photo: an array or `Photo` for the like, else a `PIL.Image.Image` that
            holds the metadata in `info` (`tfwm.images.write_photo` saves all of it).
        """
        cover = read_photo(photo)
        if not (isinstance(strength, numbers.Real) and 0 < strength < float("inf")):
            raise ValueError(f"Expected a strength above 0. Received: strength={strength!r}")
        height, width = self._marked_area(cover)
        bits = self._bits_to_embed(cover, message, bits)
        blocks = spread_bits(bits, self._grid(height, width))
        pixels = cover.pixels.copy()
        for rows, block_rows in self._bands(height, width):
            area = pixels[rows, :width]
            before = luminance(area)
            grid = blocks[block_rows]
            after = self.network.embed(
                before[None, ..., None], grid[None, ..., None], float(strength)
            )
            change = np.asarray(after)[0, ..., 0] - before
            pixels[rows, :width] = add_luminance(area, change)
        marked = dataclasses.replace(cover, pixels=pixels)
        if photo is cover:
            return marked
        return marked.to_array(photo) if isinstance(photo, np.ndarray) else marked.to_pil()

    def extract(self, photo, bits_length=None):
        """Reads the message, or a known number of bits, from a photo.

        Args:
            photo: as for `embed`.
            bits_length: number of bits to read, if bits were embedded; `None` reads a message.

        Returns:
            `Extraction`. With `bits_length` there are always bits, whether the photo is marked
            or not; a message is there only if its checksum fits.
        """
        photo = read_photo(photo)
        height, width = self._marked_area(photo)
        logits = []
        for rows, _ in self._bands(height, width):
            image = luminance(photo.pixels[rows, :width])[None, ..., None]
            logits.append(np.asarray(self.network.extract(image))[0, ..., 0])
        votes = BlockVotes(np.concatenate(logits))
        if bits_length is not None:
            self._check_bits_length(bits_length, len(votes), photo.name)
            return _extraction(votes, bits_length, message=None, checksum_ok=None)
        for message_bytes in range(1, self._capacity(photo) + 1):
            length = frame_length(message_bytes)
            message = bits_to_text(votes.read(length) > 0)
            if message is not None:
                return _extraction(votes, length, message=message, checksum_ok=True)
        return Extraction(None, None, False, None, None)

    def _bits_to_embed(self, cover, message, bits):
        if (message is None) == (bits is None):
            raise ValueError("Expected either a message or bits. Received: both or neither.")
        if message is not None:
            size, room = len(message.encode("utf-8")), self._capacity(cover)
            if size > room:
                raise ImageError(
                    f"The message takes {size} bytes, {room} fit {cover.name} "
                    f"({_size(cover)} pixels): shorten it or take a larger photo."
                )
            return text_to_bits(message)
        values = list(bits)
        if not values or any(str(value) not in ("0", "1") for value in values):
            raise ValueError("Expected bits of 0 and 1, such as 0110. Received: " + repr(bits)[:60])
        rows, columns = self._grid(*self._marked_area(cover))
        self._check_bits_length(len(values), rows * columns, cover.name)
        return [int(value) for value in values]

    def _check_bits_length(self, length, blocks, name):
        if not 1 <= length <= blocks:
            raise ImageError(f"Expected 1 to {blocks} bits for {name}. Received: {length}")

    def _marked_area(self, photo):
        rows, columns = self.network.patch_shape
        height, width = photo.pixels.shape[:2]
        if height < rows or width < columns:
            raise ImageError(
                f"{photo.name} has {_size(photo)} pixels: "
                f"expected at least {columns} x {rows}; take a larger photo."
            )
        return height // rows * rows, width // columns * columns

    def _grid(self, height, width):
        """Rows and columns of blocks in the marked area."""
        return height // self.network.block_shape[0], width // self.network.block_shape[1]

    def _bands(self, height, width):
        patch, block = self.network.patch_shape[0], self.network.block_shape[0]
        step = max(BAND_PIXELS // width // patch, 1) * patch
        for top in range(0, height, step):
            bottom = min(top + step, height)
            yield slice(top, bottom), slice(top // block, bottom // block)

    def _capacity(self, photo):
        rows, columns = self._grid(*self._marked_area(photo))
        return min(max(rows * columns // (8 * MIN_COPIES) - CHECKSUM_BYTES, 0), MAX_BYTES)


def load(name="redmark-mt"):
    """Loads a trained network to mark photos with.

    Args:
        name: a network that comes with tfwm (`tfwm list`), or the path of an exported one.

    Returns:
        `Watermarker`.

    Example:

    >>> tfwm.load("redmark-mt").embed("photo.jpg", "(c) Ada Lovelace").save("marked.png")
    """
    from tfwm.export import load_network  # TensorFlow takes seconds to start

    return Watermarker(load_network(name))


def _extraction(votes, length, **found):
    mean = votes.read(length)
    return Extraction(
        bits=(mean > 0).astype(np.uint8),
        bit_confidence=np.abs(mean),
        copies=len(votes) // length,
        **found,
    )


def _size(photo):
    height, width = photo.pixels.shape[:2]
    return f"{width} x {height}"
