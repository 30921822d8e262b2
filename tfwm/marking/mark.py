"""The mark of one photo, at any strength."""

import dataclasses
import math

import numpy as np

from tfwm.checks import check_number
from tfwm.images import DamagedError, ImageError, psnr
from tfwm.keys import Key
from tfwm.marking.binding import asked, is_plain
from tfwm.marking.canvas import Alignment, Canvas, add_residual, natural_scale
from tfwm.marking.check import BESIDE
from tfwm.marking.filtered import behind_filter, check_unfiltered, is_filtered
from tfwm.marking.strength import STRONGEST, check_strength, mark_at_psnr
from tfwm.marking.subtle import subtle_weights
from tfwm.marking.tiling import tiling_of
from tfwm.payload.layout import pattern_of, pattern_signs

# Tuning stops this near to the wanted PSNR, on its upper side.
PSNR_TOLERANCE = 0.02
PLAIN = (
    "it shows too little for the mark to be bound to it: carried to another picture, the mark "
    "would be called present there"
)
# The strength grows by this factor until the mark reads with room to spare.
STRENGTH_STEP = 1.25
LARGEST_STRENGTH = 2.5


class Mark:
    """The change that carries a message in one photo, to be applied at any strength.

    Args:
        photo: the unmarked `tfwm.images.Photo`.
        residual: `(h, w, 1)` change of the luminance, or `(h, w, 3)` of R, G and B, at working
            size and strength 1.
        scale: factor from the photo's size to the working size; for a network that sees photos
            as a whole, a pair for height and width.
        plain: function that tells whether it shows too little for a mark to be bound to it.
    """

    def __init__(self, photo, residual, scale, plain=lambda: False):
        self.photo = photo
        self.residual = residual
        self.scale = scale
        self._plain = plain

    @property
    def notes(self):
        """Sentences for the report."""
        return (PLAIN,) if self._plain() else ()

    @classmethod
    def of(cls, network, cover, slots, subtle=False, codec=None, over=False, like=None):
        """Makes the mark of a photo.

        Args:
            network: that marks.
            cover: the unmarked `tfwm.images.Photo`.
            slots: `(slots,)` of 0 and 1, see `tfwm.payload.encode_slots`.
            subtle: see `tfwm.Watermarker.embed`.
            codec: `tfwm.payload.Codec` that binds the mark to its photo, and whose key filters it
                where the network asks for that; `None` leaves it free.
            over: `"beside"` leaves half of the cells as they are, see `Tiling.half`; by a `codec`.
            like: `Photo` whose pattern the mark gets behind a filter, its own by default.
        """
        check_whole(cover)
        if over == BESIDE:
            check_beside(network)
        key = Key(None) if codec is None else codec.key
        has_patterns, network = is_filtered(network), behind_filter(network, key)
        sides, canvas = cover.pixels.shape[:2], Canvas.of(network, cover)
        scale = natural_scale(canvas.height, canvas.width)
        before = canvas.scaled(scale)
        if network.whole:
            scale = tuple(n / side for n, side in zip(before.shape, sides, strict=False))
        rows, columns = network.patch_shape
        height, width = before.shape[0] // rows * rows, before.shape[1] // columns * columns
        if not height or not width:
            raise ImageError(
                f"{cover.name} has {sides[1]} x {sides[0]} pixels: expected at least "
                f"{columns} x {rows} at the size for marking; take a larger photo."
            )
        before = before[None, :height, :width]
        grid = network.message_shape(height, width)
        blocks, plain = tiling_of(network).lay_out(slots, *grid[:2]), {}
        if codec is not None and codec.bound:
            places, bits = asked(codec, network, before[0], grid[:2])
            blocks[places] = bits
            plain = {"plain": lambda: is_plain(codec, network, before[0], grid[:2])}
        if has_patterns:
            signs = pattern_signs(len(slots), key)[pattern_of(key, (like or cover).pixels)]
            blocks = np.where(tiling_of(network).lay_out(signs, *grid[:2]) > 0, blocks, 1 - blocks)
        residual = (np.asarray(network.embed(before, blocks[None], 1.0)) - before)[0]
        if over == BESIDE:
            cells = tiling_of(network).half(*grid[:2], codec.key)
            residual *= np.kron(cells, np.ones(network.block_shape))[..., None]
        if subtle:
            residual *= subtle_weights(before[0])
        return cls(cover, residual, scale, **plain)

    @property
    def alignment(self):
        """The `tfwm.marking.Alignment` of the marked photo itself."""
        return Alignment(whole=True) if isinstance(self.scale, tuple) else Alignment(self.scale)

    def apply(self, strength=1.0):
        """Returns the marked `tfwm.images.Photo`."""
        change = self.residual * np.float32(check_strength(strength))
        pixels = add_residual(self.photo.pixels, change, self.scale)
        return dataclasses.replace(self.photo, pixels=pixels)

    def at(self, strength=1.0, psnr=None):
        """Returns the marked photo and the strength that was applied.

        Args:
            strength: see `apply`.
            psnr: instead, the PSNR wanted in dB over all channels, 20 to 60. The result is never
                below it; rounding to whole levels may leave it slightly above.
        """
        if psnr is None:
            return self.apply(strength), float(strength)
        psnr = check_number("psnr", psnr, 20, 60, "a PSNR from 20 to 60 dB")
        marked, strength, reached = mark_at_psnr(self.apply, self.psnr, psnr, PSNR_TOLERANCE)
        if reached < psnr:
            raise ImageError(
                f"{self.photo.name} cannot be marked at {psnr:g} dB: its levels are too coarse. "
                "Ask for less."
            )
        return marked, strength

    def attempts(self, strength=1.0, psnr=None):
        """Yields marked photos and their strengths, from `strength` up to 2.5 times that.

        Args:
            strength: see `apply`.
            psnr: instead, the PSNR wanted in dB; then there is one photo only.
        """
        if psnr is not None:
            yield self.at(psnr=psnr)
            return
        strength = check_strength(strength)
        largest = min(strength * LARGEST_STRENGTH, STRONGEST)
        while strength <= largest:
            yield self.apply(strength), strength
            strength *= STRENGTH_STEP

    def until(self, check, strength=1.0, psnr=None):
        """Returns the first of the `attempts` that reads, else the last one.

        Args:
            check: function of a marked photo and its strength that returns a `Check`.
            strength: see `apply`.
            psnr: see `attempts`.

        Returns:
            `(photo, check)`: the marked photo, and its `Check`, whose `fits` tells which it is.
        """
        for marked, tried in self.attempts(strength, psnr):
            found = check(marked, tried)
            if found.fits:
                break
        return marked, found

    def psnr(self, marked):
        """Returns the PSNR of a marked photo, in dB over all channels; inf for no change."""
        return psnr(self.photo.pixels, marked.pixels, identical=math.inf)


def check_beside(network):
    """Raises `ValueError` for a network that leaves no cells to a second mark."""
    if network.whole:
        raise ValueError(
            f"{network.name} marks a photo as a whole, and leaves no room for a second mark: "
            "leave out --beside (over='beside'), or take a network of cells, such as photo."
        )
    check_unfiltered(network, "marks of two keys lie in one photo without --beside")


def check_whole(cover):
    """Raises `DamagedError` for a photo or an animation of a file that is cut off."""
    if cover.rows_read < 1:
        raise DamagedError(f"{cover.name} is cut off: mark the whole photo.")
