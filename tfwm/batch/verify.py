"""Verifies that marked photos are what a folder run wrote, and that they still read."""

from pathlib import Path

from tfwm.batch.done import is_as_written, is_key
from tfwm.batch.jobs import Job
from tfwm.batch.report import REPORT, embed_report
from tfwm.batch.run import Pool, run_jobs
from tfwm.files import named
from tfwm.images import ImageError, read_any
from tfwm.payload import to_plain


def find_report(path):
    """Returns the report of a folder run, or `None` if a path is none and has none.

    Args:
        path: of a folder of marked photos, or of its report, .csv or .json.
    """
    path = Path(path)
    if path.is_dir():
        path /= REPORT
    is_report = path.suffix.lower() in (".csv", ".json") and path.is_file()
    return path if is_report else None


def verify_folder(watermarker, report, folder=None, *, key=None, progress=None, workers=None):
    """Verifies the outputs of `embed_folder`: each is there, as it was written, and reads.

    Args:
        watermarker: `tfwm.Watermarker` of the network that marked them.
        report: path of the report.
        folder: that of the outputs; by default the report's.
        key: the key that they were marked with.
        progress: see `embed_folder`.
        workers: number of threads.

    Returns:
        Rows as dicts, sorted: `output`, `file`, `message`, `status`, which is `"done"` if all is
        as it was or `"failed"`, and `error`, what is not.
    """
    folder = Path(report).parent if folder is None else Path(folder)
    marked = [row for row in embed_report(report, folder).rows if row["status"] == "done"]
    if not marked:
        raise ValueError(f"{report} tells of no marked photos.")
    jobs = [
        Job(folder / named(row["output"]), row["output"], row["message"], details=row)
        for row in marked
    ]
    watermarker.open()
    pool = Pool(workers, watermarker.network)

    def verify(job):
        _check_row(watermarker, job, key)
        photo = read_any(job.source)
        with pool.lane():
            found = watermarker.extract(photo, key=key, search="none")
        if found.message is None or str(to_plain(found.message)) != str(job.message):
            raise ImageError("its message is not read: another key or network, or a damaged file")
        return {}

    def make_row(job, _):
        return {"output": job.name, "file": job.details["file"], "message": job.message}

    return run_jobs(pool, verify, jobs, make_row, None, progress)


def _check_row(watermarker, job, key):
    row = job.details
    if not job.source.is_file():
        raise ImageError("it is not there")
    if not row.get("sha256"):
        return  # a report of an older version
    if not is_as_written(job.source, row):
        raise ImageError("it was changed after it was marked")
    if not is_key(key, row["key_id"]):
        raise ImageError("it was marked with another key")
    if row["network"] != watermarker.network.name:
        raise ImageError(f"it was marked by the network {row['network']}")
