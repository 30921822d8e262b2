"""Checking a network's files: checksums, and the golden tensors through every runtime."""

from dataclasses import asdict, dataclass, field

from tfwm.checks import one_line
from tfwm.export.golden import GOLDEN, read_golden, replay, tolerances
from tfwm.networks.card import CARD, read_card
from tfwm.networks.fit import check_fit
from tfwm.networks.forms import FORMS, form_files, open_form
from tfwm.networks.manifest import MANIFEST, changed_files
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.operations import check_saved_model
from tfwm.networks.places import is_partial, network_directory
from tfwm.networks.signing import SIGNATURE, signers_file


@dataclass
class Check:
    """One thing that was checked: what, whether it passed, and one line about it."""

    name: str
    passed: bool
    detail: str


@dataclass
class VerifyReport:
    """What `verify` found.

    Attributes:
        name: name of the network.
        path: its folder.
        checks: list of `Check`.
    """

    name: str
    path: str
    checks: list = field(default_factory=list)

    @property
    def passed(self):
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def lines(self):
        """Returns one line for each check, failures marked."""
        mark = {True: "ok  ", False: "FAIL"}
        return [f"{mark[c.passed]} {self.name}: {c.name}: {c.detail}" for c in self.checks]

    def to_dict(self):
        """Returns a dict for JSON."""
        return {**asdict(self), "passed": self.passed}

    def add(self, name, passed, detail):
        """Notes a check."""
        self.checks.append(Check(name, bool(passed), str(detail)))


def verify(name_or_path, key=None, trust=False, signer=None):
    """Checks whether a network on disk is what `package_network` wrote, whatever its kind.

    Compares every file with its checksum, reads the card, compares it with the network's
    signatures, and replays the golden tensors through Keras, the SavedModel and each TFLite file.
    Of a SavedModel that does not come with tfwm only the operations are checked, unless it is
    trusted.

    Args:
        name_or_path: name of a network that comes with tfwm, or a network's folder.
        key: of a keyed network the owner's key, or `None`: all forms must read alike with it.
        trust: whether a SavedModel that does not come with tfwm is run.
        signer: file of public keys, one of which must have signed the network; it is trusted then.

    Returns:
        `VerifyReport`; a network that is not there at all raises as in `load_network`.

    Example:

    >>> verify("redmark-mt").passed
    True
    """
    folder = network_directory(name_or_path)
    if (folder / "saved_model.pb").is_file():
        folder = folder.absolute().parent
    if not folder.is_dir():
        raise ValueError(f"Expected a network's name or folder. Received: {name_or_path}")
    if not any((folder / name).exists() for name in (CARD, MANIFEST, GOLDEN, "1")):
        raise ValueError(f"{name_or_path} is no exported network: it has no {CARD}")
    report = VerifyReport(folder.name, str(folder))
    files = _open_files(report, folder, trust)
    if files is None:
        return report
    if signer is not None or (folder / SIGNATURE).exists():
        files.trust = _check_signer(report, files, signer) or trust
    card = _attempt(report, "card", lambda: read_card(folder), CARD)
    golden = _attempt(report, "golden tensors", lambda: read_golden(folder, card), GOLDEN)
    if card is None or golden is None:
        return report
    report.name = card["name"]
    for name in FORMS:
        paths = form_files(name, folder, card)
        here = any(path.exists() for path in paths)
        names = [path.relative_to(folder).as_posix() for path in paths]
        expected = any(file in (files.listed or ()) for file in names)
        if name == "saved_model" and here and not (files.shipped or files.trust):
            _check_operations(report, files, names[0])
        elif here or expected and not is_partial(folder):
            _replay(report, name, files, card, golden, key)
        elif expected:
            report.add(name, True, "not in this install")
    if not any(check.name in FORMS for check in report.checks):
        report.add("forms", False, f"there is no network in {folder}, in any form")
    return report


def _open_files(report, folder, trust):
    try:
        files = NetworkFiles(folder, trust)
        left_out = _left_out(folder) if is_partial(folder) else ()
        problems = changed_files(folder, left_out, files.listed)
    except (OSError, ValueError) as error:
        report.add("files", False, one_line(error))
        return None
    if files.listed is None:
        problems = [f"{MANIFEST} is missing, there are no checksums to compare"]
    for problem in problems:
        report.add("files", False, problem)
    if not problems:
        ours = ", as tfwm came with them" if files.shipped else ""
        report.add("files", True, f"{len(files.listed)} files have their size and SHA-256{ours}")
    return files


def _check_signer(report, files, signer):
    try:
        name = files.signer(signer)
    except (OSError, ValueError, ImportError) as error:
        report.add("signature", False, one_line(error))
        return False
    unknown = f"no {SIGNATURE} by a key in {signer or signers_file()}"
    report.add("signature", name or signer is None, f"signed by {name}" if name else unknown)
    return name is not None


def _check_operations(report, files, name):
    try:
        check_saved_model(files.read(name), files.folder / name)
    except (OSError, ValueError) as error:
        report.add("saved_model", False, one_line(error))
        return
    report.add("saved_model", True, "its operations only compute; --trust runs it")


def _left_out(folder):
    """How the paths of those forms start that an install lacks."""
    try:
        files = [form_files(name, folder, read_card(folder)) for name in FORMS]
    except (OSError, ValueError):
        return ()
    lacking = [paths for paths in files if not any(path.exists() for path in paths)]
    names = [path.relative_to(folder).as_posix() for paths in lacking for path in paths]
    return tuple(name.removesuffix("saved_model.pb") for name in names)


def _attempt(report, name, read, detail):
    try:
        value = read()
    except (OSError, ValueError) as error:
        report.add(name, False, error)
        return None
    report.add(name, True, f"{detail} can be read")
    return value


def _replay(report, name, files, card, golden, key):
    try:
        form = open_form(name, files, card)
        check_fit(card, form)
        errors = replay(form, card, golden, key)
    except Exception as error:  # whatever a damaged file raises belongs into the report
        report.add(name, False, f"cannot be run: {one_line(error)}")
        return
    limit = tolerances(card)[name]
    detail = ", ".join(f"{what} differs by {error:.1e}" for what, error in errors.items())
    passed = all(error <= limit for error in errors.values())
    report.add(name, passed, f"{detail} (limit {limit:g})")
