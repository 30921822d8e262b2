"""What is to be done with the photos of a folder."""

import dataclasses
import os
from collections import Counter
from pathlib import Path, PurePosixPath

from PIL import Image

from tfwm.images.reading import FORMATS as READABLE
from tfwm.images.writing import FORMATS as WRITABLE

KEEP = "keep"
ENDINGS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "avif": ".avif"}


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to mark or to read.

    Args:
        source: path of the photo.
        name: the part of `source` inside its folder, with slashes.
        message: what to embed.
        output: path of the marked file.
        skipped: why nothing is to be done.
        problem: why nothing can be done.
    """

    source: Path
    name: str
    message: object = None
    output: Path | None = None
    skipped: str | None = None
    problem: str | None = None


def find_photos(sources):
    """Lists the files in a folder and its sub-folders, or the named ones.

    Hidden files are left out; those whose ending is no image's are marked as skipped.

    Args:
        sources: list of one folder, or of files with different names.

    Returns:
        List of `Job`, sorted.
    """
    sources = [Path(source) for source in sources]
    if len(sources) == 1 and sources[0].is_dir():
        return _walk(sources[0])
    jobs = {}
    for path in sources:
        if path.is_dir():
            raise ValueError(
                f"{path} is a folder: expected one folder or several photos, not both."
            )
        if not path.exists():
            raise ValueError(f"{path} does not exist: check the path.")
        if path.name in jobs:
            raise ValueError(
                f"Two photos are called {path.name}: their outputs would be the same; "
                "take them one after the other."
            )
        jobs[path.name] = Job(path, path.name)
    return [jobs[name] for name in sorted(jobs)]


def output_name(name, file_format=KEEP):
    """Returns the name of the marked copy of a photo.

    Args:
        name: the photo's.
        file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"`, or `"keep"` for the photo's own,
            and PNG if that cannot be written.
    """
    path = PurePosixPath(name)
    own = WRITABLE.get(path.suffix.lower())
    if file_format == KEEP:
        return name if own else str(path.with_suffix(".png"))
    ending = ENDINGS[file_format]
    return name if own == WRITABLE[ending] else str(path.with_suffix(ending))


def assign_outputs(jobs, folder, file_format=KEEP):
    """Returns the jobs with the output that each gets by its name.

    Where two photos would get the same, such as a.bmp and a.png, the one that changes its
    ending keeps the old one too: a.bmp.png.
    """
    taken = {job.name for job in jobs if output_name(job.name, file_format) == job.name}
    assigned = []
    for job in jobs:
        name = output_name(job.name, file_format)
        if name != job.name:
            if name in taken:
                name = job.name + PurePosixPath(name).suffix
            taken.add(name)
        assigned.append(dataclasses.replace(job, output=folder / name))
    return assigned


def check_outputs(jobs, in_place):
    """Refuses outputs that would replace a photo of the run, or one another.

    Args:
        jobs: those with an output.
        in_place: whether a photo may be replaced by its own marked copy.
    """
    for output, count in Counter(job.output for job in jobs).items():
        if count > 1:
            raise ValueError(
                f"{output} would be written {count} times: give each photo an output of its own."
            )
    sources = {_identity(job.source): job.source for job in jobs}
    uses = Counter(job.source for job in jobs)
    for job in jobs:
        identity = _identity(job.output)
        if identity is None or identity not in sources:
            continue
        hit = sources[identity]
        if not in_place or hit != job.source or uses[hit] > 1:
            raise ValueError(f"{job.output} is one of the photos to mark: name another output.")


def _walk(folder):
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ValueError(f"{folder} may not be read: check its permissions.")
    endings = _image_endings()
    jobs, problems = [], []
    for parent, folders, files in os.walk(folder, onerror=problems.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            path = Path(parent, file)
            name = path.relative_to(folder).as_posix()
            if file.startswith("."):
                continue
            skipped = None if path.suffix.lower() in endings else "no image, by its ending"
            if path.exists() and not path.is_file():  # reading a pipe would wait for ever
                skipped = "no ordinary file"
            jobs.append(Job(path, name, skipped=skipped))
    for error in problems:
        path = Path(error.filename)
        name = path.relative_to(folder).as_posix()
        jobs.append(Job(path, name, problem=f"may not be read: {error.strerror}"))
    return sorted(jobs, key=lambda job: job.name)


def _image_endings():
    Image.init()
    return {ending for ending, name in Image.registered_extensions().items() if name in READABLE}


def _identity(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
