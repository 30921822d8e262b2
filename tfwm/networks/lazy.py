"""A network on disk that is opened at its first use: what its card tells is known before that."""

import functools
import threading

from tfwm.networks.card import CARD, read_card
from tfwm.networks.loading import load_network
from tfwm.networks.network import Network
from tfwm.networks.places import network_directory


class LazyNetwork(Network):
    """A network of which only the card is read until it is used.

    So a wrong name, kind or message is noticed at once, also where TensorFlow has to start for the
    network, which takes seconds; and a process that only holds the network may be forked.

    Args:
        name_or_path: see `tfwm.networks.load_network`.
        trust: as there.
        runtime: as there.

    Example:

    >>> network = LazyNetwork("redmark-mt")
    >>> network.patch_shape, network.is_open
    ((32, 32), False)
    """

    def __init__(self, name_or_path, trust=False, runtime="auto"):
        self.path, self.trust, self.runtime = network_directory(name_or_path), trust, runtime
        card = read_card(self.path)
        super().__init__(card["name"], card)
        self._lock = threading.Lock()

    @property
    def is_open(self):
        """Whether it was used or opened before."""
        return "_opened" in vars(self)

    def open(self):
        """Opens it now; returns itself."""
        with self._lock:
            self.parallel = self._opened.parallel
            return self

    @functools.cached_property
    def _opened(self):
        return load_network(self.path, trust=self.trust, runtime=self.runtime)

    def _embed(self, image, message, strength):
        return self.open()._opened._embed(image, message, strength)

    def _extract(self, image):
        return self.open()._opened._extract(image)

    def __getstate__(self):
        return {"path": self.path, "trust": self.trust, "runtime": self.runtime}

    def __setstate__(self, state):
        self.__init__(state["path"], state["trust"], state["runtime"])


# What one of the files of a network without a card is called.
FILES = ("saved_model.pb", "[0-9]*/saved_model.pb", "*.tflite", "*.keras")


def lazy_network(name_or_path, trust=False, runtime="auto"):
    """Returns a network that is opened at its first use, or at once if it has no card.

    Args:
        name_or_path: see `tfwm.networks.load_network`.
        trust: as there.
        runtime: as there.
    """
    path = network_directory(name_or_path)
    if (path / CARD).is_file():
        return LazyNetwork(path, trust, runtime)
    if path.is_dir() and not any(any(path.glob(name)) for name in FILES):
        inner = sorted(card.parent for card in path.glob(f"*/{CARD}"))
        if inner:
            raise FileNotFoundError(
                f"{path} is no network, as the folder of a run: name the network in it, {inner[0]}."
            )
        raise FileNotFoundError(
            f"There is no network in {path}: expected a SavedModel in {path / '1'}, a TFLite file "
            "or Keras files."
        )
    return load_network(path, trust=trust, runtime=runtime)
