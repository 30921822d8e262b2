"""Marks image files with a barrier, and reads its watermark from files."""

import dataclasses

import numpy as np

from tfwm.batch.jobs import KEEP, assign_files, find_photos, is_single
from tfwm.batch.run import Pool, Skip, run_jobs
from tfwm.images import (
    ImageError,
    Photo,
    add_colors,
    add_luminance,
    decode_photo,
    encode_photo,
    luminance,
    psnr,
    read_photo,
    to_float,
    to_uint8,
    told_losses,
    write_encoded,
)
from tfwm.metrics import normalized_correlation, watermark_similarity
from tfwm.protection.barrier import open_barrier


def protect_files(
    barrier,
    sources,
    output,
    *,
    strength=1.0,
    quality=None,
    file_format=KEEP,
    overwrite=False,
    progress=None,
    workers=None,
):
    """Marks the images of a folder and its sub-folders, or the named ones: protects data.

    A network trained on marked images also produces marked outputs. Images keep their size,
    colors or gray, transparency and metadata. A file appears whole or not at all, the unmarked
    images are never replaced, and one failure does not stop the rest. An existing output is left
    alone, so that a second run goes on where the first one ended.

    Args:
        barrier: a `tfwm.protection.Barrier`, or the name or path of one.
        sources: list of one folder or of files.
        output: folder for the marked images; for a single file, the file to write.
        strength: factor on the change that the mark is.
        quality: of JPEG, AVIF, WebP and HEIC files, 1 to 100.
        file_format: see `tfwm.batch.jobs.output_name`; `"keep"` for each image's own.
        overwrite: whether existing outputs are replaced.
        progress: see `tfwm.batch.run.run_jobs`.
        workers: number of threads.

    Returns:
        Rows as dicts, sorted: `source`, `output`, `psnr` in dB, the `similarity` of what is read
        from the written file to the watermark, `status` (`"done"`, `"skipped"`, `"failed"`),
        `error` and `notes`.

    Example:

    >>> rows = protect_files("barrier-derain", ["photos/"], "marked/")  # doctest: +SKIP
    """
    if file_format != KEEP and is_single(sources, output):
        raise ValueError(
            "A format goes with a folder: the ending of a single file sets its format."
        )
    barrier = open_barrier(barrier)
    jobs = assign_files(sources, output, file_format, quality, overwrite)
    pool = Pool(workers)

    def work(job):
        _refuse_existing(job, overwrite)
        photo = read_photo(job.source)
        with pool.lane():
            marked = _marked(photo, barrier, strength)
        encoded = encode_photo(marked, job.output, quality)
        copy = decode_photo(encoded)
        with pool.lane():
            _, similarity = measured(barrier, _read(barrier, copy))
        write_encoded(encoded, job.output, overwrite)
        decibels = psnr(photo.pixels, marked.pixels)
        notes = [*photo.notes, *told_losses(photo, job.output)]
        return {"psnr": decibels, "similarity": similarity, "notes": notes}

    return run_jobs(pool, work, jobs, _row_maker("psnr"), progress=progress)


def read_files(barrier, sources, output, *, overwrite=False, progress=None, workers=None):
    """Reads the watermark from images and writes it as pictures.

    Args:
        barrier: see `protect_files`.
        sources: see `protect_files`.
        output: folder for the pictures, PNG; for a single file, the file to write.
        overwrite: see `protect_files`.
        progress: see `protect_files`.
        workers: see `protect_files`.

    Returns:
        Rows as of `protect_files`, with `nc` (the paper's normalized correlation) in place of
        `psnr`.

    Example:

    >>> rows = read_files("barrier-derain", ["found.jpg"], "read.png")  # doctest: +SKIP
    """
    barrier = open_barrier(barrier)
    jobs = assign_files(sources, output, "png", None, overwrite)
    pool = Pool(workers)

    def work(job):
        _refuse_existing(job, overwrite)
        photo = read_photo(job.source)
        with pool.lane():
            read = _read(barrier, photo)
            nc, similarity = measured(barrier, read)
        picture = Photo(to_uint8(read), name=str(job.output))
        write_encoded(encode_photo(picture, job.output), job.output, overwrite)
        return {"nc": nc, "similarity": similarity, "notes": list(photo.notes)}

    return run_jobs(pool, work, jobs, _row_maker("nc"), progress=progress)


def read_each(sources, look, progress=None):
    """Looks at images one after the other; returns their paths and the results, all or none.

    Raises `ValueError` for an image that cannot be read, and if there is none at all.
    """
    jobs = [job for job in find_photos(sources, what="images") if not job.skipped]
    seen = []
    for number, job in enumerate(jobs, 1):
        if job.problem:
            raise ImageError(f"{job.source} {job.problem}")
        seen.append(look(read_photo(job.source)))
        if progress:
            progress(number / len(jobs), f"done: {job.source}")
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
    """Returns normalized correlation and similarity of one reading with the watermark."""
    pair = np.float32(barrier.watermark)[None], np.float32(read)[None]
    similarity = watermark_similarity(barrier.watermark, pair[1])
    return float(normalized_correlation(*pair)[0]), float(similarity[0])


def fit_channels(photo, channels):
    """Returns a photo's pixels as a batch of one, float32 in [0, 1], in gray or in color."""
    if channels == 1:
        return luminance(photo.pixels)[None, ..., None]
    pixels = to_float(photo.pixels)
    return np.repeat(pixels, 3 // pixels.shape[-1], axis=-1)[None]


def _marked(photo, barrier, strength):
    image = fit_channels(photo, barrier.channels)
    change = (barrier.mark(image, strength) - image)[0]
    if barrier.channels == 1:
        pixels = add_luminance(photo.pixels, change[..., 0])
    else:
        pixels = add_colors(photo.pixels, change)
    return dataclasses.replace(photo, pixels=pixels)


def _read(barrier, photo):
    return barrier.read(fit_channels(photo, barrier.channels))[0]


def _refuse_existing(job, overwrite):
    if job.output.exists() and not overwrite:
        raise Skip(f"{job.output} exists already")


def _row_maker(measure):
    def make_row(job, values):
        output = None if job.idle else str(job.output)
        empty = {measure: None, "similarity": None, "notes": []}
        return {"source": str(job.source), "output": output, **empty, **values}

    return make_row
