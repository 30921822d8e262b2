"""What a picture from a stranger may ask for, known before anything of it is decoded."""

from tfwm.images import ImageError, claimed_size
from tfwm.images.containers import jpeg_segments
from tfwm.images.kinds import HEAD_BYTES, kind_of

# Pixels, bytes of all samples, and scans of a JPEG, of which a usual one has up to 15.
MAX_PIXELS, MAX_DECODED, MAX_SCANS = 50_000_000, 150_000_000, 100
SCAN = b"\xff\xda"


def check_claim(encoded, most_pixels=MAX_PIXELS, most_decoded=MAX_DECODED):
    """Returns the bytes of all samples of a picture, once it is decoded, and its pixels.

    Args:
        encoded: bytes of its file.
        most_pixels: of all its frames.
        most_decoded: bytes of all its samples.

    Raises:
        ImageError: it claims more, or is a JPEG of hundreds of scans.
    """
    pixels, size = claimed_size(encoded)
    if pixels > most_pixels or size > most_decoded:
        raise ImageError(
            f"Expected a picture of at most {most_pixels / 1e6:.0f} megapixels, and "
            f"{most_decoded / 1e6:.0f} MB before compression. Received: {pixels / 1e6:.1f} "
            f"megapixels, {size / 1e6:.0f} MB"
        )
    if kind_of(encoded[:HEAD_BYTES]) == "JPEG":
        _, end = jpeg_segments(encoded)  # behind it there may be a video
        if encoded.count(SCAN, 0, end) > MAX_SCANS:
            raise ImageError(f"Expected a JPEG of at most {MAX_SCANS} scans: save it again.")
    return size, pixels
