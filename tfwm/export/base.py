import numpy as np


class Network:
    """A trained embedder and its extractor, whatever runs them: arrays in, arrays out.

    `load_network` opens one from disk; `KerasNetwork` wraps models in memory. All kinds
    have the same two methods, so that evaluation, command line and watermarker do not care
    which one they are given.

    Args:
        name: what reports call it.
        card: what is known about it (see `tfwm.export.card`), `{}` if nothing.

    Attributes:
        name: string.
        card: dict.
        patch_shape: `(rows, columns)`; sides of an image are multiples of these.
        block_shape: `(M, N)`; one bit lies in each block of these sides.
    """

    kind = "network"

    def __init__(self, name, card=None):
        self.name = name
        self.card = card or {}
        geometry = self.card.get("geometry", {})
        self.patch_shape = tuple(geometry.get("patch", (32, 32)))
        self.block_shape = tuple(geometry.get("block", (8, 8)))

    def embed(self, image, message, strength=1.0):
        """Returns the watermarked image.

        Args:
            image: `(batch, H, W, 1)`, float in [0, 1].
            message: `(batch, H / M, W / N, 1)` of 0 and 1.
            strength: one number that scales the change.

        Returns:
            float32 array of the image's shape, in [0, 1].
        """
        image = self._checked_image(image)
        message = np.asarray(message, dtype=np.float32)
        expected = (len(image), *self.message_shape(*image.shape[1:3]))
        if message.shape != expected:
            raise ValueError(
                f"Expected a message of shape {expected} for an image of shape {image.shape}. "
                f"Received: message of shape {message.shape}"
            )
        if np.ndim(strength) != 0:
            raise ValueError(f"Expected one number as strength. Received: strength={strength!r}")
        return self._embed(image, message, np.float32(strength))

    def extract(self, image):
        """Returns the logits `(batch, H / M, W / N, 1)` float32: positive means a 1.

        Args:
            image: `(batch, H, W, 1)`, float in [0, 1].
        """
        return self._extract(self._checked_image(image))

    def message_shape(self, height, width):
        """Returns the shape of the message that an image of these sides takes."""
        return (height // self.block_shape[0], width // self.block_shape[1], 1)

    def _checked_image(self, image):
        image = np.asarray(image)
        if image.ndim != 4 or image.shape[-1] != 1 or image.size == 0:
            raise ValueError(
                f"Expected images (batch, height, width, 1). Received: image of shape {image.shape}"
            )
        rows, columns = self.patch_shape
        if image.shape[1] % rows or image.shape[2] % columns:
            raise ValueError(
                f"Expected an image whose height is a multiple of {rows} and whose width is one "
                f"of {columns}. Received: image of shape {image.shape}. Crop or pad it first."
            )
        if not np.issubdtype(image.dtype, np.floating):
            raise ValueError(
                "Expected a float image in [0, 1]; divide 8-bit values by 255. "
                f"Received: image of dtype {image.dtype}"
            )
        return np.ascontiguousarray(image, dtype=np.float32)

    def _embed(self, image, message, strength):
        raise NotImplementedError

    def _extract(self, image):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r})"
