"""Networks that are made of Keras models in memory."""

from tfwm.layers import SpaceToPatches
from tfwm.networks.network import Network
from tfwm.networks.tensorflow_forms import open_keras


class KerasNetwork(Network):
    """An embedder and an extractor in memory.

    Both run as compiled graphs. Weights may go on changing: the graphs follow them.

    Args:
        embedder: `keras.Model`, such as `tfwm.models.redmark.build_embedder` gives.
        extractor: `keras.Model`, such as `tfwm.models.redmark.build_extractor` gives.
        name: what reports call it.
        card: dict; without one, the geometry is read off the models.

    Example:

    >>> from tfwm.models.redmark import build_embedder, build_extractor
    >>> network = KerasNetwork(build_embedder(), build_extractor())
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """

    def __init__(self, embedder, extractor, name="network", card=None):
        self.embedder = embedder
        self.extractor = extractor
        layers = [layer for layer in embedder.layers if isinstance(layer, SpaceToPatches)]
        patch = [layer.patch_shape for layer in layers if layer.name == "image_patches"]
        form = open_keras(embedder, extractor)
        super().__init__(name, card, form, patch[0] if patch else (1, 1))
