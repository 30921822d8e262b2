"""A network on disk that is opened at its first use: what its card tells is known before that."""

import functools
import threading

from tfwm.networks.card import CARD, read_card
from tfwm.networks.network import Network
from tfwm.networks.places import network_directory
from tfwm.startup import import_tensorflow, quiet


class LazyNetwork(Network):
    """A network of which only the card is read until it is used.

    So a wrong name, kind or message is noticed without the seconds that TensorFlow takes to start,
    and a process that only holds the network may be forked.

    Args:
        name_or_path: see `tfwm.networks.load_network`.
        trust: as there.

    Example:

    >>> network = LazyNetwork("redmark-mt")
    >>> network.patch_shape, network.is_open
    ((32, 32), False)
    """

    def __init__(self, name_or_path, trust=False):
        self.path, self.trust = network_directory(name_or_path), trust
        card = read_card(self.path)
        super().__init__(card["name"], card)
        self._lock = threading.Lock()

    @property
    def is_open(self):
        """Whether it was used or opened before."""
        return "_opened" in vars(self)

    def open(self):
        """Opens it now, in seconds if TensorFlow has not started; returns itself."""
        with self._lock:
            return self._opened and self

    @functools.cached_property
    def _opened(self):
        return _opened(self.path, self.trust)

    def _embed(self, image, message, strength):
        return self.open()._opened._embed(image, message, strength)

    def _extract(self, image):
        return self.open()._opened._extract(image)

    def __getstate__(self):
        return {"path": self.path, "trust": self.trust}

    def __setstate__(self, state):
        self.__init__(state["path"], state["trust"])


# What one of the files of a network without a card is called.
FILES = ("saved_model.pb", "[0-9]*/saved_model.pb", "*.tflite", "*.keras")


def lazy_network(name_or_path, trust=False):
    """Returns a network that is opened at its first use, or at once if it has no card.

    Args:
        name_or_path: see `tfwm.networks.load_network`.
        trust: as there.
    """
    path = network_directory(name_or_path)
    if (path / CARD).is_file():
        return LazyNetwork(path, trust)
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
    return _opened(path, trust)


def _opened(path, trust):
    import_tensorflow()
    with quiet():
        from tfwm.networks.loading import load_network

        return load_network(path, trust=trust)
