"""Public data sets that recipes and documentation name: where to get them, how to unpack them."""

import dataclasses
import fnmatch
import shutil
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from tfwm.checks import nearest
from tfwm.files import atomic_directory


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A public data set in one archive.

    Args:
        name: name of the folder that it is unpacked to.
        what: what it holds, in one line.
        page: page that describes it, with its terms.
        url: the archive, or `""` if it can only be fetched by hand from `page`.
        archive: file name of the archive.
        terms: its licence or conditions.
        folders: names of sub-folders, and for each a pattern of paths in the archive. The names of
            a folder's files are kept, the folders that they are in are not.
    """

    name: str
    what: str
    page: str
    url: str
    archive: str
    terms: str
    folders: dict


_BSDS = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping"
SETS = {
    one.name: one
    for one in (
        DataSet(
            "bsds500",
            "500 photos of 481 x 321 pixels: the tables of tfwm measure on its 200 test ones",
            f"{_BSDS}/resources.html",
            f"{_BSDS}/BSR/BSR_bsds500.tgz",
            "BSR_bsds500.tgz",
            "non-commercial research and education; cite Arbelaez et al. 2011",
            {part: f"*/BSDS500/data/images/{part}/*.jpg" for part in ("train", "val", "test")},
        ),
        DataSet(
            "mirflickr25k",
            "25,000 photos of Flickr: what StegaStamp and its successor were trained with",
            "https://press.liacs.nl/mirflickr/",
            "https://press.liacs.nl/mirflickr/mirflickr25k.v3b/mirflickr25k.zip",
            "mirflickr25k.zip",
            "Creative Commons, each photo its own; cite Huiskes and Lew 2008",
            {"": "mirflickr/*.jpg"},
        ),
        DataSet(
            "chestxray8",
            "frontal radiographs: what the barrier for bone suppression is trained with",
            "https://nihcc.app.box.com/v/ChestXray-NIHCC",
            "",
            "images_001.tar.gz",
            "free to use; name the NIH Clinical Center and cite Wang et al. 2017",
            {"": "images/*.png"},
        ),
    )
}


def prepare(name, folder, archive=None):
    """Fetch and unpack a data set; return the folders with their numbers of photos.

    Args:
        name: one of `SETS`.
        folder: folder in which the data set's folder is made, such as `photos`.
        archive: the archive, if it is on this machine already.

    Returns:
        Dict of paths and numbers of files.

    Raises:
        FileNotFoundError: the archive is not there, or cannot be fetched; says what to do.
        ValueError: unknown name, or an archive without the files that are expected.
    """
    one = SETS[nearest("data set", name, SETS)]
    target = Path(folder).expanduser() / name
    if target.exists():
        raise FileExistsError(f"{target} exists, it is kept: remove it to unpack again.")
    if archive is not None and not Path(archive).expanduser().is_file():
        raise FileNotFoundError(f"Expected the archive {one.archive}. Received: {archive}, no file")
    with tempfile.TemporaryDirectory() as scratch:
        if archive is None:
            archive = Path(scratch) / one.archive
            _fetch(one, archive, folder)
        with atomic_directory(target) as draft:
            counts = _unpack(Path(archive).expanduser(), one, draft)
            (draft / "SOURCE.txt").write_text(
                f"{one.what}\n{one.page}\nTerms: {one.terms}\n", "utf-8"
            )
    return {target / part: count for part, count in counts.items()}


def by_hand(one, folder):
    """Return the sentence that tells how to get a data set without this command's download."""
    source = one.url or one.page
    return (
        f"Download {one.archive} from {source}, and run: "
        f"tfwm data {one.name} --from {one.archive} {folder}"
    )


def _fetch(one, path, folder):
    if not one.url:
        raise FileNotFoundError(
            f"{one.name} cannot be fetched by a program. {by_hand(one, folder)}"
        )
    try:
        with urllib.request.urlopen(one.url, timeout=30) as source, path.open("wb") as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise FileNotFoundError(
            f"{one.url} cannot be reached ({reason}). {by_hand(one, folder)}"
        ) from error


def _unpack(archive, one, draft):
    counts = dict.fromkeys(one.folders, 0)
    try:
        for path, read in _members(archive):
            for part, pattern in one.folders.items():
                if fnmatch.fnmatch(path, pattern):
                    file = draft / part / PurePosixPath(path).name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    with read() as source, file.open("wb") as copy:
                        shutil.copyfileobj(source, copy)
                    counts[part] += 1
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{archive} is no whole archive: {error}. Download it again.") from error
    empty = [part or "photos" for part, count in counts.items() if not count]
    if empty:
        raise ValueError(
            f"Expected the archive {one.archive} of {one.page}. Received: {archive}, without files "
            f"for {', '.join(empty)}"
        )
    return counts


def _members(archive):
    """Yields the path of each file, and a function that opens it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                if not info.is_dir():
                    yield info.filename, lambda info=info: file.open(info)
    else:
        with tarfile.open(archive) as file:
            for member in file:
                if member.isfile():
                    yield member.name, lambda member=member: file.extractfile(member)
