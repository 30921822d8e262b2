"""Marking, checking and reading the photos of whole folders."""

import dataclasses
import os
from pathlib import Path, PurePosixPath

from tfwm.batch.jobs import ENDINGS, KEEP, assign_outputs, check_outputs, find_photos
from tfwm.batch.messages import assign_messages
from tfwm.batch.pool import Pool
from tfwm.batch.run_report import RunReport
from tfwm.images import ImageError, check_output, read_photo, write_encoded
from tfwm.images.writing import FORMATS, LOSSY
from tfwm.marking.files import mark_file
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
DONE_BEFORE = "done before"


def embed_folder(
    watermarker,
    sources,
    output,
    message=None,
    *,
    messages=None,
    key=None,
    strength=1.0,
    psnr=None,
    quality=None,
    file_format=KEEP,
    overwrite=False,
    dry_run=False,
    report=None,
    tell=None,
    workers=None,
):
    """Marks the photos of a folder and its sub-folders; one failure does not stop the rest.

    A second run goes on where the first one ended: a photo is skipped if the report calls it
    done with the same message and its output is there. The report does not know the key.

    Args:
        watermarker: `tfwm.Watermarker`.
        sources: list of one folder or of photos.
        output: folder for the marked photos; sub-folders are kept.
        message: for all photos; see `Watermarker.embed`.
        messages: instead, the path of a CSV, see `tfwm.batch.messages`.
        key: see `Watermarker.embed`.
        strength: see `embed_file`.
        psnr: see `embed_file`.
        quality: of the JPEG and AVIF files among the outputs, 1 to 100.
        file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"` or `"keep"`.
        overwrite: marks again what is done, replaces files that exist and, if `output` is the
            folder of the photos itself, those.
        dry_run: does everything but write.
        report: table of what was done, .csv or .json; `output/tfwm-report.csv` by default.
        tell: called with a row of the report, the number of rows so far, and of all.
        workers: number of threads.

    Returns:
        The rows as dicts, sorted. Their `status` is `"done"`, `"failed"`, or `"skipped"` for
        what is no photo, has no message, or was done before.
    """
    folder = Path(output)
    _check_folders(sources, folder, overwrite)
    path = _report_path(report, folder)
    table = RunReport(path, EMBED_COLUMNS, _embed_key, resume=True)
    jobs = _find(sources, made={path, *_made_before(table, sources, folder)})
    jobs = assign_outputs(jobs, folder, file_format)
    jobs = _with_messages(watermarker, jobs, message, messages, key, folder)
    todo = [job for job in jobs if not (job.skipped or job.problem)]
    check_outputs(todo, in_place=overwrite)
    _check_format(todo, file_format, quality)
    if not dry_run:
        _make_folder(folder)
    pool = Pool(workers)

    def embed(job):
        _refuse_done(job, table, overwrite)
        if job.output.exists() and not overwrite:
            raise ImageError(f"{job.output} exists: add --overwrite, or move it away.")
        lossy = FORMATS[job.output.suffix.lower()] in LOSSY
        encoded, done = mark_file(
            *(watermarker, job.source, job.output, job.message),
            key=key,
            strength=strength,
            psnr=psnr,
            quality=quality if lossy else None,
            lane=pool.lane,
        )
        if not dry_run:
            job.output.parent.mkdir(parents=True, exist_ok=True)
            write_encoded(encoded, job.output, overwrite)
        return done.to_dict()

    return _run(pool, embed, jobs, _embed_row, None if dry_run else table, tell)


def check_folder(
    watermarker,
    sources,
    message=None,
    *,
    messages=None,
    key=None,
    strength=1.0,
    psnr=None,
    tell=None,
    workers=None,
):
    """Tells which photos of a folder can carry their message, without writing anything.

    Args: as for `embed_folder`.

    Returns:
        Rows as dicts, sorted: `file`, `source`, `status` and what `Check` has.
    """
    jobs = _with_messages(watermarker, _find(sources), message, messages, key, None)
    pool = Pool(workers)

    def check(job):
        photo = read_photo(job.source)
        with pool.lane:
            found = watermarker.check(photo, job.message, key=key, strength=strength, psnr=psnr)
        return found.to_dict()

    return _run(pool, check, jobs, _check_row, None, tell)


def extract_folder(
    watermarker,
    sources,
    *,
    key=None,
    corners=None,
    search="rotate",
    false_positive_rate=1e-6,
    report=None,
    tell=None,
    workers=None,
):
    """Reads the photos of a folder and its sub-folders; one failure does not stop the rest.

    Args:
        watermarker: `tfwm.Watermarker`.
        sources: list of one folder or of photos.
        key: see `Watermarker.extract`.
        corners: see `Watermarker.extract`; the same for all photos.
        search: see `Watermarker.extract`.
        false_positive_rate: see `Watermarker.extract`.
        report: table to write, .csv or .json.
        tell: see `embed_folder`.
        workers: number of threads.

    Returns:
        Rows as dicts, sorted: `photo`, `status`, `error` and what `Extraction` has.
    """
    path = report and _report_path(report, None)
    table = RunReport(path, EXTRACT_COLUMNS, lambda row: (row["photo"],))
    jobs = _find(sources, made={path})
    pool = Pool(workers)

    def extract(job):
        photo = read_photo(job.source)
        with pool.lane:
            found = watermarker.extract(
                photo,
                key=key,
                corners=corners,
                search=search,
                false_positive_rate=false_positive_rate,
                progress=lambda *_: pool.check(),
            )
        return found.to_dict()

    return _run(pool, extract, jobs, _extract_row, table, tell)


class _DoneBefore(Exception):
    """The photo needs no more work."""


def _run(pool, work, jobs, make_row, table, tell):
    rows = []

    def add(job, status, error, values=None):
        row = make_row(job, values or {}) | {"status": status, "error": error}
        rows.append(row)
        if table and not _still_done(table, row):
            table.add(row)
        if tell:
            tell(row, len(rows), len(jobs))

    def done(job, result):
        if isinstance(result, _DoneBefore):
            add(job, "skipped", DONE_BEFORE)
        elif isinstance(result, Exception):
            add(job, "failed", _line(result))
        else:
            add(job, "done", None, result)

    try:
        for job in jobs:
            if job.problem or job.skipped:
                add(job, "failed" if job.problem else "skipped", job.problem or job.skipped)
        pool.run(work, [job for job in jobs if not (job.problem or job.skipped)], done)
    finally:
        if table:
            table.write()
    return sorted(rows, key=lambda row: (next(iter(row.values())), row.get("output") or ""))


def _find(sources, made=()):
    jobs = [j for j in find_photos(sources) if j.source not in made and j.source.name != REPORT]
    if all(job.skipped for job in jobs):
        raise ValueError(f"{sources[0]} holds no photos.")
    return jobs


def _with_messages(watermarker, jobs, message, messages, key, folder):
    if messages is None:
        jobs = [dataclasses.replace(job, message=message) for job in jobs]
    else:
        jobs = assign_messages(jobs, messages, folder)
    # A message that is too long is said before the work, not once for each photo.
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
    # Marking what is marked would put a second mark over the first one.
    replaces = os.path.samefile(job.source, job.output)
    same = all(str(earlier.get(name)) == str(wanted[name]) for name in ("message", "kind"))
    if same and (replaces or not overwrite):
        raise _DoneBefore
    if replaces:
        raise ImageError(f"{job.source} is marked already: put the unmarked photo back first.")


def _still_done(table, row):
    """Whether the table has a better row, of a marked photo that is as it was."""
    earlier = table.find(row)
    if row["status"] == "done" or earlier.get("status") != "done":
        return False
    return Path(row["output"] or "").is_file()


def _made_before(table, sources, folder):
    """The photos that an earlier run added to the folder of the photos."""
    source = Path(sources[0])
    if not source.is_dir() or source.resolve() != folder.resolve():
        return
    for row in table.rows:
        made = PurePosixPath(row["file"]).with_name(Path(row["output"] or row["file"]).name)
        if str(made) != row["file"]:
            yield source / made


def _check_folders(sources, folder, overwrite):
    """Refuses folders that would mix marked and unmarked photos."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: expected a folder for the marked photos.")
    source, target = Path(sources[0]).resolve(), folder.resolve()
    if source == target and not overwrite:
        raise ValueError(
            f"{folder} is the folder of the photos itself: choose another one, or add "
            "--overwrite to replace the photos."
        )
    if source in target.parents:
        raise ValueError(
            f"{folder} lies inside the folder of the photos, whose next run would mark its "
            "photos again: choose a folder elsewhere."
        )


def _check_format(jobs, file_format, quality):
    if file_format != KEEP:
        check_output(Path(f"a{ENDINGS[file_format]}"), quality, overwrite=True)
    elif quality is not None and not any(
        FORMATS[job.output.suffix.lower()] in LOSSY for job in jobs
    ):
        raise ValueError("A quality goes with JPEG and AVIF only: none of the outputs is one.")


def _report_path(report, folder):
    if report is None:
        return folder / REPORT
    if not Path(report).parent.is_dir() and Path(report).parent != folder:
        raise ValueError(f"The folder {Path(report).parent} does not exist: make it first.")
    return Path(report)


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made: {error.strerror}.") from error


def _embed_key(row):
    return row["file"], Path(row["output"] or "").name


def _embed_row(job, values):
    idle = job.skipped or job.problem
    names = ("strength", "psnr", "p_value", "margin")
    return {
        "file": job.name,
        "source": str(job.source),
        "output": None if idle else str(job.output),
        "message": None if idle else to_plain(job.message),
        "kind": None if idle else to_bytes(job.message)[0],
        **{name: values.get(name) for name in names},
        "status": None,
        "error": None,
        "notes": values.get("notes", []),
    }


def _check_row(job, values):
    return {"file": job.name, "source": str(job.source), **values}


def _extract_row(job, values):
    empty = dict.fromkeys(EXTRACT_COLUMNS)
    return {**empty, **values, "photo": str(job.source)}


def _line(error):
    """What went wrong in one line; of a kind that is not ours, with its name."""
    text = " ".join(str(error).split())[:500]
    ours = isinstance(error, ValueError | OSError)
    return text if ours and text else f"{type(error).__name__}: {text}"
