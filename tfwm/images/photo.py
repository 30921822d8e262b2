"""A photo in memory, with the metadata of its file."""

import dataclasses

import numpy as np
from PIL import Image

from tfwm.images.arrays import MOST_CHANNELS, as_array, channels_first


class ImageError(ValueError):
    """A photo that cannot be read, marked or written; its text is one line for the user."""


class DamagedError(ImageError):
    """A photo whose file is damaged or cut off; some of it may be there, see `read_photo`."""


@dataclasses.dataclass
class Photo:
    """Pixels, transparency and metadata of a photo, upright.

    Args:
        pixels: `(H, W, 1)` gray or `(H, W, 3)` RGB; uint8, uint16 or floats in [0, 1].
        alpha: `(H, W)` transparency of the same type, or `None`.
        metadata: data that is saved with the photo: `exif`, `xmp`, `icc_profile`, `photoshop`
            (IPTC among it) and `gain_map` (bytes), `dpi`, `comment`, `text` (dict, PNG), `chunks`
            (PNG) and `segments` (JPEG) of other kinds, pairs of name and bytes.
        notes: sentences about changes that reading made, such as a palette turned into colors.
        losses: sentences about what the file carried and a changed copy cannot carry.
        encoding: how the file was compressed, `tfwm.images.encoding.Encoding`, or `None`.
        name: used in error messages, usually its path.
        file_format: Pillow's name for the format of the file that it was read from, such as
            `"JPEG"`, or `None`.
        rows_read: share of its rows that a damaged file held, 0 to 1.

    Example:

    >>> photo = Photo(np.zeros((48, 64, 3), np.uint8))
    >>> photo.to_pil().size
    (64, 48)
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    metadata: dict = dataclasses.field(default_factory=dict)
    notes: list = dataclasses.field(default_factory=list)
    losses: list = dataclasses.field(default_factory=list)
    encoding: object = None
    name: str = "photo"
    file_format: str | None = None
    rows_read: float = 1.0

    @classmethod
    def from_array(cls, array):
        """Makes a photo of an array or tensor of one photo.

        Args:
            array: `(H, W)` or `(H, W, 1 to 4)`: gray, gray and alpha, RGB, RGBA; or such channels
                first, `(1 to 4, H, W)`, where W is above 4. uint8, uint16, or floats in [0, 1].
                `tfwm.images.to_photos` takes batches and other ranges.
        """
        array = as_array(array)
        if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
            is_float = "float" in array.dtype.name  # such as bfloat16, which is none of NumPy's
            hint = f"array.astype(np.{'float32' if is_float else 'uint8'})"
            hint += " * 255" if array.dtype == bool else ""
            raise ImageError(
                "Expected an array of uint8, uint16 or floats in [0, 1]. "
                f"Received: dtype={array.dtype}; convert it first, as in {hint}."
            )
        first = channels_first(array.shape)
        channels = array if array.ndim == 3 else array[..., None]
        channels = np.moveaxis(array, 0, -1) if first else channels
        if array.ndim not in (2, 3) or 0 in array.shape or channels.shape[2] > MOST_CHANNELS:
            raise ImageError(
                "Expected an array (height, width) or (height, width, 1 to 4 channels). "
                f"Received: shape={array.shape}; pass one photo at a time, or a batch to "
                "tfwm.images.to_photos."
            )
        if array.dtype.kind == "f" and not (array.min() >= 0 and array.max() <= 1):
            raise ImageError(
                f"Expected floats in [0, 1]. Received: values from {array.min():g} to "
                f"{array.max():g}; scale them first, or say their range to tfwm.images.to_photos."
            )
        colors = 1 if channels.shape[2] < 3 else 3
        alpha = channels[..., -1] if channels.shape[2] in (2, 4) else None
        return cls(channels[..., :colors], alpha, name="array")

    def to_array(self, like):
        """Returns the pixels (and alpha) in the shape of `like`, as `from_array` takes it."""
        samples = self.samples()
        if channels_first(tuple(like.shape)):
            return np.ascontiguousarray(np.moveaxis(samples, -1, 0))
        return samples.reshape(tuple(like.shape))

    def samples(self):
        """Returns pixels and alpha, if there is any, as `(H, W, 1 to 4)`."""
        if self.alpha is None:
            return self.pixels
        return np.concatenate([self.pixels, self.alpha[..., None]], axis=-1)

    def to_pil(self):
        """Returns a `PIL.Image` of mode L, LA, RGB, RGBA or I;16, metadata in its `info`."""
        pixels = self.pixels
        channels = pixels.shape[2] + (self.alpha is not None)
        if pixels.dtype != np.uint8 and (pixels.dtype, channels) != (np.uint16, 1):
            raise ImageError(
                "Expected 8 bits, or 16 bits of gray, for an image file. Received: "
                f"{self.name} with {channels} channel(s) of {pixels.dtype}; "
                "convert it to uint8 first."
            )
        if pixels.shape[2] == 1:
            pixels = pixels[..., 0]
        image = Image.fromarray(np.ascontiguousarray(pixels))
        if self.alpha is not None:
            image.putalpha(Image.fromarray(np.ascontiguousarray(self.alpha)))
        image.info.update(self.metadata)
        return image
