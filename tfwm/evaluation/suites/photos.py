"""The photos that an evaluation measures."""

import dataclasses

import numpy as np
from PIL import Image

from tfwm.data.sources import SourcePhotos, read_source


@dataclasses.dataclass
class Photos(SourcePhotos):
    """A list of photos with a name.

    Args:
        name: name of the set in result files.
        images: list of uint8 arrays, `(H, W)` gray or `(H, W, 3)` RGB.
        names: one name for each image.
        skipped: number of files that could not be read.

    Example:

    >>> photos = Photos.of("bundled:test")
    >>> len(photos.images), photos.images[0].shape
    (4, (512, 512))
    """

    @classmethod
    def of(cls, source, color=False, limit=None):
        """Reads photos in the order of their names.

        A file that cannot be read is skipped with a warning and counted in `skipped`.

        Args:
            source: a folder, a file, `"bundled:SPLIT"`, a list of uint8 arrays, and whatever else
                `tfwm.data.sources.read_photos` reads; or `Photos`, which are returned.
            color: if True, reads RGB; else gray, by ITU-R 601 luma.
            limit: largest number of photos to read.

        Raises:
            FileNotFoundError: if there is nothing to read.
        """
        if isinstance(source, cls):
            return source
        found = read_source(source, 3 if color else 1, limit)
        images = found.images if color else [image[..., 0] for image in found.images]
        return cls(found.name, images, found.names, found.skipped)

    def largest(self):
        """Returns the first of the largest photos."""
        return max(self.images, key=lambda image: image.shape[0] * image.shape[1])

    def evenly(self, limit):
        """Returns up to `limit` of the photos, evenly chosen; all of them with `None`."""
        step = -(-len(self.images) // limit) if limit else 1
        return dataclasses.replace(self, images=self.images[::step], names=self.names[::step])

    def resized(self, long, short):
        """Returns the photos with these sides in pixels, by a Lanczos filter."""
        images = []
        for image in self.images:
            sides = (long, short) if image.shape[1] >= image.shape[0] else (short, long)
            images.append(np.asarray(Image.fromarray(image).resize(sides, Image.LANCZOS)))
        return dataclasses.replace(self, images=images, name=f"{self.name}-{long}x{short}")
