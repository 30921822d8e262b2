"""Suites of bits in blocks: a paper's table as data, and how networks are measured by it."""

import dataclasses
import re

from tfwm.checks import nearest
from tfwm.distortions import CHANGES_SIZE
from tfwm.evaluation.bits.placement import PLACEMENTS, VOTES
from tfwm.evaluation.bits.protocol import ROUNDINGS, WHOLE_SIZES
from tfwm.evaluation.bits.report import build_page, headline, text_table
from tfwm.evaluation.bits.run import measure
from tfwm.evaluation.bits.tune import split_match
from tfwm.evaluation.suite import Suite, is_number

CROPS = ("centre", "random")


@dataclasses.dataclass
class BitSuite(Suite):
    """Measures the share of wrong bits in the blocks of an image.

    Args:
        name, title, distortions, notes: see `Suite`.
        strengths: strength factors of networks that `network_strengths` does not name.
        network_strengths: `{network: strengths}`, see `strengths_for`.
        match: `"psnr=36"` or `"ssim=0.98"`. Each network is also measured at the strength that
            gives its marked images this quality; `strengths` may then be empty.
        redundancy: number of copies of each bit.
        bits: length of the message. If given, the message is repeated as often as it fits, and
            `redundancy` and `placements` have no effect.
        placements: of `"paper"`, `"spread"`.
        votes: of `"majority"`, `"soft"`.
        watermarks: number of random messages for each image.
        rounding: `"truncate"`, as the authors do, or `"round"` to uint8.
        color: if True, images are in color; networks of gray images mark them in Y, U and V.
        size: what is taken of each image. None: all of it. A side, or `(height, width)`: a crop.
            `"network"`: the whole photo, squeezed to the network's patch (`ImageOps.fit`).
            `"photo"`: the whole photo at its own size, with a mark that is made at the network's
            size and scaled up. With both names, distortions may change the size, since the
            reader squeezes.
        crop: place of the crop: `"centre"`, or `"random"`, which follows from the seed.
        channel_psnr: PSNR in dB of the planes Y, U, V that the strengths are tuned to.
        paper: list of dicts, the paper's rows, with `network`, `strength` or `match` (or
            neither, for a row that is shown but not compared), `psnr`, `ssim` and `ber`
            (`{distortion: percentages}`, nan where the paper prints N; `identity` for no
            distortion). Where it prints some levels only, `{distortion: {level: percentage}}`.
            Rows with `shown_beside_any` are of other methods, which stand beside any network.

    Example:

    >>> suite = tfwm.evaluation.load_suite("redmark-table2")
    >>> [distortion.name for distortion in suite.distortions][:2]
    ['gaussian_noise', 'salt_and_pepper']
    >>> suite.paper_ber("redmark-mt", 1.0, "gaussian_noise", 25)
    12.7
    """

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
    paper: list = dataclasses.field(default_factory=list)

    kind, what, undistorted = "bits", "network", "No attack"
    headline, table = staticmethod(headline), staticmethod(text_table)
    measure, page = measure, build_page

    def __post_init__(self):
        super().__post_init__()
        if self.bits is not None:
            self.placements = ["repeat"]
        for placement in self.placements:
            nearest("placement", placement, [*PLACEMENTS, "repeat"] if self.bits else PLACEMENTS)
        for vote in self.votes:
            nearest("vote", vote, VOTES)
        nearest("rounding", self.rounding, ROUNDINGS)
        nearest("crop", self.crop, CROPS)
        if isinstance(self.size, str):
            nearest("size", self.size, WHOLE_SIZES)
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
        for distortion in self.distortions:
            if distortion.name in CHANGES_SIZE and self.size not in WHOLE_SIZES:
                raise ValueError(
                    "Expected distortions that keep the size. Received: "
                    f"{distortion.name}; a suite of messages may have it"
                )
        for strengths in (self.strengths, *self.network_strengths.values()):
            if not all(is_number(s) and 0 < s < float("inf") for s in strengths):
                raise ValueError(f"Expected strengths above 0. Received: strengths={strengths}")

    @property
    def min_patches(self):
        """The smallest number of patches that can hold a message."""
        return self.redundancy if self.bits is None else 1

    def replace(self, **changes):
        """Returns a copy with other arguments; `None` leaves an argument as it is.

        New `strengths` also replace those of single networks and a `match`.
        """
        suite = super().replace(**changes)
        if changes.get("strengths") is not None:
            others = {"network_strengths": {}, "match": None}
            others = {key: changes.get(key) or value for key, value in others.items()}
            suite = dataclasses.replace(suite, **others)
        return suite

    def prepared(self, match, changes):
        """Returns the suite with changes, and what else the strengths are to match."""
        return self.replace(**changes), match

    def members(self, networks):
        """Returns a dict of names and networks."""
        networks = self.named(networks)
        for name, network in networks.items():
            if not callable(getattr(network, "extract", None)):
                raise ValueError(
                    f"Expected networks that mark bits in blocks for {self.name}. Received: "
                    f"{name}, a {type(network).__name__}; take a suite of messages, such as "
                    "everyday"
                )
        return networks

    def conditions(self, match, seed):
        """Returns lines for the head of a result."""
        message = f"bits {self.bits}" if self.bits else f"redundancy {self.redundancy}"
        tuned = ""
        if match is not None or self.match is not None:
            also = "also " if match is None and self.strengths else ""
            tuned = f", strengths {also}tuned to {match or self.match}"
        return [
            f"watermarks {self.watermarks} an image, {message}, rounding {self.rounding}, "
            f"seed {seed}{self._size_in_words()}{tuned}"
        ]

    def _size_in_words(self):
        if isinstance(self.size, list):
            return f", {self.crop} crops of {self.size[1]} x {self.size[0]} pixels"
        sizes = {"network": "squeezed to the network's size", "photo": "at their own size"}
        return f", photos {sizes[self.size]}" if self.size else ""

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

        `match` says what the strength was tuned to, if it was. If a name fits several rows, the
        row is the one whose name ends last in it and is longest: `mbrs-tsr-s` gets `tsr-s`, not
        `tsr` or `mbrs`.
        """
        key, value = ("match", match) if match else ("strength", strength)
        rows = [row for row in self.paper if row.get(key) == value]
        rows = [row for row in rows if same_network(network, row["network"])]
        return max(rows, key=lambda row: _place(network, row["network"]), default=None)

    def row_ber(self, row, distortion, level):
        """Returns a paper's row's percentage, nan where it prints N, None where it has none."""
        levels = next((d.levels for d in self.distortions if d.name == distortion), [0])
        if row is None or distortion not in row["ber"] or level not in levels:
            return None
        values, index = row["ber"][distortion], levels.index(level)
        if isinstance(values, dict):
            return next((ber for key, ber in values.items() if float(key) == level), None)
        return values[index] if index < len(values) else None

    def paper_ber(self, network, strength, distortion, level, match=None):
        """Returns the percentage of the row that `paper_row` gives."""
        return self.row_ber(self.paper_row(network, strength, match), distortion, level)


def same_network(name, key):
    """Returns whether a network's name has the part or parts `key`: `redmark-mt` has `mt`."""
    return _place(name, key) is not None


def _place(name, key):
    """Where the parts of `key` end in a name, and how many they are; None if it lacks them."""
    parts, wanted = (re.split(r"[^a-z0-9]+", text.lower()) for text in (name, key))
    for end in range(len(parts), len(wanted) - 1, -1):
        if parts[end - len(wanted) : end] == wanted:
            return end, len(wanted)
    return None
