"""Marks, checks and reads the photos of whole folders."""

import dataclasses
import inspect
import os
from pathlib import Path, PurePosixPath

from tfwm.batch.jobs import KEEP, assign_outputs, check_folder_apart, check_outputs, find_photos
from tfwm.batch.messages import assign_messages
from tfwm.batch.run import DONE_BEFORE, Pool, RunReport, Skip, run_jobs
from tfwm.files import check_writable
from tfwm.images import ImageError, read_any, write_encoded
from tfwm.marking import EmbedOptions
from tfwm.payload import to_bytes, to_plain

REPORT = "tfwm-report.csv"
EMBED_COLUMNS = (
    *("file", "source", "output", "message", "kind", "strength", "psnr", "p_value", "margin"),
    *("status", "error", "notes"),
)
EXTRACT_COLUMNS = (
    *("photo", "decision", "message", "kind", "p_value", "margin", "corrected_errors"),
    *("reason", "status", "error"),
)


def embed_folder(
    watermarker,
    sources,
    output,
    message=None,
    *,
    messages=None,
    file_format=KEEP,
    overwrite=False,
    dry_run=False,
    report=None,
    progress=None,
    workers=None,
    **options,
) -> list[dict]:
    """Marks the photos of a folder and its sub-folders; one failure does not stop the rest.

    A second run goes on where the first one ended: a photo is skipped if the report calls it
    done with the same message and its output is there. The report does not know the key.

    Args:
        watermarker: `tfwm.Watermarker`.
        sources: list of one folder or of photos.
        output: folder for the marked photos; sub-folders are kept.
        message: for all photos; see `Watermarker.embed`.
        messages: instead, the path of a CSV, see `tfwm.batch.messages`.
        file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"`, `"heic"`, `"jxl"` or `"keep"`.
        overwrite: marks again what is done, replaces existing files and, if `output` is the
            folder of the photos itself, the photos.
        dry_run: does everything but write.
        report: table of what was done, .csv or .json; `output/tfwm-report.csv` by default.
        progress: see `tfwm.batch.run.run_jobs`.
        workers: number of threads.
        **options: see `tfwm.marking.EmbedOptions`: `key`, `strength`, `psnr`, `margin` and, for
            the JPEG, AVIF, WebP and HEIC files among the outputs, `quality`.

    Returns:
        The rows as dicts, sorted. Their `status` is `"done"`, `"failed"`, or `"skipped"` for
        a file that is no photo, has no message, or was done before.
    """
    folder, options = Path(output), EmbedOptions(**options)
    check_folder_apart(sources, folder, in_place=overwrite)
    path = _report_path(report, folder)
    table = RunReport(path, EMBED_COLUMNS, _embed_key, resume=True)
    jobs = find_photos(sources, {REPORT, path, *_made_before(table, sources, folder)})
    jobs = assign_outputs(jobs, folder, file_format)
    jobs = _with_messages(watermarker, jobs, message, messages, options.key, folder)
    check_outputs(jobs, file_format, options.quality, in_place=overwrite)
    if not dry_run:
        _make_folder(folder)
    watermarker.open()
    pool = Pool(workers)

    def embed(job):
        _refuse_done(job, table, overwrite)
        if job.output.exists() and not overwrite:
            raise ImageError(f"{job.output} exists: add --overwrite, or move it away.")
        encoded, done = watermarker.mark_file(
            job.source, job.output, job.message, options, pool.lane
        )
        if not dry_run:
            write_encoded(encoded, job.output, overwrite)
        return done.to_dict()

    return run_jobs(pool, embed, jobs, _embed_row, None if dry_run else table, progress)


def check_folder(
    watermarker,
    sources,
    message=None,
    *,
    messages=None,
    key=None,
    strength=1.0,
    psnr=None,
    progress=None,
    workers=None,
):
    """Tells which photos of a folder can carry their message, without writing anything.

    Args: as for `embed_folder`.

    Returns:
        Rows as dicts, sorted: `file`, `source`, `status` and what `Check` has.
    """
    jobs = _with_messages(watermarker, find_photos(sources, {REPORT}), message, messages, key, None)
    watermarker.open()
    pool = Pool(workers)

    def check(job):
        photo = read_any(job.source)
        with pool.lane():
            found = watermarker.check(photo, job.message, key=key, strength=strength, psnr=psnr)
        return found.to_dict()

    return run_jobs(pool, check, jobs, _check_row, None, progress)


def extract_folder(watermarker, sources, *, report=None, progress=None, workers=None, **options):
    """Reads the photos of a folder and its sub-folders; one failure does not stop the rest.

    Args:
        watermarker: `tfwm.Watermarker`.
        sources: list of one folder or of photos.
        report: table to write, .csv or .json.
        progress: see `embed_folder`.
        workers: number of threads.
        **options: see `Watermarker.extract`: `key`, `corners` (the same for all photos),
            `search` and `false_positive_rate`.

    Returns:
        Rows as dicts, sorted: `photo`, `status`, `error` and what `Extraction` has.
    """
    inspect.signature(watermarker.extract).bind("photo", **options)  # a wrong name fails at once
    path = report and _report_path(report, None)
    table = RunReport(path, EXTRACT_COLUMNS, lambda row: (row["photo"],))
    jobs = find_photos(sources, {REPORT, path})
    watermarker.open()
    pool = Pool(workers)

    def extract(job):
        photo = read_any(job.source, options.get("damaged", False))
        with pool.lane():
            found = watermarker.extract(photo, progress=lambda *_: pool.check(), **options)
        notes = photo.notes if photo.rows_read < 1 else []
        return {**found.to_dict(), "notes": list(notes)}

    return run_jobs(pool, extract, jobs, _extract_row, table, progress)


def _with_messages(watermarker, jobs, message, messages, key, folder):
    if messages is None:
        jobs = [dataclasses.replace(job, message=message) for job in jobs]
    else:
        jobs = assign_messages(jobs, messages, folder)
    # A message that is too long is reported before the work, not once for each photo.
    codec = watermarker.codec(key)
    for kind, data, text in {(*to_bytes(j.message), j.message) for j in jobs if not j.skipped}:
        if len(data) > codec.max_bytes:
            codec.encode(text, kind)
    return jobs


def _refuse_done(job, table, overwrite):
    wanted = _embed_row(job, {})
    earlier = table.find(wanted)
    if earlier.get("status") != "done" or not job.output.exists():
        return
    # To mark a marked photo again would put a second mark over the first one.
    replaces = os.path.samefile(job.source, job.output)
    same = all(str(earlier.get(name)) == str(wanted[name]) for name in ("message", "kind"))
    if same and (replaces or not overwrite):
        raise Skip(DONE_BEFORE)
    if replaces:
        raise ImageError(f"{job.source} is marked already: put the unmarked photo back first.")


def _made_before(table, sources, folder):
    """The photos that an earlier run added to the folder of the photos."""
    source = Path(sources[0])
    if not source.is_dir() or source.resolve() != folder.resolve():
        return
    for row in table.rows:
        made = PurePosixPath(row["file"]).with_name(Path(row["output"] or row["file"]).name)
        if str(made) != row["file"]:
            yield source / made


def _report_path(report, folder):
    if report is None:
        return folder / REPORT
    if not Path(report).parent.is_dir() and Path(report).parent != folder:
        raise ValueError(f"The folder {Path(report).parent} does not exist: make it first.")
    check_writable(report)
    return Path(report)


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made: {error.strerror}.") from error


def _embed_key(row):
    return row["file"], Path(row["output"] or "").name


def _embed_row(job, values):
    row = dict.fromkeys(EMBED_COLUMNS) | {"file": job.name, "source": str(job.source), "notes": []}
    if not job.idle:
        kind, _ = to_bytes(job.message)
        row |= {"output": str(job.output), "message": to_plain(job.message), "kind": kind}
    return row | values


def _check_row(job, values):
    return {"file": job.name, "source": str(job.source), **values}


def _extract_row(job, values):
    return dict.fromkeys(EXTRACT_COLUMNS) | values | {"photo": str(job.source)}
