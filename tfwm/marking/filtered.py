"""A network behind the filter of a key, for marks whose very shape only the key tells."""

import numpy as np

from tfwm.payload.phases import CONTRAST, PhaseFilter


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
        """Returns the watermarked image, see `tfwm.networks.Network.embed`."""
        image = np.asarray(image, np.float32)
        seen = np.clip(self.seen(image), 0, 1)
        change = np.asarray(self.inner.embed(seen, message, strength)) - seen
        return image + self._filter.undo(change) / np.float32(CONTRAST)

    def extract(self, image):
        """Returns the logits, see `tfwm.networks.Network.extract`."""
        return self.inner.extract(self.seen(image))

    def seen(self, image):
        """Returns images as the inner network sees them."""
        half, contrast = np.float32(0.5), np.float32(CONTRAST)
        return half + contrast * (self._filter.apply(image) - half)


def is_filtered(network):
    """Whether marks of a network need the filter of their key."""
    return bool(getattr(network, "phases", 0))


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
    return FilteredNetwork(network, PhaseFilter.of(key, network.phases))
