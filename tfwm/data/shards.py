"""Shards: many photos in a few files, whose records are read in any order."""

from pathlib import Path

from tfwm.checks import need
from tfwm.data.sources import list_photos
from tfwm.files import atomic_directory


def write_shards(source, folder, photos_per_shard=10_000):
    """Writes the image files below a folder into shards of ArrayRecord, as they are.

    A few large files are read faster from network and spinning disks than many small ones. Each
    record is an image file, byte for byte: nothing is decoded, and nothing is lost.

    Args:
        source: folder of photos, with its sub-folders.
        folder: folder to make, with `photos-00000-of-00003.array_record` and so on; it is a source
            of photos for `open_photos` and recipes.
        photos_per_shard: largest number of photos in a file.

    Returns:
        The number of photos.

    Example:

    >>> write_shards("my/photos", "my/shards")  # doctest: +SKIP
    25000
    """
    module = need("array_record.python.array_record_module", "shards")
    if photos_per_shard < 1:
        raise ValueError(
            f"Expected at least 1 photo in a shard. Received: photos_per_shard={photos_per_shard}"
        )
    if Path(folder).exists():
        raise FileExistsError(f"{folder} exists, it is kept: remove it to write again.")
    files = list_photos(source)
    starts = range(0, len(files), photos_per_shard)
    with atomic_directory(folder) as draft:
        for number, start in enumerate(starts):
            path = draft / f"photos-{number:05d}-of-{len(starts):05d}.array_record"
            # One record a group: each is read alone.
            writer = module.ArrayRecordWriter(str(path), "group_size:1")
            for file in files[start : start + photos_per_shard]:
                writer.write(file.read_bytes())
            writer.close()
    return len(files)
