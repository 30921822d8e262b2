"""Inspects the photos of whole folders."""

import contextlib
from pathlib import Path

from tfwm.batch.jobs import find_photos
from tfwm.batch.lock import only_writer
from tfwm.batch.report import REPORT, RunReport
from tfwm.batch.run import Pool, run_jobs
from tfwm.files import check_writable
from tfwm.payload import to_plain
from tfwm.provenance.inspection import inspect

COLUMNS = (
    *("photo", "conclusion", "technique", "confidence", "source_type", "line", "contradictions"),
    *("manifest", "manifest_state", "signed_by", "problem", "mark", "message", "p_value"),
    *("service", "service_error"),
    *("status", "error"),
)


def inspect_folder(sources, *, report=None, progress=None, workers=None, **options):
    """Inspects the photos of a folder and its sub-folders; one failure does not stop the rest.

    Args:
        sources: list of one folder or of photos.
        report: table to write, .csv or .json.
        progress: see `tfwm.batch.run.run_jobs`.
        workers: number of threads.
        **options: see `inspect`.

    Returns:
        Rows as dicts, sorted: `COLUMNS`.
    """
    if report is not None:
        check_writable(report)
    table = RunReport(report, COLUMNS, lambda row: (row["photo"],))
    jobs = find_photos(sources, {REPORT, report and Path(report)}, same_names=True)
    pool = Pool(workers)

    def work(job):
        return _row(inspect(job.source, lane=pool.lane, **options))

    def make_row(job, values):
        return dict.fromkeys(COLUMNS) | values | {"photo": str(job.source)}

    with only_writer(Path(report)) if report else contextlib.nullcontext():
        return run_jobs(pool, work, jobs, make_row, table, progress)


def _row(found):
    verdict, manifest, mark = found.verdict, found.manifest, found.mark
    names = "conclusion", "technique", "confidence", "source_type", "line"
    row = {name: getattr(verdict, name) for name in names}
    row["contradictions"] = "; ".join(verdict.contradictions)
    if manifest is not None:
        row |= {"manifest": manifest.label, "manifest_state": manifest.state}
        row |= {"signed_by": manifest.signed_by, "problem": manifest.problem}
    if mark is not None:
        message = to_plain(mark.message)
        row |= {"mark": mark.decision, "message": message, "p_value": mark.p_value}
    if found.service is not None:
        row["service"] = found.service["conclusion"]
    return row | {"service_error": found.service_error}
