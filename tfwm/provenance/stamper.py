"""Marks what a generator puts out: batches of any library's pictures, in and out alike."""

import dataclasses
import sys
import warnings
from typing import NamedTuple

from PIL import Image

from tfwm.images import (
    Photo,
    PhotoImage,
    from_photos,
    is_array,
    read_photo,
    to_photos,
    to_uint8,
)
from tfwm.marking import Check, EmbedOptions
from tfwm.marking.earlier import mark_beside
from tfwm.marking.filtered import check_signpost
from tfwm.payload import encode_slots
from tfwm.provenance.manifest import Claims
from tfwm.provenance.signing import SigningWatermarker, SignReport
from tfwm.provenance.stamp import Stamp
from tfwm.watermarker import DEFAULT_NETWORK, Watermarker


class Stamped(NamedTuple):
    """What `Stamper.stamp` returns.

    Args:
        images: the marked pictures, of the kind that was given.
        stamps: list of `Stamp`, one for each picture, in order: keep them with the pictures.
        checks: list of `tfwm.marking.Check`: what was read back from each marked picture; `None`
            for each if the stamper does not check.
    """

    images: object
    stamps: list
    checks: list


class Signed(NamedTuple):
    """A picture that `Stamper.sign` marked and signed.

    Args:
        data: bytes of its file.
        stamp: `Stamp`.
        report: `SignReport`; its `store` is the manifest to keep for recovery.
    """

    data: bytes
    stamp: Stamp
    report: SignReport


class Stamper:
    """Marks pictures with the generator's id, the model's version and an id of their own.

    The last step of a pipeline: it takes what pipelines give and returns the same kind. Each
    picture is read back, and its strength raised until it reads with room to spare, as
    `Watermarker.embed_file` does. The key is opened and the network loaded once.

    Args:
        generator: id of the generator, such as `"acme-image"`.
        version: of the model, such as `"2.1"`.
        key: secret text or bytes; with `None` everybody can read and compose the marks.
        network: name or path of a network that carries messages, or a `tfwm.Watermarker`.
        channels: where arrays have their channels, see `tfwm.images.to_photos`.
        range: `(low, high)`, the values of black and white in arrays, such as `(-1, 1)`; by default
            that of the type: 0 to 255 for uint8, 0 to 1 for floats.
        check: whether pictures are read, before for a mark that is there (which is refused, see
            `over` of `tfwm.marking.EmbedOptions`), and afterwards for the new one. Without it,
            marking takes about half of the time, and a picture that is marked already or too flat
            to carry the mark is not noticed.
        **options: see `tfwm.marking.EmbedOptions`: `strength`, `psnr`, `margin`, `subtle`,
            `over`, `signpost` (the host of your detector, which everybody can read), and `quality`
            of the files that `sign` makes.

    Example:

    >>> stamper = Stamper("acme-image", "2.1", key="secret", range=(-1, 1))
    >>> batch = np.asarray(Image.open("photo.jpg"))[None] / np.float32(127.5) - 1
    >>> images, stamps, checks = stamper.stamp(batch)
    >>> images.shape, stamps[0].generator, checks[0].fits
    ((1, 400, 600, 3), 'acme-image', True)
    """

    def __init__(
        self,
        generator,
        version,
        *,
        key=None,
        network=DEFAULT_NETWORK,
        channels=None,
        range=None,
        check=True,
        **options,
    ):
        self.generator, self.version = generator, version
        self.watermarker = network if isinstance(network, Watermarker) else Watermarker(network)
        self.options, self.check = EmbedOptions(key=key, **options), check
        self.layout = {"channels": channels, "range": range}
        check_signpost(self.watermarker.network, self.options.signpost)
        self.slots(self.new_stamp())  # a message that is too long is told now

    @property
    def codec(self):
        """The `tfwm.payload.Codec` of the network and the key, which binds if it can."""
        return self.watermarker.codec(self.options.key, bound=True)

    def new_stamp(self, id=None):
        """Returns a `Stamp` with this generator and version, and a fresh id unless one is given."""
        given = () if id is None else (id,)
        return Stamp(self.generator, self.version, *given)

    def stamp(self, images, ids=None) -> Stamped:
        """Marks pictures.

        Args:
            images: one picture or a batch, as an array or tensor `(B, H, W, C)`, `(B, C, H, W)` or
                one without `B`, of NumPy, TensorFlow, PyTorch or JAX, in the computer's own memory;
                a `PIL.Image.Image`, `tfwm.images.Photo`, path or bytes; or a list of such.
            ids: one for each picture, instead of random ones.

        Returns:
            `Stamped`: images, stamps and checks. An array or tensor becomes one of its library,
            type and shape; a list a list; a PIL image, a path or bytes a PIL image.

        Warns:
            UserWarning: a picture, which is then named by its place, cannot be read back: it is
                too small or too flat. Its check says so too; `sign` refuses such a picture.
        """
        photos, restore = _opened(images, self.layout)
        stamps = self._stamps(ids, len(photos))
        marked, checks = [], []
        for number, (photo, stamp) in enumerate(zip(photos, stamps, strict=True)):
            picture, check = self._mark(photo, stamp.message)
            if check is not None and not check.fits:
                warnings.warn(f"picture {number}: {check.reason}", stacklevel=2)
            marked.append(picture)
            checks.append(check)
        return Stamped(restore(marked), stamps, checks)

    def sign(self, images, *, signer, claims=None, ids=None, store=None, file_format="png"):
        """Marks pictures and writes a signed C2PA manifest into each, see `tfwm.provenance.sign`.

        Args:
            images: see `stamp`, also for `ids`.
            signer: `tfwm.provenance.Signer`.
            claims: `tfwm.provenance.Claims`; by default that a trained model made the picture, this
                generator of this version.
            store: a `ManifestStore`, or the path of its file, that keeps the manifests, see
                `tfwm.provenance.sign`.
            file_format: of the files: `"png"`, `"jpg"`, `"webp"`, `"avif"` and others, see
                `tfwm.Watermarker.embed_file`.

        Returns:
            List of `Signed`, one for each picture. Each file was read back: mark, signature and
            hash hold.

        Raises:
            ImageError: a picture cannot carry the mark, or its file no manifest.
        """
        photos, _ = _opened(images, self.layout)
        made_by = f"{self.generator} {self.version}"
        claims = claims or Claims(source_type="trainedAlgorithmicMedia", generator=made_by)
        claims = dataclasses.replace(claims, drawn=ids is None or claims.drawn)
        marker = SigningWatermarker(self.watermarker.network, signer, claims, store)
        signed = []
        try:
            for photo, stamp in zip(photos, self._stamps(ids, len(photos)), strict=True):
                if photo.pixels.dtype.kind == "f":
                    alpha = None if photo.alpha is None else to_uint8(photo.alpha)
                    photo = dataclasses.replace(photo, pixels=to_uint8(photo.pixels), alpha=alpha)
                how = {"file_format": file_format}
                data, report = marker.mark_file(photo, None, stamp.message, self.options, **how)
                signed.append(Signed(data, stamp, report))
        except BaseException:  # nobody gets the others
            for done in signed:
                done.report.withdraw()
            raise
        return signed

    def layer(self, id="layer", **kwargs):
        """Returns a `StampLayer` that writes one message into all pictures, for the end of a model.

        Args:
            id: that all pictures of the layer carry: a graph makes no random ids of its own. For
                another message in each picture, give the layer `slots` as well.
            **kwargs: arguments of the layer, such as its `name`.
        """
        from tfwm.provenance.stamp_layer import StampLayer

        slots = self.slots(self.new_stamp(id))
        how = {"strength": self.options.strength, "range": self.layout["range"]}
        return StampLayer.of(self.watermarker.network, slots, self.codec, **how | kwargs)

    def slots(self, stamp):
        """Returns the bits of a `Stamp`, `(slots,)` uint8, as `StampLayer` takes them."""
        return encode_slots(self.codec, stamp.message, self.options.signpost)

    def _stamps(self, ids, count):
        if ids is not None and len(ids) != count:
            raise ValueError(f"Expected {count} ids, one a picture. Received: {len(ids)}")
        return [self.new_stamp(id) for id in ([None] * count if ids is None else ids)]

    def _mark(self, photo, message) -> tuple[Photo, Check | None]:
        """The marked photo, and what was read back from it."""
        options = self.options
        earlier = None
        if self.check:
            earlier = mark_beside(self.watermarker, photo, options.key, options.over)
        mark = self.watermarker.prepare(photo, message, **options.placing)
        if not self.check:
            return mark.at(options.strength, options.psnr)[0], None
        what = message, options.key, options.signpost

        def read(marked, strength):
            check = self.watermarker.check_copy(photo, marked, marked, strength, *what)
            return check.with_room(check.margin, options.room)

        marked, check = mark.until(read, options.strength, options.psnr)
        if earlier:
            earlier.check_kept(self.watermarker, marked, photo.name)
        return marked, check


def _opened(images, layout):
    """The photos of what a pipeline gives, and what turns marked ones into the same kind."""
    if isinstance(images, list | tuple):
        each = [_opened(image, layout) for image in images]
        if any(len(photos) != 1 for photos, _ in each):
            raise ValueError("Expected single pictures in a list. Received: a batch in a list")
        restores = [restore for _, restore in each]
        return [photos[0] for photos, _ in each], lambda marked: [
            restore([photo]) for restore, photo in zip(restores, marked, strict=True)
        ]
    if is_array(images) and not isinstance(images, Image.Image):
        photos = to_photos(images, **layout)
        return photos, lambda marked: like(images, from_photos(marked, images, **layout))
    if isinstance(images, Photo):
        return [images], lambda marked: marked[0]
    return [read_photo(images)], lambda marked: PhotoImage.of(marked[0])


def like(tensor, array):
    """Returns an array as an array or tensor of another's library, in the computer's own memory.

    Args:
        tensor: array of NumPy, or tensor of TensorFlow, PyTorch or JAX; others give NumPy.
        array: NumPy array.
    """
    if hasattr(tensor, "new_tensor"):  # PyTorch
        return tensor.new_tensor(array)
    home = type(tensor).__module__.partition(".")[0]
    if home == "tensorflow":
        return sys.modules["tensorflow"].convert_to_tensor(array)
    return sys.modules["jax"].numpy.asarray(array) if home in ("jax", "jaxlib") else array
