"""A Pillow image that is saved with the metadata of its photo."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.files import write_whole
from tfwm.images.arrays import to_uint8
from tfwm.images.encoding import default_encoding
from tfwm.images.kinds import need_plugin
from tfwm.images.metadata import KEPT
from tfwm.images.photo import Photo
from tfwm.images.placing import place
from tfwm.images.writing import FORMATS, encode_photo

METADATA = (*KEPT, "exif")
# If one of these is asked for, Pillow's own defaults complete it.
COMPRESSION = {"quality", "subsampling", "qtables", "lossless", "compression", "optimize"}


class PhotoImage(Image.Image):
    """A `PIL.Image.Image` whose `save` keeps EXIF, XMP, IPTC, color profile, resolution and text.

    They lie in `info`; what is taken out there is not saved. Images that are made of this one,
    such as by `resize`, keep them too. JPEG is saved as by `tfwm.images.write_photo`, with quality
    95 and 4:4:4, unless `save` gets a quality or a subsampling.

    Args:
        photo: for 16-bit color, which Pillow does not hold, the `tfwm.images.Photo`: PNG and TIFF
            are saved of it as long as the pixels are not changed.
    """

    photo = None

    @classmethod
    def of(cls, photo):
        """Returns the image of a `tfwm.images.Photo` of 8 or 16 bits."""
        deep = photo.pixels.dtype == np.uint16 and photo.samples().shape[2] > 1
        plain = photo
        if deep:
            alpha = None if photo.alpha is None else to_uint8(photo.alpha)
            plain = Photo(to_uint8(photo.pixels), alpha, photo.metadata, name=photo.name)
        image = _adopt(plain.to_pil())
        image.photo = photo if deep else None
        return image

    def save(self, fp, format=None, **params):
        """Saves the image; see `PIL.Image.Image.save` for the arguments, which go first."""
        path = Path(os.fsdecode(fp)) if isinstance(fp, str | bytes | os.PathLike) else None
        file_format = format.upper() if format else FORMATS.get(path.suffix.lower()) if path else ""
        if file_format not in FORMATS.values() or "save_all" in params or "append" in params:
            return super().save(fp, format, **params)
        encoded = self._encoded(file_format, params)
        if path is None:
            fp.write(encoded)
        elif not path.parent.is_dir():
            raise FileNotFoundError(f"The folder {path.parent} does not exist: make it first.")
        else:
            write_whole(path, encoded)

    def _encoded(self, file_format, params):
        metadata = {key: self.info[key] for key in METADATA if self.info.get(key)}
        if self.photo and file_format in ("PNG", "TIFF") and not params:
            if to_uint8(self.photo.samples()).tobytes() == self.tobytes():
                photo = Photo(self.photo.pixels, self.photo.alpha, metadata, name="image")
                return encode_photo(photo, f"image.{file_format.lower()}")
        need_plugin(file_format, "the image")
        placed = place(metadata, file_format)
        options = {} if COMPRESSION & set(params) else default_encoding(file_format).options()
        buffer = io.BytesIO()
        super().save(buffer, file_format, **{**options, **placed.options, **params})
        return placed.finish(buffer.getvalue())

    def _new(self, im):
        """What Pillow makes further images by; a gain map does not follow their pixels."""
        image = _adopt(super()._new(im))
        image.info.pop("gain_map", None)
        return image

    def copy(self):
        """Returns a copy of the image, see `PIL.Image.Image.copy`."""
        image = super().copy()
        image.info, image.photo = dict(self.info), self.photo
        return image

    __copy__ = copy

    def __getstate__(self):
        return [*super().__getstate__(), self.photo]

    def __setstate__(self, state):
        super().__setstate__(state[:-1])
        self.photo = state[-1]


def _adopt(image):
    adopted = PhotoImage()
    adopted.__dict__.update(image.__dict__)
    return adopted
