"""A trained embedder and its extractor, whatever runs them."""

import math

import numpy as np

from tfwm.checks import shortened
from tfwm.networks.card import kind_of

# Divisible by many a patch: what a network without a card is tried with.
TRIAL_SIDE = 384


class Network:
    """A trained embedder and its extractor: arrays in, arrays out.

    `load_network` opens one from disk; `KerasNetwork` wraps models in memory. Evaluation, the
    commands and `tfwm.Watermarker` take any of them. A network of your own, without TensorFlow,
    is a subclass with the methods `_embed` and `_extract`.

    Args:
        name: what reports call it.
        card: what is known about it (see `tfwm.networks.card`), `{}` if nothing. Without its
            `geometry`, patch and block are found out by trying.
        form: the `tfwm.networks.Form` that runs it.
        patch_shape: with a form and without a card, the patch to try.

    Attributes:
        name: string.
        card: dict.
        kind: `"message"`, or `"barrier"`, whose message is a picture with one block a pixel, and
            whose logits are that picture as it is read.
        patch_shape: `(rows, columns)`; sides of an image are multiples of these.
        block_shape: `(M, N)`; each block of these sides carries bits of its own.
        channels: of an image: 1 for luminance, 3 for RGB.
        bits: number of bits of a block.
        phases: reach in pixels of the key's filter that marks need (`tfwm.payload.phases`), 0 for
            none.
        whole: whether an image is one patch, to which any photo is squeezed as a whole.
        parallel: how many calls at once, from several threads, are faster than one after another.
    """

    def __init__(self, name, card=None, form=None, patch_shape=(32, 32)):
        self.name = name
        self.card = card or {}
        self.form = form
        self.parallel = form.parallel if form else 1
        self.kind = kind_of(self.card).name
        geometry = self.card.get("geometry", {})
        self.patch_shape = tuple(geometry.get("patch", patch_shape))
        self.block_shape = tuple(geometry.get("block", (8, 8)))
        self.channels = geometry.get("channels", 1)
        self.bits = geometry.get("bits", 1)
        self.phases = geometry.get("phases", 0)
        self.whole = geometry.get("whole", False)
        if form is not None and not geometry:
            sides = form.inputs["embed"]
            self.channels, self.bits = sides["image"][-1], sides["message"][-1]
            self._find_blocks()

    def embed(self, image, message, strength=1.0):
        """Returns the watermarked image.

        Args:
            image: `(batch, H, W, channels)`, float in [0, 1].
            message: `(batch, H / M, W / N, bits)` of 0 and 1.
            strength: one number that scales the change, or one for each image, `(batch,)`.

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
        if np.shape(strength) not in ((), (len(image),)):
            raise ValueError(
                f"Expected one number as strength, or one for each of {len(image)} images. "
                f"Received: strength={shortened(strength)}"
            )
        return self._embed(image, message, np.float32(strength))

    def extract(self, image):
        """Returns the logits `(batch, H / M, W / N, bits)` float32: positive means a 1.

        Args:
            image: `(batch, H, W, channels)`, float in [0, 1].
        """
        return self._extract(self._checked_image(image))

    def message_shape(self, height, width):
        """Returns the shape of the message that an image of these sides takes."""
        return (height // self.block_shape[0], width // self.block_shape[1], self.bits)

    def _checked_image(self, image):
        image = np.asarray(image)
        if image.ndim != 4 or image.shape[-1] != self.channels or image.size == 0:
            raise ValueError(
                f"Expected images (batch, height, width, {self.channels}). "
                f"Received: image of shape {image.shape}"
            )
        rows, columns = self.patch_shape
        if self.whole and image.shape[1:3] != (rows, columns):
            raise ValueError(
                f"Expected images of {rows} x {columns} pixels, photos squeezed as a whole. "
                f"Received: image of shape {image.shape}"
            )
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

    def _find_blocks(self):
        """Sets block and patch of a network without a card, by reading a gray image."""
        sides = [p * max(TRIAL_SIDE // p, 1) for p in self.patch_shape]
        try:
            grid = self._extract(np.full((1, *sides, self.channels), 0.5, np.float32)).shape[1:3]
        except Exception as error:  # each runtime has types of its own
            raise ValueError(
                f"The network {self.name} has no card that tells its patch and block, and does "
                f"not read an image of {sides[0]} x {sides[1]} pixels: write a card.json."
            ) from error
        self.block_shape = tuple(s // n for s, n in zip(sides, grid, strict=True))
        # A multiple of the true patch will do.
        self.patch_shape = tuple(map(math.lcm, self.patch_shape, self.block_shape))

    def _embed(self, image, message, strength):
        return self.form("embed", image=image, message=message, strength=strength)["watermarked"]

    def _extract(self, image):
        return self.form("extract", image=image)["logits"]

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r})"
