import tensorflow as tf

from tfwm.export.base import Network
from tfwm.export.endpoints import make_endpoints
from tfwm.layers import BlockTransform, SpaceToPatches


class KerasNetwork(Network):
    """An embedder and an extractor in memory, used like a network from disk.

    Both run as compiled graphs. Weights may go on changing: the graphs follow them.

    Args:
        embedder: `keras.Model`, such as `tfwm.models.redmark.build_embedder` gives.
        extractor: `keras.Model`, such as `tfwm.models.redmark.build_extractor` gives.
        name: what reports call it.
        card: dict; without one, patch and block are read off the embedder's layers.

    Example:

    >>> from tfwm.models.redmark import build_embedder, build_extractor
    >>> network = KerasNetwork(build_embedder(), build_extractor())
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """

    kind = "keras"

    def __init__(self, embedder, extractor, name="network", card=None):
        super().__init__(name, card or _geometry(embedder))
        self.embedder = embedder
        self.extractor = extractor
        self._endpoints = {
            name: function.get_concrete_function()
            for name, function in make_endpoints(embedder, extractor).items()
        }

    def _embed(self, image, message, strength):
        inputs = {"image": image, "message": message, "strength": strength}
        inputs = {key: tf.constant(value) for key, value in inputs.items()}
        return self._endpoints["embed"](**inputs)["watermarked"].numpy()

    def _extract(self, image):
        return self._endpoints["extract"](image=tf.constant(image))["logits"].numpy()


def _geometry(embedder):
    geometry = {}
    for layer in embedder.layers:
        if isinstance(layer, SpaceToPatches) and layer.name == "image_patches":
            geometry["patch"] = layer.patch_shape
        elif isinstance(layer, BlockTransform):
            geometry["block"] = layer.block_shape
    return {"geometry": geometry}
