import dataclasses
import difflib
import inspect
import re
import tomllib
from importlib import resources
from pathlib import Path

from tfwm.distortions import CHANGES_SIZE, DISTORTIONS
from tfwm.evaluation.bits.placement import PLACEMENTS, VOTES
from tfwm.evaluation.bits.protocol import ROUNDINGS, WHOLE_SIZES

CROPS = ("centre", "random")


@dataclasses.dataclass
class Attack:
    """One kind of damage at several levels.

    Args:
        name: key of `tfwm.distortions.DISTORTIONS`.
        levels: its parameters, mildest first.
        label: what reports call it.
        percent: whether reports show the levels as percentages.
        unpromising: levels at which the paper's networks all fail; they are left out of the
            mean that networks are compared by.
        plain: whether there is no level worth showing.
        options: further arguments of the distortion.
    """

    name: str
    levels: list
    label: str = ""
    percent: bool = False
    unpromising: list = dataclasses.field(default_factory=list)
    plain: bool = False
    options: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        _nearest("attack", self.name, DISTORTIONS)
        if not isinstance(self.levels, list) or not all(map(_is_number, self.levels)):
            raise ValueError(
                f"Expected a list of numbers as levels of {self.name}. "
                f"Received: levels={self.levels!r}"
            )
        for option in self.options:
            _nearest(
                f"option of {self.name}",
                option,
                inspect.signature(DISTORTIONS[self.name]).parameters,
            )
        self.label = self.label or self.name.replace("_", " ")

    def show(self, level):
        """Returns the level as text."""
        if self.plain:
            return ""
        return f"{100 * level:.3g} %" if self.percent else f"{level:g}"


@dataclasses.dataclass
class Suite:
    """A paper's table as data: what is done to the images, and what the paper got.

    Args:
        name: what result files are called after.
        title: one line for reports.
        attacks: list of `Attack`; undamaged images are always measured too.
        strengths: strength factors of networks that `network_strengths` does not name.
        network_strengths: `{network: strengths}`, see `strengths_for`.
        match: `"psnr=36"` or `"ssim=0.98"`: one more strength, tuned for each network, at which
            the marked images have this; `strengths` may then be empty.
        redundancy: copies of each bit.
        bits: message length; then the message is repeated as often as it fits, and
            `redundancy` and `placements` do not count.
        placements: of `"paper"`, `"spread"`.
        votes: of `"majority"`, `"soft"`.
        watermarks: random messages for each image.
        rounding: `"truncate"`, as the authors do, or `"round"` to uint8.
        color: whether images are colour; networks of gray images mark them in Y, U and V.
        size: side, or `(height, width)`, to cut from each image, or None for all of it, or
            `"network"`: the whole photo, squeezed to the network's patch (`ImageOps.fit`); or
            `"photo"`: the whole photo at its own size, its mark being made squeezed and carried
            up. With both, attacks may change the size: the reader squeezes.
        crop: where it is cut: `"centre"` or `"random"`, which follows from the seed.
        channel_psnr: PSNR of the planes Y, U, V, in dB, that the strengths are tuned to.
        payload_bits: if given, the suite is of whole messages of that many bits
            (`evaluate_messages`), and only `attacks`, the next two and `notes` count.
        psnr: PSNR in dB that messages are marked at.
        false_positive_rate: at which a message counts as detected.
        paper: list of dicts: the paper's rows, with `network`, `strength` or `match` (or
            neither for a row that is not comparable, only shown), `psnr`, `ssim` and `ber`
            (`{attack: percentages}`, nan where it prints N; `identity` for no attack); where it
            prints a few levels only, `{attack: {level: percentage}}`.
        notes: sentences for the report on what was unclear.

    Example:

    >>> suite = load_suite("redmark-table2")
    >>> [attack.name for attack in suite.attacks][:2]
    ['gaussian_noise', 'salt_and_pepper']
    >>> suite.paper_ber("redmark-mt", 1.0, "gaussian_noise", 25)
    12.7
    """

    name: str
    title: str
    attacks: list
    strengths: list = dataclasses.field(default_factory=lambda: [1.0])
    network_strengths: dict = dataclasses.field(default_factory=dict)
    match: str | None = None
    redundancy: int = 4
    bits: int | None = None
    placements: list = dataclasses.field(default_factory=lambda: ["paper", "spread"])
    votes: list = dataclasses.field(default_factory=lambda: list(VOTES))
    watermarks: int = 2
    rounding: str = "truncate"
    color: bool = False
    size: int | list | str | None = None
    crop: str = "centre"
    channel_psnr: list | None = None
    payload_bits: int | None = None
    psnr: float = 40.0
    false_positive_rate: float = 1e-6
    paper: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.attacks = [a if isinstance(a, Attack) else Attack(**a) for a in self.attacks]
        if self.bits is not None:
            self.placements = ["repeat"]
        for placement in self.placements:
            _nearest("placement", placement, [*PLACEMENTS, "repeat"] if self.bits else PLACEMENTS)
        for vote in self.votes:
            _nearest("vote", vote, VOTES)
        _nearest("rounding", self.rounding, ROUNDINGS)
        _nearest("crop", self.crop, CROPS)
        if isinstance(self.size, str):
            _nearest("size", self.size, WHOLE_SIZES)
        if isinstance(self.size, int):
            self.size = [self.size, self.size]
        if self.match is not None:
            split_match(self.match)
        strengths = self.strengths or self.match
        if self.watermarks < 1 or not strengths or not self.placements or not self.votes:
            raise ValueError(
                "Expected at least one watermark, strength, placement and vote. Received: "
                f"watermarks={self.watermarks}, strengths={self.strengths}, "
                f"placements={self.placements}, votes={self.votes}"
            )
        if self.payload_bits is None:
            self._check_sizes()
        elif self.payload_bits < 8 or self.payload_bits % 8:
            raise ValueError(
                f"Expected whole bytes of payload. Received: payload_bits={self.payload_bits}"
            )
        for strengths in (self.strengths, *self.network_strengths.values()):
            if not all(_is_number(s) and 0 < s < float("inf") for s in strengths):
                raise ValueError(f"Expected strengths above 0. Received: strengths={strengths}")

    def _check_sizes(self):
        for attack in self.attacks:
            if attack.name in CHANGES_SIZE and self.size not in WHOLE_SIZES:
                raise ValueError(
                    f"Expected attacks that keep the size. Received: {attack.name}; a suite of "
                    "messages may have it: give payload_bits"
                )

    @property
    def min_patches(self):
        """The least number of patches that can hold a message."""
        return self.redundancy if self.bits is None else 1

    def replace(self, **changes):
        """Returns a copy with some arguments changed; None leaves one as it is.

        New `strengths` also replace those of single networks and a `match`.
        """
        changes = {key: value for key, value in changes.items() if value is not None}
        if "strengths" in changes:
            changes = {"network_strengths": {}, "match": None, **changes}
        return dataclasses.replace(self, **changes)

    def strengths_for(self, network):
        """Returns the strengths at which the network of this name is measured.

        `"mt"` among `network_strengths` means any name with that part, such as
        `redmark-mt` or `official-mt`.
        """
        for key, strengths in self.network_strengths.items():
            if same_network(network, key):
                return strengths
        return self.strengths

    def paper_row(self, network, strength, match=None):
        """Returns the paper's row for a network's name and strength, or None.

        `match` says what the strength was tuned to, if it was. Of several rows that a name
        fits, the row is the one whose name ends last in it and is longest: `mbrs-tsr-s` gets
        `tsr-s`, not `tsr` or `mbrs`.
        """
        key, value = ("strength", strength) if match is None else ("match", match)
        found = [
            (_place(network, row["network"]), row) for row in self.paper if row.get(key) == value
        ]
        found = [(place, row) for place, row in found if place]
        return max(found, key=lambda item: item[0])[1] if found else None

    def row_ber(self, row, attack, level):
        """Returns a paper's row's percentage, nan where it prints N, None where it has none."""
        levels = next((a.levels for a in self.attacks if a.name == attack), [0])
        if row is None or attack not in row["ber"] or level not in levels:
            return None
        values, index = row["ber"][attack], levels.index(level)
        if isinstance(values, dict):
            return next((ber for key, ber in values.items() if float(key) == level), None)
        return values[index] if index < len(values) else None

    def paper_ber(self, network, strength, attack, level, match=None):
        """Returns the percentage of the row that `paper_row` gives."""
        return self.row_ber(self.paper_row(network, strength, match), attack, level)


def same_network(name, key):
    """Whether a network's name has the part or parts `key`: `redmark-mt` has `mt`."""
    return _place(name, key) is not None


def split_match(match, known=()):
    """Returns metric and target of `"psnr=36"`; the target may be one of the names `known`."""
    metric, _, target = match.partition("=")
    if target in known:
        return metric, target
    try:
        return metric, float(target)
    except ValueError:
        raise ValueError(
            "Expected psnr=VALUE, ssim=VALUE, or the name of a network that takes part: "
            f"{', '.join(known)}. Received: match={match!r}"
        ) from None


def _place(name, key):
    """Where the parts of `key` end in a name, and how many they are; None if it lacks them."""
    parts, wanted = (re.split(r"[^a-z0-9]+", text.lower()) for text in (name, key))
    for end in range(len(parts), len(wanted) - 1, -1):
        if parts[end - len(wanted) : end] == wanted:
            return end, len(wanted)
    return None


def list_suites():
    """Returns the names of the suites that come with the package."""
    files = resources.files("tfwm.evaluation").joinpath("suites").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def load_suite(name):
    """Loads a suite by its name or from a TOML file.

    A file has the arguments of `Suite`, `[[attacks]]` and `[[paper]]`; `extends` lists
    suites whose attacks and paper's rows come first.

    Args:
        name: one of `list_suites()`, a path that ends in `.toml`, or a `Suite`.

    Returns:
        `Suite`.
    """
    if isinstance(name, Suite):
        return name
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise FileNotFoundError(f"Expected a suite's TOML file. Received: {path}, no such file")
        text, stem = path.read_text(encoding="utf-8"), path.stem
    else:
        _nearest("suite", name, list_suites())
        file = resources.files("tfwm.evaluation").joinpath("suites", f"{name}.toml")
        text, stem = file.read_text(encoding="utf-8"), name
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"Expected TOML in {path}: {error}") from None
    try:
        return _make_suite(data, stem)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"Expected the tables of a suite in {path}: {error}") from error


def _make_suite(data, name):
    """The suite that a file's tables stand for, upon those that it extends."""
    attacks, paper = [], []
    for base in data.pop("extends", []):
        base = load_suite(base)
        attacks += base.attacks
        paper = _merge(paper, base.paper)
    data["attacks"] = attacks + data.get("attacks", [])
    data["paper"] = _merge(paper, data.get("paper", []))
    fields = {field.name for field in dataclasses.fields(Suite)}
    for key in data:
        _nearest("key of a suite", key, fields)
    return Suite(name=name, **data)


def _merge(rows, more):
    """Joins rows of the same network and strength or match."""
    merged = [dict(row, ber=dict(row.get("ber", {}))) for row in rows]
    for row in more:
        for old in merged:
            if all(old.get(key) == row.get(key) for key in ("network", "strength", "match")):
                old["ber"].update(row["ber"])
                break
        else:
            merged.append(dict(row, ber=dict(row["ber"])))
    return merged


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nearest(what, name, known):
    if name in known:
        return
    near = difflib.get_close_matches(str(name), [str(k) for k in known], 1, 0.4)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"Unknown {what} {name!r}{hint} Known: {', '.join(sorted(known))}")
