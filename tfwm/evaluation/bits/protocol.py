"""How a network marks and reads uint8 images in a suite of bits."""

import numpy as np
from PIL import Image, ImageOps

from tfwm.distortions.geometry import resize
from tfwm.evaluation.bits.placement import PLACEMENTS, message_placement
from tfwm.keys import Key
from tfwm.marking.filtered import behind_filter

# A sample that nothing changed must not fall to the next level by a float32 rounding error;
# the way to YUV and back has more of it.
GUARD, YUV_GUARD = 1e-5, 1e-3
ROUNDINGS = ("truncate", "round")
# A suite's size if the network sees whole photos: distorted at its size, or at their own.
WHOLE_SIZES = ("network", "photo")
# Samples in one call. Networks of color have wide layers at full resolution.
MAX_BATCH = {1: 2**23, 3: 2**20}


class Protocol:
    """Marks uint8 images and reads them, as ReDMark's evaluation does (section 4.2).

    An image is cut to whole patches, or squeezed to one if the suite's size is "network". If it
    is "photo", the image keeps its size: the network marks it squeezed, and the change is carried
    back up. A network of gray images marks gray images, and color images in the three planes of
    YUV (YCbCr, full range) one by one; a network of color images marks RGB. The network sees
    samples / 255, its output is multiplied by 255, clipped and made uint8. The bits of a block
    are watermark planes, as are Y, U and V.

    Args:
        suite: `tfwm.evaluation.BitSuite`; says size, color, redundancy, rounding.
        network: object with `embed(image, message, strength)` and `extract(image)`, images
            `(batch, H, W, channels)` in [0, 1], messages `(batch, rows, columns, bits)`; its
            `patch_shape`, `block_shape`, `channels` and `bits`, if it has them, else 32 x 32,
            8 x 8, 1 and 1.

    Attributes:
        planes: number of watermark planes.
    """

    def __init__(self, suite, network):
        self.suite = suite
        # Suites have no key: the public one's filter stands for all.
        self.network = behind_filter(network, Key(None))
        self.patch = tuple(getattr(network, "patch_shape", (32, 32)))
        self.block = tuple(getattr(network, "block_shape", (8, 8)))
        self.channels = getattr(network, "channels", 1)
        self.bits = getattr(network, "bits", 1)
        self.whole = suite.size in WHOLE_SIZES
        self.carried = suite.size == "photo"
        self.yuv = suite.color and self.channels == 1
        self.planes = (3 if self.yuv else 1) * self.bits
        self._check()
        cells = {p // b for p, b in zip(self.patch, self.block, strict=True)}
        if len(cells) != 1:
            raise ValueError(
                "Expected a network with as many blocks across a patch as down. "
                f"Received: patches {self.patch} of blocks {self.block}"
            )
        self.patch_cells = cells.pop()

    def _check(self):
        name = getattr(self.network, "name", "a network")
        if self.channels == 3 and (not self.suite.color or self.suite.channel_psnr is not None):
            raise ValueError(
                f"Expected a suite of color images, marked at one strength, for {name}, which "
                f"marks RGB. Received: {self.suite.name}; choose one such as mbrs"
            )
        size = None if self.whole else self.suite.size
        if size is not None and any(n % p for n, p in zip(size, self.patch, strict=True)):
            raise ValueError(
                f"Expected a size of whole patches of {self.patch[0]} x {self.patch[1]} pixels "
                f"for {name}. Received: {self.suite.name}, of {size[0]} x {size[1]}"
            )

    def cover(self, image, generator=None):
        """Returns the part of an image that is marked, or None if it is too small.

        The top left multiple of the patch; with a fixed `size`, the centre, or the place that
        the generator gives if the suite's crop is random; with "network", all but what gives it
        another shape; with "photo", all.
        """
        if (image.ndim == 3) != self.suite.color:
            raise ValueError(
                f"Expected {'color' if self.suite.color else 'gray'} images for "
                f"{self.suite.name}. Received: an image of shape {image.shape}"
            )
        if self.carried:
            return image
        if self.whole:
            return np.array(ImageOps.fit(Image.fromarray(image), self.patch[::-1]))
        sides, top, left = image.shape[:2], 0, 0
        whole = [n - n % p for n, p in zip(sides, self.patch, strict=True)]
        height, width = self.suite.size or whole
        if self.suite.size is not None:
            spare = (sides[0] - height, sides[1] - width)
            top, left = (n // 2 for n in spare)
            if self.suite.crop == "random" and generator is not None and min(spare) >= 0:
                top, left = (int(generator.integers(n + 1)) for n in spare)
        rows, columns = height // self.patch[0], width // self.patch[1]
        if min(top, left) < 0 or min(height, width) < 9 or rows * columns < self.suite.min_patches:
            return None
        return np.ascontiguousarray(image[top : top + height, left : left + width])

    def placement(self, kind, cover):
        """Returns the `Placement` called `kind` for a cover."""
        sides = self.patch if self.whole else cover.shape[:2]
        grid = [n // p for n, p in zip(sides, self.patch, strict=True)]
        if self.suite.bits is not None:
            return message_placement(*grid, self.suite.bits, self.planes, self.patch_cells)
        return PLACEMENTS[kind](*grid, self.suite.redundancy, self.patch_cells, self.planes)

    def embed(self, cover, planes, strength):
        """Marks copies of a cover.

        Args:
            cover: uint8 `(H, W)` or `(H, W, 3)`.
            planes: watermark planes `(n, planes, rows, columns)`.
            strength: number, or one for each of Y, U and V.

        Returns:
            uint8 `(n, H, W)` or `(n, H, W, 3)`.
        """
        guard = YUV_GUARD if self.yuv else GUARD
        extra = guard if self.suite.rounding == "truncate" else 0.5
        marked = self.mark(cover, planes, strength)
        return np.clip(marked.astype(np.float64) * 255 + extra, 0, 255).astype(np.uint8)

    def mark(self, cover, planes, strength):
        """Marks copies of a cover like `embed`, without rounding; float in [0, 1]."""
        if self.carried and cover.shape[:2] != self.patch:
            small = resize(cover, *self.patch)
            change = self.mark(small, planes, strength) - small / np.float32(255)
            return cover / np.float32(255) + _enlarged(change, cover.shape[:2])
        parts = self._mark_parts(cover, planes, strength)
        if self.yuv:
            from tfwm.ops.color import ycbcr_to_rgb  # starts TensorFlow

            return np.asarray(ycbcr_to_rgb(np.concatenate(parts, -1)))
        return parts[0][..., 0] if cover.ndim == 2 else parts[0]

    def plane_psnr(self, cover, planes, strength):
        """Returns each plane's PSNR before rounding: what per-channel tuning looks at."""
        marked, parts = self._mark_parts(cover, planes, strength), self._parts(cover[None])
        errors = [np.mean((m - p) ** 2) for m, p in zip(marked, parts, strict=True)]
        return -10 * np.log10(np.maximum(errors, 1e-10))

    def read(self, images):
        """Returns the logits `(n, planes, rows, columns)` of uint8 images.

        They have the cover's size; or any, if the network sees whole photos.
        """
        if self.whole:
            images = [i if i.shape[:2] == self.patch else resize(i, *self.patch) for i in images]
        step = max(1, MAX_BATCH[self.channels] // images[0].size)
        logits = []
        for start in range(0, len(images), step):
            parts = self._parts(np.stack(images[start : start + step]))
            read = np.concatenate([self._read_part(part) for part in parts], -1)
            logits.append(np.moveaxis(read, -1, 1))
        return np.concatenate(logits)

    def _parts(self, images):
        """uint8 images -> what the network sees: one batch, or those of Y, U and V."""
        x = images.astype(np.float32) / 255
        if images.ndim == 3:
            return [x[..., None]]
        if not self.yuv:
            return [x]
        from tfwm.ops.color import rgb_to_ycbcr  # starts TensorFlow

        return np.split(np.asarray(rgb_to_ycbcr(x)), 3, -1)

    def _mark_parts(self, cover, planes, strength):
        parts = self._parts(cover[None])
        messages = np.split(np.moveaxis(planes, 1, -1).astype(np.float32), len(parts), -1)
        strengths = np.broadcast_to(strength, len(parts))
        return [
            self._mark_part(part, message, float(s))
            for part, message, s in zip(parts, messages, strengths, strict=True)
        ]

    def _mark_part(self, part, messages, strength):
        image = np.repeat(part, len(messages), 0)
        step = max(1, MAX_BATCH[self.channels] // part.size)
        out = [
            self.network.embed(image[i : i + step], messages[i : i + step], strength)
            for i in range(0, len(image), step)
        ]
        return np.concatenate([np.asarray(x) for x in out])

    def _read_part(self, part):
        out = np.asarray(self.network.extract(part))
        rows, columns = (n // b for n, b in zip(part.shape[1:3], self.block, strict=True))
        if out.shape != (len(part), rows, columns, self.bits):
            raise ValueError(
                f"Expected logits {(len(part), rows, columns, self.bits)}, one for each bit of "
                f"each block. Received: {out.shape}"
            )
        return out


def mark_one(network, image, suite, strength, placement="paper"):
    """Marks one photo with a random message, by a suite's protocol.

    Args:
        network: see `Protocol`.
        image: uint8 photo.
        suite: `BitSuite`.
        strength: number, or one for each plane.
        placement: `"paper"` or `"spread"`.

    Returns:
        `(cover, marked, bits, read)`: uint8 images, the message, and a function from a
        distorted image to its bit error rate by majority vote.
    """
    protocol = Protocol(suite, network)
    cover = protocol.cover(image, np.random.default_rng(0))
    if cover is None:
        raise ValueError(
            f"Expected a photo that holds a message. Received: {image.shape[1]} x {image.shape[0]} "
            "pixels; choose a larger one"
        )
    where = protocol.placement(placement, cover)
    bits = np.random.default_rng(0).integers(0, 2, where.num_bits)
    marked = protocol.embed(cover, where.spread_out(bits)[None], strength)[0]

    def read(image):
        return float(np.mean(where.vote(protocol.read([image]))[0] != bits))

    return cover, marked, bits, read


def gallery(network, image, columns, suite, strength, placement="paper"):
    """Distorts one photo, marked by `mark_one`, as each `(Distortion, level)` of `columns` says.

    Returns:
        List of `(Distortion, level, distorted image, bit error rate)`.
    """
    cover, marked, _, read = mark_one(network, image, suite, strength, placement)
    shown = []
    for number, (distortion, level) in enumerate(columns):
        copy = distortion.apply(marked, level, (0, number), cover)
        shown.append((distortion, level, copy, read(copy)))
    return shown


def _enlarged(changes, size):
    """Float `(n, h, w)` or `(n, h, w, 3)` at a size `(height, width)`, bicubic."""
    count, *small = changes.shape[:3]
    planes = np.moveaxis(changes.reshape(count, *small, -1), -1, 1).astype(np.float32)
    large = [
        Image.fromarray(p).resize(size[::-1], Image.BICUBIC) for p in planes.reshape(-1, *small)
    ]
    large = np.stack([np.asarray(p) for p in large]).reshape(count, -1, *size)
    return np.moveaxis(large, 1, -1).reshape(count, *size, *changes.shape[3:])
