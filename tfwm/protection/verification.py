"""Whether images come from a watermarked network, by its owner's key."""

import collections
import dataclasses
import math

import numpy as np

from tfwm.metrics import watermark_similarity
from tfwm.protection.files import check_apart, fit_channels, read_each
from tfwm.protection.proof import MARGIN, Proof, prove, size_notes
from tfwm.protection.qr import decode_qr


@dataclasses.dataclass(frozen=True)
class Verification:
    """What suspected images say about a watermarked network's mark.

    Attributes:
        similarity: mean over the images of how much of the watermark is read, at most 1.
        images: number of suspected images.
        keys: number of random keys.
        key_similarity: the largest mean similarity that one of them has.
        key_p_value: share of keys, the owner's among them, that read as much as the owner's. It
            cannot be below `1 / (keys + 1)`, however clear the case is.
        unmarked: `Proof` by comparison with unmarked images, or `None` if there were none.
        unmarked_images: number of these.
        texts: texts of QR codes that were decoded, with the number of images.
        false_claim_rate: the p-value up to which the mark counts as proven.
    """

    similarity: float
    images: int
    keys: int
    key_similarity: float
    key_p_value: float
    unmarked: Proof | None
    unmarked_images: int
    texts: dict
    false_claim_rate: float

    @property
    def proven(self):
        """Whether the mark is there, by each comparison: a small p-value, and 0.1 above."""
        above = self.similarity >= self.key_similarity + MARGIN
        by_keys = above and self.key_p_value <= self.false_claim_rate
        return by_keys and (self.unmarked is None or self.unmarked.proven)

    @property
    def notes(self):
        """Sentences about what these images and keys can show at all."""
        notes = []
        if 1 / (self.keys + 1) > self.false_claim_rate:
            notes.append(
                f"{self.keys} random keys cannot bring p below {1 / (self.keys + 1):.1g}: take "
                f"{math.ceil(1 / self.false_claim_rate) - 1} or more"
            )
        if self.unmarked is None:
            notes.append(
                "no unmarked images were given: that other images of the kind read nothing with "
                "this key was not checked"
            )
        else:
            notes += size_notes(self.images, self.unmarked_images, self.false_claim_rate)
        return notes

    def __str__(self):
        lines = [
            f"similarity {self.similarity:.3f} (mean of {self.images} images)",
            f"random keys: p = {self.key_p_value:.1e} (the best of {self.keys} reads "
            f"{self.key_similarity:.3f})",
        ]
        if self.unmarked is not None:
            lines.append(
                f"unmarked images: p = {self.unmarked.p_value:.1e} (they read "
                f"{self.unmarked.reference:.3f})"
            )
        for text, count in self.texts.items():
            lines.append(f"QR code, decoded from {count} of {self.images}: {text}")
        verdict = "carry the mark" if self.proven else "show no proof of the mark"
        lines.append(
            f"the images {verdict} (claimed up to p = {self.false_claim_rate:g}, "
            f"and {MARGIN:g} above the others)"
        )
        return "\n".join(lines)

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        values = {"proven": self.proven, **dataclasses.asdict(self), "notes": self.notes}
        if self.unmarked is not None:
            values["unmarked"]["proven"] = self.unmarked.proven
        return values


def verify_images(reader, images, unmarked=None, keys=999, false_claim_rate=1e-3, seed=None):
    """Tells whether images carry the mark of a watermarked network, by two comparisons.

    * Random keys read the same images. If the owner's key had been chosen without regard to the
      network, each rank among them would be as likely as any other: the p-value is its rank.
    * The owner's key reads images that are known to be unmarked; ranks again, by `prove`.

    Both must be at most the false-claim rate. Neither says that the key is older than the
    dispute: whoever has the extractor can look for a key that reads something. That is what a
    `commitment` is for.

    Args:
        reader: a `KeyedReader` with the owner's key.
        images: suspected images, see `KeyedReader.squeezed`.
        unmarked: the same of images known to be unmarked: outputs of other models for the same
            task, or photos; `None` leaves that comparison out.
        keys: number of random keys; 999 allow p-values down to 0.001.
        false_claim_rate: how often an unmarked set may be called marked.
        seed: integer, draws the same random keys again; by default they come from the system.

    Returns:
        `Verification`.

    Example:

    >>> found = verify_images(reader, images, unmarked)  # doctest: +SKIP
    >>> found.proven, found.key_p_value  # doctest: +SKIP
    (True, 0.001)
    """
    if not isinstance(keys, int) or keys < 1:
        raise ValueError(f"Expected at least 1 random key. Received: keys={keys!r}")
    images = reader.squeezed(images)
    read = reader.read(images)
    similarities = watermark_similarity(reader.watermark, read)
    others = np.random.default_rng(seed).integers(0, 2, (keys, reader.bits))
    ranks = reader.similarities_of_keys(images, others).mean(axis=1)
    reference = None
    if unmarked is not None:
        reference = prove(similarities, reader.similarity(unmarked), false_claim_rate)
    elif not 0 < false_claim_rate < 1:
        raise ValueError(
            f"Expected a rate above 0 and below 1. Received: false_claim_rate={false_claim_rate}"
        )
    texts = dict(collections.Counter(text for text in decode_qr(read) if text is not None))
    return Verification(
        similarity=float(similarities.mean()),
        images=len(images),
        keys=keys,
        key_similarity=float(ranks.max()),
        key_p_value=float((1 + np.sum(ranks >= similarities.mean())) / (keys + 1)),
        unmarked=reference,
        unmarked_images=0 if unmarked is None else len(unmarked),
        texts=texts,
        false_claim_rate=false_claim_rate,
    )


def verify_files(reader, sources, unmarked=None, keys=999, false_claim_rate=1e-3, progress=None):
    """Verifies images in files, see `verify_images`.

    Args:
        reader: a `KeyedReader` with the owner's key.
        sources: list of one folder or of files: suspected images.
        unmarked: the same of images known to be unmarked, or `None`.
        keys: see `verify_images`.
        false_claim_rate: see `verify_images`.
        progress: see `tfwm.protection.protect_files`.

    Returns:
        `Verification`.

    Raises:
        ValueError: an image that cannot be read, one that is in both lists, or none at all.
    """
    found, images = read_images(reader, sources, progress)
    others = None
    if unmarked is not None:
        files, others = read_images(reader, unmarked, progress)
        check_apart(found, files)
    return verify_images(reader, images, others, keys, false_claim_rate)


def read_images(reader, sources, progress=None):
    """Returns the files of images, and these as a reader takes them.

    Args:
        reader: a `KeyedReader`.
        sources: list of one folder, with sub-folders, or of files.
        progress: see `verify_files`.

    Returns:
        list of `pathlib.Path`, and a float32 array `(n, *reader.image_size, reader.channels)`.
    """

    def squeezed(photo):
        return reader.squeezed(fit_channels(photo, reader.channels))

    files, images = read_each(sources, squeezed, progress)
    return files, np.concatenate(images)
