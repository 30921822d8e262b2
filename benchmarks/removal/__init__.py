"""Removals: ways to remove a mark from images, or from a surrogate.

Each takes marked uint8 images `(batch, height, width, 1 or 3)` and returns images of the same
shape, with a weaker mark if it succeeds; `cost` measures the loss of quality. They differ in
what the attacker has: nothing (`post_process`, `denoise`), many marked images
(`subtract_average`), several surrogates (`average_copies`), an embedder (`overwrite`), the answers
of a reader (`remove_by_queries`), the extractor (`remove_by_gradients`), or clean pairs
(`fine_tune`, which takes the surrogate itself). `removal_attacks` lists them with settings, and
`removal.bench` runs them.
"""

from removal.catalogue import Removal, other_watermark, removal_attacks
from removal.fine_tuning import fine_tune
from removal.images import (
    POST_PROCESSING,
    average_copies,
    cost,
    denoise,
    overwrite,
    post_process,
    subtract_average,
    subtract_by_brightness,
)
from removal.searches import remove_by_gradients, remove_by_queries

__all__ = [
    "POST_PROCESSING",
    "Removal",
    "average_copies",
    "cost",
    "denoise",
    "fine_tune",
    "other_watermark",
    "overwrite",
    "post_process",
    "removal_attacks",
    "remove_by_gradients",
    "remove_by_queries",
    "subtract_average",
    "subtract_by_brightness",
]
