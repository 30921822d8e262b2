"""Measures what removals leave of a mark, and what they cost."""

import dataclasses
import warnings

import numpy as np

from removal import average_copies, cost, fine_tune
from removal.images import check_images
from tfwm.evaluation.ownership import ownership_row, run_network


@dataclasses.dataclass(frozen=True)
class BenchResult:
    """What one attack did to one group of images.

    Attributes:
        row: dict of `kind` and `attack`, all of `ownership_row`, and `psnr`, the mean PSNR in dB
            of the attacked images to what the attacker began with; 100 if nothing was done.
        image: the first attacked image, uint8.
        read: what is read from it.
    """

    row: dict
    image: np.ndarray
    read: np.ndarray


class OwnershipBench:
    """Applies removals to marked images, and measures what can still be proven.

    All methods are generators: results come one by one, and an attack that fails is left out
    with a warning.

    Args:
        mark: what reads the mark: an object with `watermark`, an array `(height, width,
            channels)` in [0, 1]; `read(images)`, what is read; `similarity(images)`, one number
            an image. `tfwm.protection.Barrier` is one.
        unmarked: uint8 images that are known to be unmarked, such as outputs before the barrier;
            what is proven is proven beside them.

    Example:

    >>> from removal.catalogue import removal_attacks
    >>> bench = OwnershipBench(mark, unmarked)  # doctest: +SKIP
    >>> for result in bench.attack("marked", marked, removal_attacks(mark)):  # doctest: +SKIP
    ...     print(result.row["attack"], result.row["similarity"], result.row["psnr"])
    """

    def __init__(self, mark, unmarked):
        self.mark = mark
        self.similarities = np.asarray(mark.similarity(check_images(unmarked)))

    def attack(self, images_of, images, attacks=()):
        """Measures a group of images as it is, then after each attack.

        Args:
            images_of: name of the group, such as `"marked"` or that of a surrogate.
            images: uint8 `(batch, height, width, channels)`.
            attacks: list of `Removal`, see `removal_attacks`.

        Yields:
            `BenchResult`.
        """
        images = check_images(images)
        yield self._result(images_of, "none", "none", images, images)
        for removal in attacks:
            try:
                attacked = removal.apply(images)
                result = self._result(images_of, removal.kind, removal.name, images, attacked)
            except (ValueError, ArithmeticError, ImportError, OSError) as error:
                warnings.warn(f"left out {removal.name}: {error}", stacklevel=2)
                continue
            yield result

    def average(self, copies):
        """Measures the mean of what several surrogates put out for the same inputs.

        Args:
            copies: dict of name and uint8 images; the attacker begins with the first.

        Yields:
            `BenchResult`; nothing of fewer than two.
        """
        if len(copies) > 1:
            name, first = next(iter(copies.items()))
            mean = average_copies(list(copies.values()))
            attack = f"mean with {len(copies) - 1} other surrogates"
            yield self._result(name, "averaging", attack, first, mean)

    def fine_tune(self, images_of, network, inputs, pairs, **settings):
        """Measures a surrogate's outputs after more training on clean pairs.

        Args:
            images_of: name of the surrogate.
            network: the surrogate.
            inputs: float images in [0, 1] that it is run on.
            pairs: clean pairs of the attacker, see `removal.fine_tune`.
            **settings: further arguments of that function.

        Yields:
            `BenchResult`, one for each number of steps.
        """
        before = run_network(network, inputs)
        count = len(pairs["input"])
        for step, tuned in fine_tune(network, pairs, **settings):
            attack = f"{step} steps on {count} clean pairs"
            after = run_network(tuned, inputs)
            yield self._result(images_of, "fine-tuning", attack, before, after)

    def _result(self, images_of, kind, attack, before, after):
        read = np.asarray(self.mark.read(after))
        row = ownership_row(images_of, read, self.mark.watermark, self.similarities)
        row = {"kind": kind, "attack": attack, **row, "psnr": cost(before, after)}
        return BenchResult(row, after[0], read[0])
