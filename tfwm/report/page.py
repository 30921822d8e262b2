"""The report's HTML page: `write_report`, which `tfwm report` calls."""

import functools
from pathlib import Path

from tfwm import pages
from tfwm.evaluation import load_suite
from tfwm.files import check_writable, versions, write_whole
from tfwm.images import ImageError
from tfwm.report.photo_report import PhotoReport, inspect_photo
from tfwm.report.words import evidence, in_words, power_of_ten


def write_report(
    photos,
    output,
    *,
    watermarker=None,
    message=None,
    key=None,
    strength=1.0,
    psnr=None,
    suite="everyday",
    search="rotate",
    false_positive_rate=1e-6,
    overwrite=False,
    progress=None,
) -> list[PhotoReport]:
    """Writes one self-contained HTML page about one or more photos.

    With a message, each photo is marked in memory, shown beside its original, changed by all
    distortions of a suite and read again. Without a message, the photos are read unchanged:
    the page says whether they carry a mark of the key, and its message. The page contains its
    pictures and needs no network access; it shows photos larger than 768 pixels reduced.

    Args:
        photos: path, array or other photo that `Watermarker.embed` takes, or a list of them.
        output: HTML file to write.
        watermarker: `tfwm.Watermarker`; the default network by default.
        message: the message to embed (see `Watermarker.embed`), or `None` to read only.
        key: secret text or bytes, or `None` for the public key.
        strength: factor on the mark.
        psnr: the wanted PSNR in dB, instead of a strength.
        suite: name of a suite, TOML file or `tfwm.evaluation.Suite` with the distortions to
            try; `None` for none.
        search: how far to search for the mark in changed copies, see `Watermarker.extract`.
        false_positive_rate: share of unmarked photos that may be reported as marked.
        overwrite: whether `output` may exist.
        progress: function called with the share done, 0 to 1, and a few words; or `None`.

    Returns:
        List of `PhotoReport`, in the order of the photos. For a photo that cannot be marked or
        read, `error` and the page say why.

    Raises:
        ImageError: if no photo can be marked or read, or if `output` exists.

    Example:

    >>> reports = write_report("photo.jpg", "report.html", message="(c) Ada", suite=None)
    >>> reports[0].extraction.message
    '(c) Ada'
    """
    output = Path(output)
    if output.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"Expected a file that ends in .html. Received: output={str(output)!r}")
    if output.exists() and not overwrite:
        raise ImageError(f"{output} exists: choose another name, or overwrite it (--overwrite).")
    check_writable(output)
    photos = list(photos) if isinstance(photos, list | tuple) else [photos]
    if not photos:
        raise ValueError("Expected at least one photo. Received: photos=[]")
    if watermarker is None:
        from tfwm.watermarker import load

        watermarker = load()
    suite = None if message is None or suite is None else load_suite(suite)
    look = functools.partial(
        inspect_photo,
        watermarker,
        message=message,
        key=key,
        strength=strength,
        psnr=psnr,
        suite=suite,
        search=search,
        false_positive_rate=false_positive_rate,
    )
    reports = [
        _look(look, photo, _part(progress, number, len(photos)))
        for number, photo in enumerate(photos)
    ]
    if all(report.error for report in reports):
        raise ImageError(reports[0].error)
    write_whole(output, _render(reports, watermarker.network.name, suite, key, message))
    if progress is not None:
        progress(1.0, "done")
    return reports


def _look(look, photo, progress):
    try:
        return look(photo, progress=progress)
    except ImageError as error:
        name = Path(photo).name if isinstance(photo, str | Path) else "photo"
        return PhotoReport(name=name, error=str(error))


def _part(progress, number, count):
    """Returns the progress callback of one photo among several, or None."""
    return progress and (lambda share, text: progress((number + share) / count, text))


def _render(reports, network, suite, key, message):
    return pages.render(
        "photo.html",
        reports=reports,
        network=network,
        suite=suite,
        secret=key is not None,
        reading=message is None,
        style=pages.read_text("page.css"),
        script=pages.read_text("compare.js"),
        versions=versions(),
        in_words=in_words,
        power_of_ten=power_of_ten,
        evidence=evidence,
        sentence=lambda text: text[:1].upper() + text[1:],
        percent=lambda value: f"{100 * value:.1f}",
    )
