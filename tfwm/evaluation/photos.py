import dataclasses
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.data.sources import list_photos, read_photos
from tfwm.images import ImageError, read_photo


@dataclasses.dataclass
class Photos:
    """The photos an evaluation runs over.

    Args:
        name: what result files call the set.
        images: list of uint8 arrays, `(H, W)` gray or `(H, W, 3)` RGB.
        names: one name for each.
        skipped: number of files that could not be read.

    Example:

    >>> photos = Photos.bundled("test")
    >>> len(photos.images), photos.images[0].shape
    (4, (512, 512))
    """

    name: str
    images: list
    names: list
    skipped: int = 0

    @classmethod
    def from_folder(cls, folder, color=False, limit=None):
        """Reads the images below a folder, in the order of their names.

        Colour becomes gray by ITU-R 601 luma (Pillow) unless `color`. A file that cannot be
        read is skipped with a warning and counted in `skipped`.

        Args:
            folder: path.
            color: whether to read RGB.
            limit: largest number of images to read.

        Returns:
            `Photos`. Raises `FileNotFoundError` if there is nothing to read.
        """
        _check_limit(limit)
        photos = cls(_folder_name(folder), [], [])
        for file in list_photos(folder):
            try:
                photos.images.append(_pixels(read_photo(file), color))
            except ImageError as error:
                photos.skipped += 1
                warnings.warn(f"skipped: {error}", stacklevel=2)
                continue
            photos.names.append(file.stem)
            if limit is not None and len(photos.images) == limit:
                break
        if not photos.images:
            raise FileNotFoundError(
                f"Expected readable images in {folder}. Received: {photos.skipped} files, none of "
                "which can be read"
            )
        return photos

    @classmethod
    def bundled(cls, split="test", color=False):
        """The sample photos that are installed with the package; see `tfwm.data`."""
        images = read_photos(f"bundled:{split}", 3 if color else 1)
        images = [image if color else image[..., 0] for image in images]
        return cls(f"bundled-{split}", images, [f"{split} {i}" for i in range(len(images))])

    @classmethod
    def of(cls, images, color=False, limit=None):
        """Makes `Photos` of a folder, `"bundled:SPLIT"`, a list of uint8 arrays, or `Photos`."""
        if isinstance(images, cls):
            return images
        if isinstance(images, str) and images.startswith("bundled:"):
            photos = cls.bundled(images.removeprefix("bundled:"), color)
            _check_limit(limit)
            return cls(photos.name, photos.images[:limit], photos.names[:limit])
        if isinstance(images, str | Path):
            return cls.from_folder(images, color, limit)
        images = [np.asarray(image) for image in images]
        for image in images:
            if image.dtype != np.uint8 or image.ndim not in (2, 3):
                raise ValueError(
                    "Expected uint8 images (H, W) or (H, W, 3). "
                    f"Received: {image.dtype} of shape {image.shape}"
                )
        if not images:
            raise ValueError("Expected at least one image. Received: none")
        images = [_convert(Image.fromarray(np.squeeze(image)), color) for image in images]
        return cls("images", images, [f"image {i}" for i in range(len(images))])


def _check_limit(limit):
    if limit is not None and limit < 1:
        raise ValueError(f"Expected a limit of at least 1 image. Received: limit={limit}")


def _folder_name(folder):
    """`bsds500/test` -> `bsds500-test`: the last folder alone seldom says which set."""
    parts = [part for part in Path(folder).expanduser().absolute().parts if part != "/"]
    if parts[-1].lower() in {"test", "train", "val", "valid", "validation", "images"}:
        parts[-1] = "-".join(parts[-2:])
    return parts[-1]


def _pixels(photo, color):
    if photo.pixels.dtype == np.uint16:
        photo.pixels = (photo.pixels // 257).astype(np.uint8)
    photo.alpha = None
    return _convert(photo.to_pil(), color)


def _convert(image, color):
    return np.asarray(image.convert("RGB" if color else "L"))
