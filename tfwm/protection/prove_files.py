"""Whether images in files carry a barrier's mark."""

import dataclasses

import numpy as np

from tfwm.protection.files import check_apart, open_barrier, read_all
from tfwm.protection.proof import Proof, prove, size_notes

# The normalised correlation above which Zhang et al. call a watermark extracted.
NC_LIMIT = 0.95


@dataclasses.dataclass(frozen=True)
class FilesProof:
    """What suspected and unmarked images say about a mark.

    Attributes:
        proof: similarities compared, a `tfwm.protection.Proof`.
        images: number of suspected images.
        unmarked_images: number of unmarked ones.
        nc_success: share of the suspected images with a normalised correlation above 0.95, the
            paper's success rate, which a blank may reach.
        unmarked_nc_success: the same of the unmarked ones.
    """

    proof: Proof
    images: int
    unmarked_images: int
    nc_success: float
    unmarked_nc_success: float

    @property
    def proven(self):
        """Whether the mark is there."""
        return self.proof.proven

    @property
    def notes(self):
        """Sentences about what the images can show at all."""
        return size_notes(self.images, self.unmarked_images, self.proof.false_claim_rate)

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        values = {k: v for k, v in dataclasses.asdict(self).items() if k != "proof"}
        return {"proven": self.proven, **dataclasses.asdict(self.proof), **values}


def prove_files(barrier, suspects, unmarked, false_claim_rate=1e-3, progress=None):
    """Tells whether images carry a barrier's mark, by comparison with images that do not.

    The unmarked images should be of the same kind as the suspected ones: outputs of other models
    for the same task, or photos that were never marked.

    Args:
        barrier: see `protect_files`.
        suspects: list of one folder or of files.
        unmarked: the same of images that are known to be unmarked.
        false_claim_rate: how often an unmarked set may be called marked.
        progress: see `protect_files`.

    Returns:
        `FilesProof`.

    Example:

    >>> found = prove_files("barrier-derain", ["found/"], ["others/"])  # doctest: +SKIP
    >>> found.proven  # doctest: +SKIP
    True
    """
    barrier = open_barrier(barrier)
    files, correlations, similarities = read_all(barrier, suspects, progress)
    others, other_correlations, reference = read_all(barrier, unmarked, progress)
    check_apart(files, others)
    return FilesProof(
        prove(similarities, reference, false_claim_rate),
        len(files),
        len(others),
        float(np.mean(correlations > NC_LIMIT)),
        float(np.mean(other_correlations > NC_LIMIT)),
    )
