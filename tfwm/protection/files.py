"""Images in files: marked by a barrier, which protects data, and what is read from them."""

import dataclasses
import io
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from tfwm.batch.jobs import ENDINGS, KEEP, Job, assign_outputs, check_outputs, find_photos
from tfwm.batch.pool import Pool
from tfwm.images import (
    ImageError,
    Photo,
    add_colours,
    add_luminance,
    check_output,
    encode_photo,
    luminance,
    read_photo,
    write_encoded,
)
from tfwm.images.writing import FORMATS, LOSSY
from tfwm.metrics import normalized_correlation, watermark_similarity
from tfwm.protection.barrier import load_barrier
from tfwm.protection.watermark_barrier import WatermarkBarrier

EXISTS = "exists already"


def protect_files(
    barrier,
    sources,
    output,
    *,
    strength=1.0,
    quality=None,
    file_format=KEEP,
    overwrite=False,
    tell=None,
    workers=None,
):
    """Marks the images of a folder and its sub-folders, or the named ones: protects data.

    Who trains a network on the marked images has one that marks. Images keep size, colours or
    gray, transparency and metadata; a file appears whole or not at all, the unmarked ones are
    never replaced, and one failure does not stop the rest. An output that exists is left alone,
    so that a second run goes on where the first one ended.

    Args:
        barrier: a `tfwm.protection.Barrier`, or the name or path of one.
        sources: list of one folder or of files.
        output: folder for the marked images; for a single file, the file to write.
        strength: factor on the change that the mark is.
        quality: of JPEG and AVIF files, 1 to 100.
        file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"`, or `"keep"` for each image's own, and
            PNG where that cannot be written.
        overwrite: whether outputs that exist are replaced.
        tell: called with a row, the number of rows so far, and of all.
        workers: number of threads.

    Returns:
        Rows as dicts, sorted: `source`, `output`, `psnr` in dB, the `similarity` of what is read
        from the written file to the watermark, `status` (`"done"`, `"skipped"`, `"failed"`),
        `error` and `notes`.

    Example:

    >>> rows = protect_files("barrier-derain", ["photos/"], "marked/")  # doctest: +SKIP
    """
    if file_format != KEEP and _is_single(sources, output):
        raise ValueError("A format goes with a folder: the ending of a single file tells its own.")
    barrier = open_barrier(barrier)
    jobs = _assign(sources, output, file_format, quality, overwrite)
    layer = WatermarkBarrier(barrier.embedder, barrier.watermark, strength)
    mark = tf.function(layer, reduce_retracing=True)
    pool = Pool(workers)

    def work(job):
        _refuse_existing(job, overwrite)
        photo = read_photo(job.source)
        with pool.lane:
            marked = _marked(photo, mark, barrier.channels)
        lossy = FORMATS[job.output.suffix.lower()] in LOSSY
        encoded = encode_photo(marked, job.output, quality if lossy else None)
        with Image.open(io.BytesIO(encoded)) as image:
            copy = read_photo(image)
        with pool.lane:
            _, similarity = measured(barrier, _read(barrier, copy))
        _write(encoded, job, overwrite)
        quality_now = _psnr(photo.pixels, marked.pixels)
        return {"psnr": quality_now, "similarity": similarity, "notes": list(photo.notes)}

    return _run(pool, work, jobs, ("psnr", "similarity"), tell)


def read_files(barrier, sources, output, *, overwrite=False, tell=None, workers=None):
    """Reads the watermark from images and writes what was read as pictures.

    Args:
        barrier: see `protect_files`.
        sources: see `protect_files`.
        output: folder for the pictures, PNG; for a single file, the file to write.
        overwrite: see `protect_files`.
        tell: see `protect_files`.
        workers: see `protect_files`.

    Returns:
        Rows as of `protect_files`, with `nc` (the paper's normalised correlation) in place of
        `psnr`.

    Example:

    >>> rows = read_files("barrier-derain", ["found.jpg"], "read.png")  # doctest: +SKIP
    """
    barrier = open_barrier(barrier)
    jobs = _assign(sources, output, "png", None, overwrite)
    pool = Pool(workers)

    def work(job):
        _refuse_existing(job, overwrite)
        photo = read_photo(job.source)
        with pool.lane:
            read = _read(barrier, photo)
            nc, similarity = measured(barrier, read)
        picture = Photo(np.uint8(np.round(255 * read)), name=str(job.output))
        _write(encode_photo(picture, job.output), job, overwrite)
        return {"nc": nc, "similarity": similarity, "notes": list(photo.notes)}

    return _run(pool, work, jobs, ("nc", "similarity"), tell)


def read_all(barrier, sources, tell=None):
    """Reads images one after the other; returns their paths, NC and similarities, all or none.

    Raises:
        ValueError: an image that cannot be read.
    """
    files, values = read_each(sources, lambda photo: measured(barrier, _read(barrier, photo)), tell)
    correlations, similarities = zip(*values, strict=True)
    return files, np.array(correlations), np.array(similarities)


def read_each(sources, look, tell=None):
    """Looks at images one after the other; returns their paths and what was seen, all or none.

    Args:
        sources: list of one folder, with sub-folders, or of files.
        look: function of a `tfwm.images.Photo`.
        tell: see `protect_files`.

    Raises:
        ValueError: an image that cannot be read, or none at all.
    """
    jobs = [job for job in _find(sources) if not job.skipped]
    seen = []
    for number, job in enumerate(jobs, 1):
        if job.problem:
            raise ImageError(f"{job.source} {job.problem}")
        seen.append(look(read_photo(job.source)))
        if tell:
            tell({"source": str(job.source), "status": "done"}, number, len(jobs))
    return [job.source for job in jobs], seen


def check_apart(suspects, unmarked):
    """Raises `ValueError` for files that are said to be both."""
    both = {file.resolve() for file in suspects} & {file.resolve() for file in unmarked}
    if both:
        raise ValueError(
            f"Expected suspected and unmarked images to be different files. Received: {len(both)} "
            f"that are both, such as {sorted(both)[0]}"
        )


def measured(barrier, read):
    """Returns normalised correlation and similarity of one reading with the watermark."""
    pair = np.float32(barrier.watermark)[None], np.float32(read)[None]
    similarity = watermark_similarity(barrier.watermark, pair[1])
    return float(normalized_correlation(*pair)[0]), float(similarity[0])


def fit_channels(photo, channels):
    """Returns a photo's pixels as a batch of one, float32 in [0, 1], in gray or in colour."""
    if channels == 1:
        return luminance(photo.pixels)[None, ..., None]
    top = 1 if photo.pixels.dtype.kind == "f" else np.iinfo(photo.pixels.dtype).max
    pixels = photo.pixels.astype(np.float32) / np.float32(top)
    return np.repeat(pixels, 3 // pixels.shape[-1], axis=-1)[None]


def open_barrier(barrier):
    """Returns a barrier that is given itself, or by name or path."""
    return load_barrier(barrier) if isinstance(barrier, str | os.PathLike) else barrier


def _marked(photo, mark, channels):
    image = fit_channels(photo, channels)
    change = mark(tf.constant(image)).numpy()[0] - image[0]
    if channels == 1:
        pixels = add_luminance(photo.pixels, change[..., 0])
    else:
        pixels = add_colours(photo.pixels, change)
    return dataclasses.replace(photo, pixels=pixels)


def _read(barrier, photo):
    return barrier.read(fit_channels(photo, barrier.channels))[0]


def _psnr(before, after):
    top = 1.0 if before.dtype.kind == "f" else float(np.iinfo(before.dtype).max)
    error = np.mean((before.astype(np.float64) - after) ** 2) / top**2
    return float(-10 * np.log10(max(error, 1e-10)))


def _find(sources):
    jobs = find_photos(sources)
    if all(job.skipped for job in jobs):
        raise ValueError(f"{sources[0]} holds no images.")
    return jobs


def _is_single(sources, output):
    """Whether one file is to be written, as named."""
    if len(sources) > 1 or os.path.isdir(sources[0]) or os.path.isdir(output):
        return False
    return not str(output).endswith(("/", os.sep))


def _assign(sources, output, file_format, quality, overwrite):
    """The jobs with their outputs, checked as far as can be before the work."""
    jobs = _find(sources)
    if _is_single(sources, output):
        jobs = [Job(jobs[0].source, jobs[0].name, output=Path(output))]
        check_output(output, quality, overwrite)
    else:
        _check_folder(sources, Path(output))
        jobs = assign_outputs(jobs, Path(output), file_format)
    todo = [job for job in jobs if not (job.skipped or job.problem)]
    check_outputs(todo, in_place=False)
    if file_format != KEEP:
        check_output(Path(f"a{ENDINGS[file_format]}"), quality, overwrite=True)
    elif quality and not any(FORMATS.get(job.output.suffix.lower()) in LOSSY for job in todo):
        raise ValueError("A quality goes with JPEG and AVIF only: none of the outputs is one.")
    return jobs


def _check_folder(sources, folder):
    source, target = Path(sources[0]).resolve(), folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: expected a folder for what is written.")
    if source == target or source in target.parents:
        raise ValueError(
            f"{folder} is the folder of the images, or lies inside: choose another one, so that "
            "images with and without the mark stay apart."
        )


class _Exists(Exception):
    """The output is there already."""


def _refuse_existing(job, overwrite):
    if job.output.exists() and not overwrite:
        raise _Exists


def _write(encoded, job, overwrite):
    job.output.parent.mkdir(parents=True, exist_ok=True)
    write_encoded(encoded, job.output, overwrite)


def _run(pool, work, jobs, columns, tell):
    rows = []

    def add(job, status, error=None, values=None):
        idle = job.skipped or job.problem
        row = {"source": str(job.source), "output": None if idle else str(job.output)}
        row |= {**dict.fromkeys(columns), "notes": [], **(values or {})}
        rows.append(row | {"status": status, "error": error})
        if tell:
            tell(rows[-1], len(rows), len(jobs))

    def done(job, result):
        if isinstance(result, _Exists):
            add(job, "skipped", f"{job.output} {EXISTS}")
        elif isinstance(result, Exception):
            add(job, "failed", " ".join(str(result).split()) or type(result).__name__)
        else:
            add(job, "done", values=result)

    for job in jobs:
        if job.problem or job.skipped:
            add(job, "failed" if job.problem else "skipped", job.problem or job.skipped)
    pool.run(work, [job for job in jobs if not (job.problem or job.skipped)], done)
    return sorted(rows, key=lambda row: row["source"])
