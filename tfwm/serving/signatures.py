"""The signatures of a served network: names, types and shapes, the same for every server."""

import dataclasses

FORMATS = ("png", "jpeg", "keep")
QUALITY = 95
BATCH, SLOTS = "batch", "slots"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output of a signature.

    Args:
        name: its name.
        dtype: `"string"`, `"float32"` or `"int32"`, as NumPy and TensorFlow call them; a string
            is bytes.
        shape: tuple of sides: a number, `None` for one that is free, or `"batch"` (the number of
            photos), `"slots"` (of the network's `Tiling`), `"channels"` and `"bits"` (of its card).
        text: what it holds.
    """

    name: str
    dtype: str
    shape: tuple
    text: str

    def sides(self, **known):
        """Returns the shape with numbers for the sides that are known, and `None` for the others.

        Example:

        >>> SIGNATURES["extract_bytes"].output("votes").sides(slots=512)
        (None, 512)
        """
        return tuple(known.get(side) if isinstance(side, str) else side for side in self.shape)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function that a server offers: tensors by name in, tensors by name out.

    Args:
        name: its name.
        inputs: tuple of `Tensor`.
        outputs: tuple of `Tensor`.
        text: what it does.
    """

    name: str
    inputs: tuple
    outputs: tuple
    text: str

    def input(self, name):
        """Returns the input of a name."""
        return next(tensor for tensor in self.inputs if tensor.name == name)

    def output(self, name):
        """Returns the output of a name."""
        return next(tensor for tensor in self.outputs if tensor.name == name)


def _of_images(name, dtype, text):
    return Tensor(name, dtype, (BATCH,), text)


_ERROR = _of_images("error", "string", "one line that tells why a photo has no result, else empty")
_IMAGE = Tensor("image", "float32", (BATCH, None, None, "channels"), "images in [0, 1]")
_STRENGTH = _of_images("strength", "float32", "factor on each photo's mark, above 0; 1 as trained")

SIGNATURES = {
    signature.name: signature
    for signature in (
        Signature(
            "embed_bytes",
            (
                _of_images("image_bytes", "string", "files of photos, JPEG or PNG, of any sizes"),
                Tensor(
                    "message",
                    "float32",
                    (BATCH, SLOTS),
                    "0 and 1, as `tfwm.payload.encode_slots` makes them of message and key",
                ),
                _STRENGTH,
                _of_images("format", "string", "of the file that is made: png, jpeg or keep"),
                _of_images("quality", "int32", "of a JPEG, 1 to 100"),
            ),
            (
                _of_images("image_bytes", "string", "files of the marked photos, empty for errors"),
                _of_images("psnr", "float32", "in dB over all channels, before JPEG compression"),
                _ERROR,
            ),
            "marks photos: bytes of files in, bytes of files out",
        ),
        Signature(
            "extract_bytes",
            (_of_images("image_bytes", "string", "files of photos, JPEG or PNG, of any sizes"),),
            (
                Tensor(
                    "votes",
                    "float32",
                    (BATCH, SLOTS),
                    "those of `Watermarker.read_votes`, the photo as it is; NaN for errors",
                ),
                _ERROR,
            ),
            "reads photos: bytes of files in, votes out, from which the key makes the message",
        ),
        Signature(
            "embed",
            (
                _IMAGE,
                Tensor("message", "float32", (BATCH, None, None, "bits"), "0 and 1, by block"),
                _STRENGTH,
            ),
            (
                Tensor(
                    "watermarked", "float32", (BATCH, None, None, "channels"), "images in [0, 1]"
                ),
            ),
            "the embedder: images at working size in and out",
        ),
        Signature(
            "extract",
            (_IMAGE,),
            (Tensor("logits", "float32", (BATCH, None, None, "bits"), "above 0: a 1, by block"),),
            "the extractor: images at working size in, logits out",
        ),
    )
}
