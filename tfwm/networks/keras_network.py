import tensorflow as tf

from tfwm.layers import SpaceToPatches
from tfwm.networks.endpoints import make_endpoints
from tfwm.networks.network import Network


class KerasNetwork(Network):
    """An embedder and an extractor in memory, used like a network from disk.

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

    kind = "keras"

    def __init__(self, embedder, extractor, name="network", card=None):
        super().__init__(name, card)
        self.embedder = embedder
        self.extractor = extractor
        self._endpoints = {
            name: function.get_concrete_function()
            for name, function in make_endpoints(embedder, extractor).items()
        }
        if "geometry" not in self.card:
            inputs = {tensor.name: tensor.shape[-1] for tensor in embedder.inputs}
            self._find_geometry(inputs["image"], inputs["message"], _patch_shape(embedder))

    def _embed(self, image, message, strength):
        inputs = {"image": image, "message": message, "strength": strength}
        inputs = {key: tf.constant(value) for key, value in inputs.items()}
        return self._endpoints["embed"](**inputs)["watermarked"].numpy()

    def _extract(self, image):
        return self._endpoints["extract"](image=tf.constant(image))["logits"].numpy()


def _patch_shape(embedder):
    for layer in embedder.layers:
        if isinstance(layer, SpaceToPatches) and layer.name == "image_patches":
            return layer.patch_shape
    return (1, 1)
