"""Whether a photo carries a mark of this network already, whosever it is."""

import dataclasses
import math
import uuid

import numpy as np

from tfwm.checks import one_of
from tfwm.images import Animation, ImageError, read_any
from tfwm.keys import Key
from tfwm.marking.canvas import Canvas
from tfwm.marking.check import BESIDE, CHECK_QUALITY, OVER, resaved
from tfwm.marking.filtered import is_filtered, patterns_tried
from tfwm.marking.judge import Judge
from tfwm.marking.mark import check_whole
from tfwm.marking.reader import Reader
from tfwm.marking.search import candidates
from tfwm.marking.tiling import LOGIT_LIMIT, tiling_of
from tfwm.payload import Codec, to_plain

# Share of unmarked photos that may be called marked, by the three ways to tell together.
FALSE_ALARM_RATE = 1e-6
WAYS = 3
# Frequencies of less energy than this share of the mean do not count, and half of all must: bits
# drawn at random have energy at nearly all, a pattern of the picture at few.
FAINT = 0.05
SPREAD = 0.5
# By `Codec.margin`, marks of which half was taken read from 0.65 to 0.75 on: of 20, none failed
# that had more than this.
KEPT_ROOM = 0.8
# Logits that vary less than this are those of a flat photo.
FLAT = 0.05


class MarkedError(ImageError):
    """A photo is marked already, and was to be marked once more without `over`."""


@dataclasses.dataclass(frozen=True)
class EarlierMark:
    """A mark that a photo carries already.

    Args:
        whose: `"key"`, of the key that was given; `"public"`, of no key; `"unknown"`, of a key that
            was not given: then only that something is there is known.
        p_value: upper bound on the probability that an unmarked photo looks so.
        message: text, bytes, integer or UUID; `None` if it is not known or not readable.
        kind: of the message, see `tfwm.marking.Extraction`.
    """

    whose: str
    p_value: float
    message: str | bytes | int | uuid.UUID | None = None
    kind: str | None = None

    def __str__(self):
        whose = {
            "key": "of this key",
            "public": "of no key, which everybody can read",
            "unknown": "of this network and of a key that was not given",
        }[self.whose]
        said = "" if self.message is None else f", with the message {to_plain(self.message)!r:.100}"
        return f"a mark {whose}{said}"

    def objection(self, over=False, key=None, beside=True, erased=True):
        """Returns why the photo is not to be marked again, or `None`.

        Args:
            over: see `tfwm.Watermarker.embed`.
            key: of the new mark.
            beside: whether a mark can be laid beside this one.
            erased: whether a mark of another key erases this one.
        """
        same = self.whose == "key" or (self.whose == "public" and Key(key).is_public)
        if (over and over != BESIDE) or not (same or erased):
            return None
        if over == BESIDE:
            return f"it carries {self}: beside it, take another key" if same else None
        beside = "" if same or not beside else "--beside (over='beside') keeps short ones, "
        return (
            f"it carries {self}, which a new one would erase. Take the unmarked photo; "
            f"{beside}--over (over=True) marks it all the same"
        )

    def note(self, over):
        """Returns the note of a photo that was marked all the same."""
        if not over:  # of another key, behind another filter
            return f"it carried {self}, which is there still, and weaker beside the new one"
        if over != BESIDE:
            return f"it carried {self}, over which the new one was laid"
        laid = f"it carried {self}, beside which the new one was laid"
        if self.whose == "unknown":
            laid += "; read that one with its key, as a long message may be lost"
        return laid

    def check_kept(self, watermarker, marked, name):
        """Raises `MarkedError` if a photo, marked beside this mark, hardly shows it any more.

        Saved as JPEG 75, or of an animation the middle frame as it is, it must have `KEPT_ROOM`
        times the signal that this mark needs. Only a mark that everybody can read is looked for: of
        a key that was not given, nobody can tell.
        """
        if self.whose != "public":
            return
        copy = read_any(marked)
        copy = copy.middle if isinstance(copy, Animation) else resaved(copy)
        votes = watermarker.read_votes(copy)
        if watermarker.codec().margin(votes, self.message, self.kind) < KEPT_ROOM:
            refuse(
                name,
                f"beside a second mark, {self} may not be read after JPEG {CHECK_QUALITY}. Another "
                "key may leave more of it; or take the unmarked photo, or --over (over=True)",
            )


def objection_of(watermarker, earlier, key, over):
    """Returns why a photo with an `EarlierMark` (or `None`) is not to be marked, or `None`."""
    network = watermarker.network
    return earlier and earlier.objection(over, key, not network.whole, not is_filtered(network))


def objection_to(watermarker, photo, key, over):
    """Returns the same of a photo, in which no mark is looked for that may be erased."""
    return objection_of(watermarker, _to_keep(watermarker, photo, key, over), key, over)


def mark_beside(watermarker, photo, key, over):
    """Returns the `EarlierMark` beside which a photo is to be marked, or `None`; see `refuse`."""
    earlier = _to_keep(watermarker, photo, key, over)
    refuse(photo.name, objection_of(watermarker, earlier, key, over))
    return earlier


def _to_keep(watermarker, photo, key, over):
    may_go = one_of("over", over, OVER) is True
    return None if may_go else watermarker.earlier_mark(photo, key=key)


def refuse(name, objection):
    """Raises `MarkedError` for the photo of this name, if there is an `objection`."""
    if objection is not None:
        raise MarkedError(f"{name} was not marked: {objection}.")


def earlier_mark(network, photo, key=None):
    """Looks for a mark in a photo as it is, by one reading.

    The message of the key that was given, and of no key, is read. Marks of other keys show by
    their repetition (`repetition_p_value`) where the photo holds more than one tile; those behind a
    filter of their key (`Network.phases`) do not show, and become weaker, not erased. There is no
    search: a copy that was cropped, turned or mirrored since is taken for unmarked, and so is one
    that was resized, unless photo and copy have `WORKING_PIXELS` or more.

    Args:
        network: a network that carries messages.
        photo: `tfwm.images.Photo`; of a `tfwm.images.Animation`, the frame in the middle counts.
        key: as for `tfwm.payload.Key`.

    Returns:
        `EarlierMark` or `None`.

    Raises:
        DamagedError: the photo is of a file that is cut off, which is not to be marked at all.
    """
    place, votes, p_value = look(network, photo, key)
    hidden = is_filtered(network) and not Key(key).is_public
    trials = patterns_tried(network)
    known = known_mark(place, votes, key, hidden, trials)
    if known is None and hidden:  # what everybody can read lies behind another filter
        place, votes, _ = look(network, photo)
        return known_mark(place, votes, trials=trials)
    if known is None and p_value <= FALSE_ALARM_RATE / WAYS:
        return EarlierMark("unknown", p_value)
    return known


def look(network, photo, key=None):
    """Reads a photo for `earlier_mark`, which describes the arguments.

    Returns:
        `(place, votes, p_value)`: for `known_mark`, and the p-value of the repetition.
    """
    check_whole(photo)
    if isinstance(photo, Animation):
        photo = photo.middle
    tiling = tiling_of(network)
    reader = Reader(network, Canvas.of(network, photo), Codec(tiling.slots, key))
    place = next((place for _, place in candidates(reader, "none")), None)
    cells = None if place is None else reader.cells(place)
    if cells is None:
        return None, np.zeros(tiling.slots), 1.0
    hidden = network.whole or is_filtered(network)
    p_value = 1.0 if hidden else repetition_p_value(cells.logits, tiling.shape[0])
    return place, reader.votes_of(cells), p_value


def known_mark(place, votes, key=None, alone=False, trials=1):
    """Returns the `EarlierMark` of a key, or else of none, or `None`.

    Args:
        place: the `Alignment` that was read.
        votes: its votes `(slots,)`.
        key: as for `tfwm.payload.Key`.
        alone: whether only that of the key is looked for.
        trials: see `patterns_tried`.
    """
    key = key if isinstance(key, Key) else Key(key)
    owners = [("public", key)] if key.is_public else [("key", key), ("public", Key(None))]
    for whose, owner in owners[:1] if alone else owners:
        judge = Judge(Codec(len(votes), owner), FALSE_ALARM_RATE / WAYS)
        judge.add("none", place, votes, trials)
        found = judge.extraction()
        if found.decision == "present":
            return EarlierMark(whose, found.p_value, found.message, found.kind)
    return None


def repetition_p_value(logits, side):
    """Bounds the chance that the cells of an unmarked photo repeat so well from tile to tile.

    The mark is the same in each tile, whatever its key. In the Fourier transform of a tile, the
    phases tell where things lie; the photo's own differ from tile to tile. For `n` tiles with
    independent phases, `|sum of unit phasors|^2 / n` has no larger moments than an exponential
    variable of mean 1 (those of the complex normal variable bound those of Steinhaus sums). So the
    mean `x` of that over `m` frequencies has, by Chernoff, `P(mean >= x) <= (x * exp(1 - x)) ** m`.
    The bits of a cell may depend on each other: all of them count as one, by Hoelder's inequality.
    Each frequency counts alike, however strong the photo's pattern; the axes, on which borders of
    tiles and stripes of the photo lie, do not count. Of partly seen tiles, the part counts that
    makes most pairs of cells.

    Args:
        logits: `(rows, columns, bits_per_cell)` of a grid of cells whose first is a tile's first.
        side: rows and columns of a tile.

    Returns:
        0 to 1; 1 where no two tiles are seen, the photo is flat, or the pattern is one of few
        frequencies.
    """
    logits = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT).astype(np.float64)
    tiles = _tiles(logits, side)
    if tiles is None or tiles.std(axis=(1, 2)).max() < FLAT:
        return 1.0
    count, height, width, _ = tiles.shape
    across = [n for n in range(1, width) if 2 * n != width]
    spectra = np.fft.fft2(tiles, axes=(1, 2))[:, 1 : (height + 1) // 2][:, :, across]
    energy = (np.abs(spectra) ** 2).min(axis=0)
    counts = energy > FAINT * energy.mean()
    if counts.sum() <= SPREAD * counts.size:
        return 1.0
    phasors = spectra[:, counts] / np.abs(spectra[:, counts])
    mean = float((np.abs(phasors.sum(axis=0)) ** 2).mean()) / count
    independent = counts.sum() / logits.shape[-1]
    return math.exp(independent * (1 - mean + math.log(mean))) if mean > 1 else 1.0


def _tiles(logits, side):
    """Tiles `(n, height, width, bits)`, or their parts, which make most pairs of cells."""
    rows, columns, _ = logits.shape
    best = 0, None
    for height in {side, rows % side} - {0}:
        for width in {side, columns % side} - {0}:
            down = range(0, rows - height + 1, side)
            along = range(0, columns - width + 1, side)
            count = len(down) * len(along)
            pairs = height * width * count * (count - 1)
            if min(height, width) > 2 and pairs > best[0]:
                places = [(y, x) for y in down for x in along]
                best = pairs, [logits[y : y + height, x : x + width] for y, x in places]
    return best[1] and np.stack(best[1])
