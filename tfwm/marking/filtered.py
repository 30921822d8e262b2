"""A network behind the filter of a key, for marks whose very shape only the key tells."""

import functools

import numpy as np

from tfwm.images.filters import without_specks
from tfwm.payload.layout import PATTERNS
from tfwm.payload.phases import CONTRAST, PhaseFilter

# A pixel that stands out from those around it by so much more is a speck, which the filter would
# spread.
SPECK = np.float32(0.1)


@functools.lru_cache(maxsize=16)
def filter_of(key, reach):
    """Returns the `PhaseFilter` of a `tfwm.payload.Key`; the last ones are kept."""
    return PhaseFilter.of(key, reach)


class FilteredNetwork:
    """What `tfwm.networks.Network` is to those who mark and read, behind the filter of a key.

    Photos reach the network filtered, at half of their contrast; what it changes there is
    filtered back and added to the photo. With another key, it reads next to nothing of the mark.

    Args:
        network: a network that was trained so.
        phase_filter: `tfwm.payload.phases.PhaseFilter`.
    """

    phases = 0  # no further filter is needed

    def __init__(self, network, phase_filter):
        self.inner = network
        self._filter = phase_filter

    def __getattr__(self, name):
        if name.startswith("_") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def embed(self, image, message, strength=1.0):
        """Returns the watermarked image, see `tfwm.networks.Network.embed`; it may leave [0, 1]."""
        return np.asarray(image, np.float32) + self.undo(self.change(image, message, strength))

    def change(self, image, message, strength=1.0):
        """Returns how the inner network changes what it sees of an image."""
        seen = np.clip(self.seen(np.asarray(image, np.float32)), 0, 1)
        return np.asarray(self.inner.embed(seen, message, strength)) - seen

    def undo(self, change):
        """Returns the change of the image that changes what the inner network sees so."""
        return self._filter.undo(change) / np.float32(CONTRAST)

    def extract(self, image):
        """Returns the logits, see `tfwm.networks.Network.extract`."""
        return self.inner.extract(self.seen(image))

    def seen(self, image):
        """Returns images as the inner network sees them."""
        half, contrast = np.float32(0.5), np.float32(CONTRAST)
        return half + contrast * (self._filter.apply(without_specks(image, SPECK)) - half)

    def __repr__(self):
        return f"{self.inner!r} behind a key's filter"


def is_filtered(network):
    """Whether marks of a network need the filter of their key."""
    return bool(getattr(network, "phases", 0))


def patterns_tried(network):
    """Returns how many patterns one reading of a network tries: trials of its p-value."""
    return PATTERNS if is_filtered(network) else 1


def check_unfiltered(network, why):
    """Raises `ValueError` for a network whose marks need the filter of their key."""
    if is_filtered(network):
        raise ValueError(
            f"Expected a network without the key's filter, such as photo: {why}. Received: "
            f"{network.name}"
        )


def check_signpost(network, signpost):
    """Raises `ValueError` for a signpost in marks that nobody reads without the key."""
    if signpost is not None:
        check_unfiltered(network, "everybody reads a signpost, without the key")


def behind_filter(network, key):
    """Returns a network as a `tfwm.payload.Key` needs it: itself, or behind the key's filter."""
    if not is_filtered(network):
        return network
    return FilteredNetwork(network, filter_of(key, network.phases))
