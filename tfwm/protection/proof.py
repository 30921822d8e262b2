"""Whether copies carry a mark, beside images that certainly do not."""

import dataclasses
import math

import numpy as np
from scipy import stats

# By how much suspected images must read more than unmarked ones. Images of another kind differ by
# a little even where there is no mark, which many of them show with any certainty.
MARGIN = 0.1


@dataclasses.dataclass(frozen=True)
class Proof:
    """What the similarities of suspected images say, compared with those of unmarked ones.

    Attributes:
        similarity: mean similarity of the suspected images to the watermark.
        reference: that of the unmarked ones.
        p_value: probability that unmarked images rank as high as the suspected ones.
        false_claim_rate: the p-value up to which the mark counts as proven.
    """

    similarity: float
    reference: float
    p_value: float
    false_claim_rate: float

    @property
    def proven(self):
        """Whether the mark is there: a p-value that small, and a similarity 0.1 above theirs."""
        return self.p_value <= self.false_claim_rate and self.similarity >= self.reference + MARGIN

    def __str__(self):
        verdict = "carry the mark" if self.proven else "show no proof of the mark"
        return (
            f"similarity {self.similarity:.3f}, unmarked {self.reference:.3f}, "
            f"p = {self.p_value:.1e}: the images {verdict} "
            f"(claimed up to p = {self.false_claim_rate:g}, and {MARGIN:g} above unmarked ones)"
        )


def size_notes(images, unmarked, false_claim_rate):
    """Returns a sentence, in a list, if so few images cannot prove anything by their ranks."""
    least = 1 / math.comb(images + unmarked, images)
    if least <= false_claim_rate:
        return []
    return [
        f"{images} suspected and {unmarked} unmarked images cannot bring p below {least:.1g}: "
        "take more of either"
    ]


def prove(similarities, unmarked, false_claim_rate=1e-3):
    """Compares suspected images with unmarked ones by the rank-sum test of Mann and Whitney.

    Rank sums tell that the ones read more than the others, and not how much: the mark counts as
    proven if their mean is 0.1 higher as well. The test supposes nothing about how similarities are
    distributed, only that the suspected images would be like the unmarked ones if they had no mark.
    A single image against `n` unmarked ones cannot have a p-value below `1 / (n + 1)`.

    Args:
        similarities: those of the suspected images, `(n,)`.
        unmarked: those of images that are known to be unmarked, such as outputs of other
            models, `(m,)`.
        false_claim_rate: how often an unmarked model may be called marked.

    Returns:
        `Proof`.

    Example:

    >>> prove([0.9, 0.8, 0.95], np.linspace(-0.1, 0.1, 50)).proven
    True
    """
    suspects, unmarked = (np.ravel(np.asarray(x, float)) for x in (similarities, unmarked))
    for name, values in (("similarities", suspects), ("unmarked", unmarked)):
        if not len(values) or not np.isfinite(values).all():
            raise ValueError(f"Expected finite numbers. Received: {name}={values}")
    if not 0 < false_claim_rate < 1:
        raise ValueError(
            f"Expected a rate above 0 and below 1. Received: false_claim_rate={false_claim_rate}"
        )
    test = stats.mannwhitneyu(suspects, unmarked, alternative="greater")
    return Proof(
        float(suspects.mean()), float(unmarked.mean()), float(test.pvalue), false_claim_rate
    )
