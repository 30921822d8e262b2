"""Evidence that images carry the mark of a barrier or of a keyed network."""

import collections
import dataclasses
import math

import numpy as np

from tfwm.batch.jobs import by_folder
from tfwm.checks import need
from tfwm.metrics import normalized_correlation, watermark_similarity
from tfwm.protection.barrier import open_barrier
from tfwm.protection.files import check_apart, fit_channels, read_each
from tfwm.protection.picture import decode_qr

# By how much suspected images must read more than unmarked ones. Images of another kind differ by
# a little even where there is no mark, which many of them show with any certainty.
MARGIN = 0.1
# The normalized correlation above which Zhang et al. call a watermark extracted.
NC_LIMIT = 0.95
# Images of one network are no independent proofs: what ranks of them say further down is nothing.
LEAST_P = 1e-4
# What every card of a network whose marks are proven by images says.
LIMIT = (
    "Networks that never saw the mark are claimed more often than the stated rate, which is one of "
    "images: compare with outputs of several other networks for the same task."
)
VERDICT = {True: "carry the mark", False: "show no proof of the mark"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What the similarities of suspected images say, compared with those of unmarked ones.

    Attributes:
        similarity: mean similarity of the suspected images to the watermark.
        reference: that of the unmarked ones.
        p_value: probability that unmarked images rank as high as the suspected ones, at least
            1e-4: images of one network are not independent, and no number of them is evidence of
            more.
        false_positive_rate: the p-value up to which the mark counts as proven.
    """

    similarity: float
    reference: float
    p_value: float
    false_positive_rate: float

    @property
    def proven(self):
        """Whether the mark is there: a p-value that small, and a similarity 0.1 above theirs."""
        above = clearly_above(self.similarity, self.reference)
        return self.p_value <= self.false_positive_rate and above

    def __str__(self):
        return (
            f"similarity {self.similarity:.3f}, unmarked {self.reference:.3f}, "
            f"{_told(self.p_value)}: the images {VERDICT[self.proven]} "
            f"(claimed up to p = {self.false_positive_rate:g}, and {MARGIN:g} above unmarked ones)"
        )


@dataclasses.dataclass(frozen=True)
class Proof:
    """What suspected images say about a mark.

    Attributes:
        similarity: mean over the images of how much of the watermark is read, at most 1.
        images: number of suspected images.
        false_positive_rate: the p-value up to which the mark counts as proven.
        unmarked: `Comparison` with unmarked images, or `None` if there were none.
        unmarked_images: number of these.
        keys: number of random keys, 0 for a barrier, which has no key.
        key_similarity: the largest mean similarity that one of them has.
        key_p_value: share of keys, the owner's among them, that read as much as the owner's. It
            cannot be below `1 / (keys + 1)`, however clear the case is.
        texts: texts of QR codes that were decoded, with the number of images.
        networks: number of other networks whose outputs the unmarked images are, 0 if these were
            not told apart.
        network_similarity: the largest mean similarity of the outputs of one of them.
        network_p_value: share of networks, the suspected one among them, that read as much as it.
            It cannot be below `1 / (networks + 1)` and is not compared with the rate.
        nc_success: of a barrier, the share of the suspected images with a normalized correlation
            above 0.95, the paper's success rate, which a blank may reach.
        unmarked_nc_success: the same of the unmarked ones.
    """

    similarity: float
    images: int
    false_positive_rate: float
    unmarked: Comparison | None = None
    unmarked_images: int = 0
    keys: int = 0
    key_similarity: float | None = None
    key_p_value: float | None = None
    texts: dict = dataclasses.field(default_factory=dict)
    networks: int = 0
    network_similarity: float | None = None
    network_p_value: float | None = None
    nc_success: float | None = None
    unmarked_nc_success: float | None = None

    @property
    def proven(self) -> bool:
        """Whether the mark is there, by each comparison: a small p-value, and 0.1 above.

        Of other networks, which are too few for a small p-value, none may come near.
        """
        found = []
        if self.keys:
            above = clearly_above(self.similarity, self.key_similarity)
            found.append(above and self.key_p_value <= self.false_positive_rate)
        if self.unmarked is not None:
            found.append(self.unmarked.proven)
        if self.networks:
            found.append(clearly_above(self.similarity, self.network_similarity))
        return bool(found) and all(found)

    @property
    def notes(self) -> list[str]:
        """Sentences about what these images and keys can show at all."""
        notes = []
        if self.keys and 1 / (self.keys + 1) > self.false_positive_rate:
            notes.append(
                f"{self.keys} random keys cannot bring p below {1 / (self.keys + 1):.1g}: take "
                f"{math.ceil(1 / self.false_positive_rate) - 1} or more"
            )
        if self.unmarked is None:
            notes.append(
                "no unmarked images were given: that other images of the kind read nothing with "
                "this key was not checked"
            )
            return notes
        least = 1 / math.comb(self.images + self.unmarked_images, self.images)
        if LEAST_P > self.false_positive_rate:
            notes.append(
                f"images of one network cannot bring p below {LEAST_P:g}, however many they are: "
                "ask for a rate of that or more"
            )
        elif least > self.false_positive_rate:
            notes.append(
                f"{self.images} suspected and {self.unmarked_images} unmarked images cannot bring "
                f"p below {least:.1g}: take more of either"
            )
        return notes

    def __str__(self):
        lines = [f"similarity {self.similarity:.3f} (mean of {self.images} images)"]
        if self.keys:
            lines.append(
                f"random keys: p = {self.key_p_value:.1e} (the best of {self.keys} reads "
                f"{self.key_similarity:.3f})"
            )
        if self.unmarked is not None:
            lines.append(
                f"unmarked images: {_told(self.unmarked.p_value)} (they read "
                f"{self.unmarked.reference:.3f})"
            )
        if self.networks:
            lines.append(
                f"other networks: p = {self.network_p_value:.1e} (the most that one of "
                f"{self.networks} reads is {self.network_similarity:.3f})"
            )
        if self.nc_success is not None:
            lines.append(
                f"{self.images} images, {self.unmarked_images} unmarked; NC above {NC_LIMIT:g}, "
                f"the paper's success: {100 * self.nc_success:.0f} %, of the unmarked "
                f"{100 * self.unmarked_nc_success:.0f} %"
            )
        for text, count in self.texts.items():
            lines.append(f"QR code, decoded from {count} of {self.images}: {text}")
        lines.append(
            f"the images {VERDICT[self.proven]} (claimed up to p = "
            f"{self.false_positive_rate:g}, and {MARGIN:g} above the others)"
        )
        return "\n".join(lines)

    def to_dict(self) -> dict:
        """Returns plain values, ready for JSON."""
        values = {"proven": self.proven, **dataclasses.asdict(self), "notes": self.notes}
        if self.unmarked is not None:
            values["unmarked"]["proven"] = self.unmarked.proven
        return values


def clearly_above(similarity, other):
    """Whether a mean similarity is so far above another that more than the kind of image differs.

    Example:

    >>> clearly_above(0.5, 0.45), clearly_above(0.5, 0.3)
    (False, True)
    """
    return similarity >= other + MARGIN


def compare_with_unmarked(similarities, unmarked, false_positive_rate=1e-3) -> Comparison:
    """Compares suspected images with unmarked ones by the rank-sum test of Mann and Whitney.

    Rank sums tell that the ones read more than the others, and not how much: the mark counts as
    proven if their mean is 0.1 higher as well. The test supposes nothing about how similarities are
    distributed, only that the suspected images would be like the unmarked ones if they had no mark.
    So many ways as there are to draw `n` of `n + m` images, one divided by that is the smallest
    p-value, `1 / (m + 1)` of a single image, also where readings are equal; and no comparison has
    one below 1e-4, see `Comparison`.

    Args:
        similarities: those of the suspected images, `(n,)`.
        unmarked: those of images that are known to be unmarked, such as outputs of other
            models, `(m,)`.
        false_positive_rate: how often unmarked images may be called marked.

    Returns:
        `Comparison`.

    Example:

    >>> compare_with_unmarked([0.9, 0.8, 0.95], np.linspace(-0.1, 0.1, 50)).proven
    True
    """
    suspects, unmarked = (np.ravel(np.asarray(x, float)) for x in (similarities, unmarked))
    for name, values in (("similarities", suspects), ("unmarked", unmarked)):
        if not len(values) or not np.isfinite(values).all():
            raise ValueError(f"Expected finite numbers. Received: {name}={values}")
    _check_rate(false_positive_rate)
    test = need("scipy.stats", "evaluate").mannwhitneyu(suspects, unmarked, alternative="greater")
    # Where readings are equal, the test takes a normal distribution, which knows no such limit.
    least = max(LEAST_P, 1 / math.comb(len(suspects) + len(unmarked), len(suspects)))
    return Comparison(
        float(suspects.mean()),
        float(unmarked.mean()),
        max(least, float(test.pvalue)),
        false_positive_rate,
    )


def prove_images(
    reader, images, unmarked=None, keys=999, false_positive_rate=1e-3, seed=None
) -> Proof:
    """Tells whether images carry a mark.

    * Of a keyed network, random keys read the same images. If the owner's key had been chosen
      without regard to the network, each rank among them would be as likely as any other: the
      p-value is its rank.
    * Images that are known to be unmarked are read as well: ranks again, by
      `compare_with_unmarked`.

    Both p-values must be at most the false-positive rate. That is a rate of images: of networks
    that never saw the mark, more are claimed (`benchmarks/innocent_networks.py`). So take as
    unmarked images outputs of several other networks for the same task, in a dict: then none of
    these networks may read nearly as much, and the rank among them is a p-value over networks.
    Nothing of this says that the key is older than the dispute: whoever has the extractor can look
    for a key that reads something. That is what a `make_commitment` is for.

    Args:
        reader: a `KeyedReader` with the owner's key, or a `Barrier`.
        images: suspected images, see `KeyedReader.look`.
        unmarked: the same of images known to be unmarked: outputs of other models for the same
            task, or photos; or a dict of these, one for each network. `None` leaves that
            comparison out, which a barrier needs.
        keys: number of random keys; 999 allow p-values down to 0.001. A barrier has none.
        false_positive_rate: how often unmarked images may be called marked.
        seed: integer, draws the same random keys again; by default they come from the system.

    Returns:
        `Proof`.

    Example:

    >>> found = prove_images(reader, images, unmarked)  # doctest: +SKIP
    >>> found.proven, found.key_p_value  # doctest: +SKIP
    (True, 0.001)
    """
    groups = list(unmarked.values()) if isinstance(unmarked, dict) else [unmarked]
    others = None if unmarked is None else [reader.look(group) for group in groups]
    return _prove(reader, reader.look(images), others, keys, false_positive_rate, seed)


def _prove(reader, seen, groups, keys, false_positive_rate, seed):
    """The same of what `look` returned, of the unmarked images a list."""
    _check_rate(false_positive_rate)
    has_key = hasattr(reader, "key")
    if has_key and (not isinstance(keys, int) or keys < 1):
        raise ValueError(f"Expected at least 1 random key. Received: keys={keys!r}")
    if not groups and not has_key:
        raise ValueError("Expected unmarked images to compare a barrier's readings with.")
    read = reader.read_seen(seen)
    similarities = watermark_similarity(reader.watermark, read)
    values = {"similarity": float(similarities.mean()), "images": len(seen)}
    if has_key:
        others = np.random.default_rng(seed).integers(0, 2, (keys, reader.bits))
        ranks = reader.similarities_of_seen(seen, others).mean(axis=1)
        rank = 1 + np.sum(ranks >= similarities.mean())
        values |= {"keys": keys, "key_similarity": float(ranks.max())}
        values["key_p_value"] = float(rank / (keys + 1))
        texts = collections.Counter(text for text in decode_qr(read) if text is not None)
        values["texts"] = dict(texts)
    if groups:
        others = [reader.read_seen(group) for group in groups]
        references = [watermark_similarity(reader.watermark, other) for other in others]
        together = np.concatenate(references)
        values["unmarked"] = compare_with_unmarked(similarities, together, false_positive_rate)
        values["unmarked_images"] = len(together)
        if len(groups) > 1:
            means = np.array([reference.mean() for reference in references])
            rank = 1 + np.sum(means >= similarities.mean())
            values |= {"networks": len(groups), "network_similarity": float(means.max())}
            values["network_p_value"] = float(rank / (len(groups) + 1))
        if not has_key:
            values["nc_success"] = _nc_success(reader, read)
            values["unmarked_nc_success"] = _nc_success(reader, np.concatenate(others))
    return Proof(false_positive_rate=false_positive_rate, **values)


def prove_files(
    reader, sources, unmarked=None, keys=999, false_positive_rate=1e-3, progress=None, seed=None
) -> Proof:
    """Tells whether images in files carry a mark, see `prove_images`.

    Args:
        reader: a `KeyedReader` with the owner's key, or a `Barrier`, its name or path.
        sources: list of one folder, with its sub-folders, or of files: suspected images.
        unmarked: the same of images known to be unmarked, of the same kind as the suspected ones:
            outputs of other models for the same task, or photos that were never marked. Of
            several folders, each is taken for another network.
        keys: see `prove_images`, also for `false_positive_rate` and `seed`.
        progress: called with the share done, 0 to 1, and what was just done; or `None`.

    Returns:
        `Proof`.

    Raises:
        ValueError: an image that cannot be read, one that is in both lists, or none at all.

    Example:

    >>> found = prove_files("barrier-derain", ["found/"], ["others/"])  # doctest: +SKIP
    >>> found.proven  # doctest: +SKIP
    True
    """
    reader = open_barrier(reader)

    def look(photo):
        return reader.look(fit_channels(photo, reader.channels))[0]

    files, seen = read_each(sources, look, progress)
    groups = None
    if unmarked is not None:
        found = [read_each(group, look, progress) for group in by_folder(unmarked)]
        check_apart(files, [file for other_files, _ in found for file in other_files])
        groups = [np.stack(others) for _, others in found]
    return _prove(reader, np.stack(seen), groups, keys, false_positive_rate, seed)


def _told(p_value):
    return f"p <= {LEAST_P:g}" if p_value <= LEAST_P else f"p = {p_value:.1e}"


def _check_rate(rate):
    if not 0 < rate < 1:
        raise ValueError(
            f"Expected a rate above 0 and below 1. Received: false_positive_rate={rate}"
        )


def _nc_success(reader, read):
    watermarks = np.broadcast_to(np.float32(reader.watermark), read.shape)
    return float(np.mean(np.asarray(normalized_correlation(watermarks, read)) > NC_LIMIT))
