"""The files of a run: where they are found, where each result goes, and checks of both."""

import dataclasses
import itertools
import os
import shutil
import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath

from tfwm.files import check_writable, draft_of, is_same_name
from tfwm.images.kinds import FORMATS as READ
from tfwm.images.kinds import PLUGINS, endings, is_camera_file, kind_of_file
from tfwm.images.sources import not_a_file, special
from tfwm.images.writing import ENDINGS, KEEP, LOSSY, check_format, check_output
from tfwm.images.writing import FORMATS as WRITABLE

# Cameras put small JPEG files of this ending beside their videos.
THUMBNAILS = ".thm"


@dataclasses.dataclass(frozen=True)
class Job:
    """One file to work on.

    Args:
        source: path of the photo.
        name: the part of `source` inside its folder, with slashes.
        message: the message to embed.
        output: path of the file to write.
        details: what a table of messages tells besides, such as the recipient.
        skipped: why there is nothing to do.
        problem: why nothing can be done.
    """

    source: Path
    name: str
    message: object = None
    output: Path | None = None
    skipped: str | None = None
    problem: str | None = None
    details: dict = dataclasses.field(default_factory=dict, hash=False)

    @property
    def idle(self):
        """Whether there is no work to do."""
        return bool(self.skipped or self.problem)


def find_photos(sources, without=(), what="photos", same_names=False):
    """Lists the files in a folder and its sub-folders, or the named ones.

    Hidden files are left out; files that are no pictures are marked as skipped. A picture that is
    not read, or whose name does not end like one, is a problem, or fails when it is read: it must
    not be taken for done.

    Args:
        sources: list of one folder, or of files with different names.
        without: paths, or names of files, to leave out.
        what: what the error calls the files if there are none.
        same_names: whether named files of several folders may have one name, as no output has it.

    Returns:
        List of `Job`, sorted, at least one of which is not skipped.
    """
    sources = [Path(source) for source in sources]
    is_folder = len(sources) == 1 and sources[0].is_dir()
    jobs = _walk(sources[0]) if is_folder else _named(sources, same_names)
    jobs = [j for j in jobs if j.source not in without and j.source.name not in without]
    if all(job.skipped for job in jobs):
        raise ValueError(f"{sources[0]} holds no {what}.")
    return jobs


def by_folder(sources):
    """Parts sources into lists for `find_photos`: each folder alone, and the files together.

    Raises `ValueError` for a folder that is named twice.
    """
    folders = [Path(source) for source in sources if Path(source).is_dir()]
    places = [folder.resolve() for folder in folders]
    for number, folder in enumerate(folders):
        if places[number] in places[:number]:
            raise ValueError(f"Expected different folders. Received: {folder} twice.")
    files = [source for source in sources if not Path(source).is_dir()]
    return [[folder] for folder in folders] + [files] * bool(files)


def _named(sources, same_names):
    jobs = {}
    for path in sources:
        if path.is_dir():
            raise ValueError(
                f"{path} is a folder: expected one folder or several photos, not both."
            )
        if not path.exists():
            alone = " (- stands for the standard input, and goes alone)" * (str(path) == "-")
            raise ValueError(f"{path} does not exist: check the path{alone}.")
        if kind := special(path):
            raise ValueError(not_a_file(path, kind))
        key = str(path) if same_names else path.name
        if key in jobs and not same_names:
            raise ValueError(
                f"Two photos are called {path.name}: their outputs would be the same; "
                "take them one after the other."
            )
        jobs[key] = Job(path, path.name)
    return [jobs[name] for name in sorted(jobs)]


def output_name(name, file_format=KEEP):
    """Returns the name of the marked copy of a photo.

    Args:
        name: the photo's.
        file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"`, `"heic"`, `"jxl"`, or `"keep"` for the
            photo's own, and PNG if that cannot be written.
    """
    path = PurePosixPath(name)
    own = WRITABLE.get(path.suffix.lower())
    if file_format == KEEP:
        return name if own else str(path.with_suffix(".png"))
    ending = ENDINGS[file_format]
    return name if own == WRITABLE[ending] else str(path.with_suffix(ending))


def assign_outputs(jobs, folder, file_format=KEEP):
    """Returns the jobs with the output that each gets by its name.

    If two photos would get the same name, such as a.bmp and a.png, the one whose ending changes
    keeps its old ending too: a.bmp.png.
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


def leave_links(jobs):
    """Returns the jobs without links that would be replaced by their own marked copies.

    The photo that such a link names would stay unmarked, or would be marked twice.
    """
    photos = {_identity(job.source) for job in jobs if not job.source.is_symlink()}

    def leave(job):
        if job.idle or not (job.source.is_symlink() and is_same_name(job.source, job.output)):
            return job
        if _identity(job.source) in photos:
            return dataclasses.replace(job, skipped="a link to a photo that is marked itself")
        problem = "is a link: mark the photo that it names, or choose another output folder"
        return dataclasses.replace(job, problem=problem)

    return [leave(job) for job in jobs]


def check_inside(jobs, folder):
    """Refuses outputs that a linked sub-folder would lead out of the output folder."""
    root = folder.resolve()
    for parent in {job.output.parent for job in jobs if not job.idle}:
        if not parent.resolve().is_relative_to(root):
            raise ValueError(
                f"{parent} leads out of {folder}, by a link: remove it, or choose another folder."
            )


def check_distinct(jobs, folder):
    """Refuses outputs that the file system of a folder takes for one: A.jpg and a.jpg.

    Args:
        jobs: those with an output; idle ones do not count.
        folder: an existing folder of that file system.
    """
    alike = {}
    for job in jobs:
        if not job.idle:
            name = job.output.relative_to(folder)
            parts = [unicodedata.normalize("NFC", p).casefold().rstrip(". ") for p in name.parts]
            alike.setdefault(tuple(parts), []).append(name)
    for names in alike.values():
        for first, second in itertools.combinations(dict.fromkeys(names), 2):
            if _are_one(first, second, folder):
                raise ValueError(
                    f"{folder / first} and {folder / second} would be one file there: rename one."
                )


def _are_one(first, second, folder):
    draft = draft_of(folder / "a")
    try:
        for name in (first, second):
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / first).touch()
        return (draft / second).exists()
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_outputs(jobs, file_format, quality, in_place=False):
    """Refuses outputs that cannot be written, or would replace a photo of the run or one another.

    Args:
        jobs: those with an output; idle ones do not count.
        file_format: see `output_name`.
        quality: of JPEG, AVIF, WebP and HEIC, one of which must be among the outputs; or `None`.
        in_place: whether a photo may be replaced by its own marked copy.
    """
    jobs = [job for job in jobs if not job.idle]
    if file_format != KEEP:
        check_format(Path(f"a{ENDINGS[file_format]}"), quality)
    elif quality is not None and not any(
        WRITABLE.get(job.output.suffix.lower()) in LOSSY for job in jobs
    ):
        raise ValueError("A quality goes with JPEG, AVIF, WebP and HEIC: none of the outputs.")
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


def assign_files(sources, output, file_format=KEEP, quality=None, overwrite=False):
    """Returns the jobs of images and their outputs, checked as far as can be before the work.

    Args:
        sources: list of one folder or of files.
        output: folder, or for a single image the file to write.
        file_format: see `output_name`.
        quality: see `check_outputs`.
        overwrite: whether existing outputs may be replaced.
    """
    jobs = find_photos(sources, what="images")
    if is_single(sources, output):
        jobs = [Job(jobs[0].source, jobs[0].name, output=Path(output))]
        check_output(output, quality, overwrite)
    else:
        check_folder_apart(sources, output, what="images")
        check_writable(output)
        jobs = assign_outputs(jobs, Path(output), file_format)
        check_inside(jobs, Path(output))
    check_outputs(jobs, file_format, quality)
    return jobs


def is_single(sources, output):
    """Returns whether one file is written, under the name of `output`, and no folder."""
    if len(sources) > 1 or os.path.isdir(sources[0]) or os.path.isdir(output):
        return False
    return not str(output).endswith(("/", os.sep))


def check_folder_apart(sources, folder, in_place=None, what="photos"):
    """Refuses an output folder that would mix marked and unmarked photos.

    Args:
        sources: list of one folder or of files.
        folder: the output folder.
        in_place: whether it may be the folder of the photos; `None` if that is never possible.
        what: what errors call the files.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: expected a folder for the marked {what}.")
    if folder.suffix.lower() in WRITABLE and not folder.exists():
        raise ValueError(f"Expected a folder for marked {what}. Received: the image {folder}")
    source, target = Path(sources[0]).resolve(), folder.resolve()
    if source == target and not in_place:
        hint = "" if in_place is None else f", or add --overwrite to replace the {what}"
        raise ValueError(f"{folder} is the folder of the {what} itself: choose another one{hint}.")
    if source in target.parents:
        raise ValueError(
            f"{folder} lies inside the folder of the {what}, whose next run would take its files "
            f"for {what} as well: choose another one."
        )


def _walk(folder):
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ValueError(f"{folder} may not be read: check its permissions.")
    jobs, problems = [], []
    for parent, folders, files in os.walk(folder, onerror=problems.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        jobs += [_linked(Path(parent, name), folder) for name in folders if _is_link(parent, name)]
        for file in files:
            path = Path(parent, file)
            name = path.relative_to(folder).as_posix()
            if file.startswith("."):
                continue
            jobs.append(Job(path, name, **_standing(path)))
    for error in problems:
        path = Path(error.filename)
        name = path.relative_to(folder).as_posix()
        jobs.append(Job(path, name, problem=f"may not be read: {error.strerror}"))
    return sorted(jobs, key=lambda job: job.name)


def _is_link(parent, name):
    return os.path.islink(os.path.join(parent, name))


def _linked(path, folder):
    """The job of a link to a folder, which is not followed."""
    name = path.relative_to(folder).as_posix()
    if path.resolve().is_relative_to(folder.resolve()):
        return Job(path, name, skipped="a link to a folder that is taken itself")
    return Job(path, name, problem="is a link to a folder: name the folder itself")


def _standing(path):
    """What keeps a file of a folder from being read as a photo: `skipped`, `problem` or nothing."""
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        return {"skipped": "no ordinary file"}
    if path.suffix.lower() in endings() or is_camera_file(path):
        return {}
    kind = None if path.suffix.lower() == THUMBNAILS else kind_of_file(path)
    if kind is None:
        return {"skipped": "no image, by its ending"}
    if kind in PLUGINS or kind in READ:
        title = PLUGINS[kind].title if kind in PLUGINS else kind
        return {"problem": f"holds a {title} picture, but its name does not end so: rename it"}
    return {"problem": f"is a {kind}, which is not read: save it as TIFF or JPEG first"}


def _identity(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
