"""Marks, checks and reads the photos of whole folders."""

import contextlib
import dataclasses
import inspect
import os
from pathlib import Path

from tfwm.batch.done import PUBLIC, is_as_written, refuse_done, same_bytes
from tfwm.batch.jobs import (
    KEEP,
    assign_outputs,
    check_distinct,
    check_folder_apart,
    check_inside,
    check_outputs,
    find_photos,
    leave_links,
)
from tfwm.batch.lock import only_run, only_writer
from tfwm.batch.messages import assign_messages, parse_message
from tfwm.batch.report import EXTRACT_COLUMNS, REPORT, RunReport, embed_report
from tfwm.batch.rows import (
    check_values,
    embed_row,
    extract_values,
    marks_of,
    measured,
    recipients_of,
    told_message,
)
from tfwm.batch.run import DONE_BEFORE, Pool, Skip, run_jobs
from tfwm.files import check_writable, is_same_name, other_names, remove_drafts, sha256
from tfwm.images import ImageError, read_any, write_encoded
from tfwm.marking import EmbedOptions
from tfwm.marking.filtered import check_signpost
from tfwm.payload import to_bytes
from tfwm.register import open_register
from tfwm.register.keeping import Keeper
from tfwm.signatures import Signer, message_for

__all__ = ["DONE_BEFORE", "REPORT", "check_folder", "embed_folder", "extract_folder"]


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
    register=None,
    recipient=None,
    **options,
) -> list[dict]:
    """Marks the photos of a folder and its sub-folders; one failure does not stop the rest.

    A second run goes on where the first one ended: a photo is skipped if the report calls it
    done with the same message, key, network and settings, and it and its output are what they were.
    What differs is told, and marked again only with `overwrite`. Two runs at once are refused.

    Args:
        watermarker: `tfwm.Watermarker`.
        sources: list of one folder or of photos.
        output: folder for the marked photos; sub-folders are kept.
        message: for all photos, see `Watermarker.embed`; or a function that returns a new one for
            each photo that an earlier run has not done.
        messages: instead, the path of a CSV, see `tfwm.batch.messages`.
        file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"`, `"heic"`, `"jxl"` or `"keep"`.
        overwrite: marks again what is done, replaces existing files and, if `output` is the
            folder of the photos itself, the photos.
        dry_run: does everything but write.
        report: table of what was done, .csv or .json; `output/tfwm-report.csv` by default.
        progress: see `tfwm.batch.run.run_jobs`.
        workers: number of threads.
        register: `tfwm.register.Register`, or its place, that keeps whose copy each photo is.
        recipient: to whom the copies are given, for the register; the table of messages may tell
            it for each photo, in a column `recipient`.
        **options: see `tfwm.marking.EmbedOptions`: `key`, `strength`, `psnr`, `margin`,
            `subtle`, `signpost`, `over` and, for JPEG, AVIF, WebP and HEIC among the outputs,
            `quality`.

    Returns:
        The rows as dicts, sorted. Their `status` is `"done"`, `"failed"`, or `"skipped"` for
        a file that is no photo, has no message, or was done before.
    """
    folder, options = Path(output), EmbedOptions(**options)
    check_signpost(watermarker.network, options.signpost)
    check_folder_apart(sources, folder, in_place=overwrite)
    path = _report_path(report, folder)
    with _held(folder, path, dry_run) as check:
        table = embed_report(path, folder)
        jobs = find_photos(sources, {REPORT, path, *_made_before(table, sources, folder)})
        jobs = assign_outputs(jobs, folder, file_format)
        if callable(message):
            jobs = _with_new_messages(jobs, message, table, folder)
        else:
            jobs = _with_messages(watermarker, jobs, message, messages, options.key, folder)
        jobs = leave_links(jobs)
        check_inside(jobs, folder)
        check_outputs(jobs, file_format, options.quality, in_place=overwrite)
        if not dry_run:
            check_distinct(jobs, folder)
        table.guard = check
        table.add_columns(name for job in jobs for name in job.details)
        table.add_columns(watermarker.columns)
        watermarker.open()
        pool = Pool(workers, watermarker.network)
        row = _row_maker(watermarker, options, table, folder)
        marker = watermarker.rehearsing() if dry_run else watermarker
        register = None if dry_run else register
        keeper = Keeper(register, watermarker.network.name, options.key, folder)
        writing = _writer(keeper, recipient, row, folder)
        embed = _embedder(marker, options, pool, table, row, writing, overwrite, dry_run)
        return run_jobs(pool, embed, jobs, row, None if dry_run else table, progress)


def _writer(keeper, recipient, row, folder):
    """Returns the function of a job and bytes that gives the context in which they are written."""

    def writing(job, encoded=None):
        given = job.details.get("recipient") or recipient
        about = job.message, job.output, given, row(job, {})["output"]
        return keeper.writing(encoded, *about) if encoded else keeper.known(*about)

    return writing


def _embedder(watermarker, options, pool, table, row, writing, overwrite, dry_run):
    """The work of `embed_folder`: a function of a job."""

    def is_marked(path):
        photo = read_any(path)
        with pool.lane():
            found = watermarker.extract(photo, key=options.key, search="none")
        return found.decision != "absent"

    def embed(job):
        table.guard()
        job = dataclasses.replace(job, message=message_for(job.message, job.source))
        wanted = row(job, {})
        try:
            refuse_done(job, table.find(wanted), wanted, options, overwrite, is_marked)
        except Skip:
            writing(job)  # an earlier run may have known no register
            raise
        encoded, done = watermarker.mark_file(
            job.source, job.output, job.message, options, pool.lane
        )
        values = measured(encoded, done, watermarker.columns) | told_message(job)
        values |= {"source_sha256": sha256(job.source)}
        with writing(job, encoded), done.written():
            if os.path.lexists(job.output) and not overwrite:
                # A run that was killed may have written it and not told so in its report.
                if not same_bytes(encoded, job.output):
                    raise ImageError(f"{job.output} exists: add --overwrite, or move it away.")
            elif not dry_run:
                table.guard()
                values["notes"] = [*values["notes"], *other_names(job.source, job.output)]
                replaces = is_same_name(job.source, job.output)
                told = row(job, values) | {"status": "done", "error": None}
                with table.ahead(told) if replaces else contextlib.nullcontext():
                    write_encoded(encoded, job.output, overwrite)
        return values

    return embed


def check_folder(
    watermarker,
    sources,
    message=None,
    *,
    messages=None,
    key=None,
    strength=1.0,
    psnr=None,
    subtle=False,
    signpost=None,
    over=False,
    progress=None,
    workers=None,
):
    """Tells which photos of a folder can carry their message, without writing anything.

    Args: as for `embed_folder`.

    Returns:
        Rows as dicts, sorted: `file`, `source`, `status` and what `Check` has.
    """
    check_signpost(watermarker.network, signpost)
    jobs = find_photos(sources, {REPORT}, same_names=True)
    jobs = _with_messages(watermarker, jobs, message, messages, key, None)
    watermarker.open()
    pool = Pool(workers, watermarker.network)
    how = {"key": key, "strength": strength, "psnr": psnr, "subtle": subtle}
    how |= {"signpost": signpost, "over": over}

    def check(job):
        photo = read_any(job.source)
        with pool.lane():
            return check_values(watermarker, photo, job.message, how)

    return run_jobs(pool, check, jobs, _check_row, None, progress)


def extract_folder(
    watermarker,
    sources,
    *,
    messages=None,
    register=None,
    report=None,
    progress=None,
    workers=None,
    **options,
):
    """Reads the photos of a folder and its sub-folders; one failure does not stop the rest.

    Args:
        watermarker: `tfwm.Watermarker`.
        sources: list of one folder or of photos.
        messages: path of the CSV by which photos were marked, or of the report: each row gets the
            further columns of the row with its message, such as `file`, `output` and a recipient.
        register: instead, `tfwm.register.Register` or its place, by which they were marked: each
            row gets `file`, `recipient`, and `picture` and `holds`, see `tfwm.register.Owner`.
        report: table to write, .csv or .json.
        progress: see `embed_folder`.
        workers: number of threads.
        **options: see `Watermarker.extract`: `key`, `corners` (the same for all photos),
            `search`, `public_keys` and `false_positive_rate`.

    Returns:
        Rows as dicts, sorted: `photo`, `status`, `error` and what `Extraction` has.
    """
    inspect.signature(watermarker.extract).bind("photo", **options)  # a wrong name fails at once
    path = report and _report_path(report, None)
    columns, find = recipients_of(messages, open_register(register), watermarker, options)
    table = RunReport(path, EXTRACT_COLUMNS, lambda row: (row["photo"],))
    table.add_columns((*columns, *["signer"] * bool(options.get("public_keys"))))
    jobs = find_photos(sources, {REPORT, path}, same_names=True)
    watermarker.open()
    pool = Pool(workers, watermarker.network)

    def extract(job):
        photo = read_any(job.source, options.get("damaged", False))
        with pool.lane():
            found = watermarker.extract(photo, progress=lambda *_: pool.check(), **options)
            return extract_values(photo, found, find)

    def row(job, values):
        empty = dict.fromkeys((*EXTRACT_COLUMNS, *columns))
        return empty | values | {"photo": str(job.source)}

    with only_writer(path) if path else contextlib.nullcontext():
        return run_jobs(pool, extract, jobs, row, table, progress)


def _with_messages(watermarker, jobs, message, messages, key, folder):
    if messages is None:
        jobs = [dataclasses.replace(job, message=message) for job in jobs]
    else:
        jobs = assign_messages(jobs, messages, folder)
    if isinstance(message, Signer):
        return jobs
    # A message that is too long is reported before the work, not once for each photo.
    codec = watermarker.codec(key)
    for kind, data, text in {(*to_bytes(j.message), j.message) for j in jobs if not j.skipped}:
        if len(data) > codec.max_bytes:
            codec.encode(text, kind)
    return jobs


def _with_new_messages(jobs, new_message, table, folder):
    """Each photo's own message: what an earlier run gave it, if that is done; else a new one."""

    def message_of(job):
        output = job.output.relative_to(folder).as_posix()
        row = table.find({"file": job.name, "output": output})
        if row.get("status") != "done" or not row.get("kind"):
            return new_message()
        return parse_message(row["message"], row["kind"])

    return [dataclasses.replace(job, message=message_of(job)) for job in jobs]


@contextlib.contextmanager
def _held(folder, report, dry_run):
    """The output folder, made and held for this run; it is not left there if it stays empty."""
    if dry_run:
        yield lambda: None
        return
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made: {error.strerror}.") from error
    elsewhere = report.parent.resolve() != folder.resolve()
    try:
        with (
            only_run(folder) as check,
            only_writer(report) if elsewhere else contextlib.nullcontext(),
        ):
            remove_drafts(folder)
            yield check
    finally:
        with contextlib.suppress(OSError):
            for parent in made:
                parent.rmdir()


def _made_before(table, sources, folder):
    """The photos that an earlier run added to the folder of the photos."""
    source = Path(sources[0])
    if source.is_dir() and source.resolve() == folder.resolve():
        for row in table.rows:
            made = row["status"] == "done" and row["output"] != row["file"]
            if made and (source / row["output"]).is_file():
                if not row.get("sha256") or is_as_written(source / row["output"], row):
                    yield source / row["output"]


def _report_path(report, folder):
    if report is None:
        return folder / REPORT
    if not Path(report).parent.is_dir() and Path(report).parent != folder:
        raise ValueError(f"The folder {Path(report).parent} does not exist: make it first.")
    check_writable(report)
    return Path(report)


def _row_maker(watermarker, options, table, folder):
    """The function that makes the row of a job in the report of `embed_folder`."""
    names = (row.get("key_id") for row in table.rows)
    salt = next((name.partition("-")[0] for name in names if name not in (None, PUBLIC)), None)
    marks = marks_of(watermarker, options, salt)

    def make_row(job, values):
        output = None if job.idle else job.output.relative_to(folder).as_posix()
        return embed_row(job, output, marks, values)

    return make_row


def _check_row(job, values):
    return {"file": job.name, "source": str(job.source), **values}
