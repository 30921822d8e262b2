import numpy as np

from tfwm.evaluation.placement import PLACEMENTS, message_placement
from tfwm.ops.color import rgb_to_ycbcr, ycbcr_to_rgb

# A sample that nothing changed must not fall to the next level by a float32 rounding error;
# the way to YUV and back has more of it.
GRAY_GUARD, COLOR_GUARD = 1e-5, 1e-3
ROUNDINGS = ("truncate", "round")
MAX_BATCH_PIXELS = 2**23


class Protocol:
    """Marks uint8 images and reads them, as ReDMark's evaluation does (section 4.2).

    An image is cut to whole patches. Gray images have one watermark plane; colour images
    are marked in the three planes of YUV (YCbCr, full range) one by one. The network sees
    gray / 255, its output is multiplied by 255, clipped and made uint8.

    Args:
        suite: `tfwm.evaluation.Suite`; says size, colour, redundancy, rounding.
        network: object with `embed(image, message, strength)` and `extract(image)`, images
            `(batch, H, W, 1)` in [0, 1]; its `patch_shape` and `block_shape`, if it has
            them, else 32 x 32 and 8 x 8.
    """

    def __init__(self, suite, network):
        self.suite = suite
        self.network = network
        self.patch = tuple(getattr(network, "patch_shape", (32, 32)))
        self.block = tuple(getattr(network, "block_shape", (8, 8)))
        cells = {p // b for p, b in zip(self.patch, self.block, strict=True)}
        if len(cells) != 1:
            raise ValueError(
                "Expected a network with as many blocks across a patch as down. "
                f"Received: patches {self.patch} of blocks {self.block}"
            )
        self.patch_cells = cells.pop()

    def cover(self, image):
        """Returns the part of an image that is marked, or None if it is too small.

        The top left multiple of the patch; with a fixed `size`, the centre.
        """
        height, width = image.shape[:2]
        if self.suite.size is None:
            rows, columns = height // self.patch[0], width // self.patch[1]
            top = left = 0
            height, width = rows * self.patch[0], columns * self.patch[1]
        else:
            top, left = (
                (n - s) // 2 for n, s in zip((height, width), self.suite.size, strict=True)
            )
            height, width = self.suite.size
            rows, columns = height // self.patch[0], width // self.patch[1]
        if min(top, left) < 0 or min(height, width) < 9 or rows * columns < self.suite.min_patches:
            return None
        return np.ascontiguousarray(image[top : top + height, left : left + width])

    def placement(self, kind, cover):
        """Returns the `Placement` called `kind` for a cover."""
        rows, columns = (n // p for n, p in zip(cover.shape[:2], self.patch, strict=True))
        if self.suite.bits is not None:
            planes = 3 if self.suite.color else 1
            return message_placement(rows, columns, self.suite.bits, planes, self.patch_cells)
        return PLACEMENTS[kind](rows, columns, self.suite.redundancy, self.patch_cells)

    def embed(self, cover, planes, strength):
        """Marks copies of a cover.

        Args:
            cover: uint8 `(H, W)` or `(H, W, 3)`.
            planes: watermark planes `(n, 1 or 3, rows, columns)`.
            strength: number, or one for each plane.

        Returns:
            uint8 `(n, H, W)` or `(n, H, W, 3)`.
        """
        parts = _split(cover[None])
        strengths = np.broadcast_to(strength, (parts.shape[-1],))
        marked = [
            self._embed_plane(parts[..., i], planes[:, i], float(s))
            for i, s in enumerate(strengths)
        ]
        joined = _join(np.stack(marked, -1)).astype(np.float64) * 255
        guard = GRAY_GUARD if cover.ndim == 2 else COLOR_GUARD
        extra = guard if self.suite.rounding == "truncate" else 0.5
        return np.clip(joined + extra, 0, 255).astype(np.uint8)

    def plane_psnr(self, cover, planes, strength):
        """Returns each plane's PSNR before rounding: what per-channel tuning looks at."""
        parts = _split(cover[None])
        strengths = np.broadcast_to(strength, (parts.shape[-1],))
        errors = [
            np.mean((self._embed_plane(parts[..., i], planes[:, i], float(s)) - parts[..., i]) ** 2)
            for i, s in enumerate(strengths)
        ]
        return -10 * np.log10(np.maximum(errors, 1e-10))

    def read(self, images):
        """Returns the logits `(n, 1 or 3, rows, columns)` of uint8 images."""
        step = max(1, MAX_BATCH_PIXELS // images[0].size)
        logits = []
        for start in range(0, len(images), step):
            parts = np.moveaxis(_split(np.stack(images[start : start + step])), -1, 1)
            flat = parts.reshape(-1, *parts.shape[2:], 1)
            out = np.asarray(self.network.extract(flat))
            rows, columns = (n // b for n, b in zip(flat.shape[1:3], self.block, strict=True))
            if out.shape != (len(flat), rows, columns, 1):
                raise ValueError(
                    f"Expected logits {(len(flat), rows, columns, 1)}, one for each block. "
                    f"Received: {out.shape}"
                )
            logits.append(out.reshape(*parts.shape[:2], rows, columns))
        return np.concatenate(logits)

    def _embed_plane(self, part, messages, strength):
        image = np.repeat(part, len(messages), 0)[..., None]
        step = max(1, MAX_BATCH_PIXELS // image[0].size)
        out = [
            self.network.embed(
                image[i : i + step], messages[i : i + step, ..., None].astype(np.float32), strength
            )
            for i in range(0, len(image), step)
        ]
        return np.concatenate([np.asarray(x) for x in out])[..., 0]


def _split(images):
    """uint8 `(n, H, W)` or `(n, H, W, 3)` -> float32 planes `(n, H, W, 1 or 3)` in [0, 1]."""
    x = images.astype(np.float32) / 255
    return x[..., None] if images.ndim == 3 else np.asarray(rgb_to_ycbcr(x))


def _join(planes):
    return planes[..., 0] if planes.shape[-1] == 1 else np.asarray(ycbcr_to_rgb(planes))
