"""Checking a network's files: checksums, and the golden tensors through every runtime."""

from dataclasses import asdict, dataclass, field

from tfwm.export.golden import GOLDEN, read_golden, replay_golden
from tfwm.export.tflite import TFLITE_KINDS, tflite_name
from tfwm.networks.card import CARD, read_card
from tfwm.networks.keras_files import KERAS_FILES, read_keras_models
from tfwm.networks.keras_network import KerasNetwork
from tfwm.networks.loading import ExportedNetwork, network_directory
from tfwm.networks.manifest import MANIFEST, changed_files, read_manifest
from tfwm.networks.tflite_network import TFLiteNetwork

# Largest relative difference (RMS) to the golden tensors. float32 runtimes differ by the order
# of their sums and agree to about 1e-5; the others are the price of their number formats.
TOLERANCES = {
    "keras": 1e-3,
    "saved_model": 1e-3,
    "tflite float32": 1e-3,
    "tflite float16": 2e-2,
    "tflite int8": 0.4,
}


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


def verify(name_or_path):
    """Checks a network on disk as it was packed by `package_network`.

    Compares every file with its checksum, reads the card, and replays the golden tensors
    through Keras, the SavedModel and each TFLite file.

    Args:
        name_or_path: name of a network that comes with tfwm, or a network's folder.

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
    if (folder / "host.keras").is_file():
        from tfwm.export.keyed import verify_keyed  # which adds to the same report

        return verify_keyed(folder)
    report = VerifyReport(folder.name, str(folder))
    listed = _check_files(report, folder)
    card = _attempt(report, "card", lambda: read_card(folder), CARD)
    golden = _attempt(report, "golden tensors", lambda: read_golden(folder), GOLDEN)
    if card is None or golden is None:
        return report
    report.name = card["name"]
    for kind, files, load in _runtimes(folder, card):
        if any((folder / f).exists() or f in listed for f in files):
            _replay(report, kind, load, golden)
        elif kind == "saved_model":
            report.add(kind, False, f"there is no SavedModel in {folder}")
    return report


def _check_files(report, folder):
    if not (folder / MANIFEST).is_file():
        report.add("files", False, f"{MANIFEST} is missing, there are no checksums to compare")
        return {}
    try:
        listed, problems = read_manifest(folder)["files"], changed_files(folder)
    except ValueError as error:
        report.add("files", False, error)
        return {}
    for problem in problems:
        report.add("files", False, problem)
    if not problems:
        report.add("files", True, f"{len(listed)} files have their size and SHA-256")
    return listed


def _attempt(report, name, read, detail):
    try:
        value = read()
    except (OSError, ValueError) as error:
        report.add(name, False, error)
        return None
    report.add(name, True, f"{detail} can be read")
    return value


def _runtimes(folder, card):
    name = card["name"]

    def load_keras():
        return KerasNetwork(*read_keras_models(folder), name=name, card=card)

    yield "keras", KERAS_FILES, load_keras
    yield "saved_model", ("1/saved_model.pb",), lambda: ExportedNetwork(folder / "1", name, card)
    for kind in TFLITE_KINDS:
        path = folder / tflite_name(name, kind)
        yield f"tflite {kind}", (path.name,), lambda path=path: TFLiteNetwork(path, name, card)


def _replay(report, kind, load, golden):
    limit = TOLERANCES[kind]
    try:
        errors = replay_golden(load(), golden)
    except Exception as error:  # whatever a damaged file raises belongs into the report
        lines = str(error).strip().splitlines() or [type(error).__name__]
        report.add(kind, False, f"cannot be run: {lines[0][:200]}")
        return
    detail = ", ".join(f"{name} differs by {error:.1e}" for name, error in errors.items())
    passed = all(error <= limit for error in errors.values())
    report.add(kind, passed, f"{detail} (limit {limit:g})")
