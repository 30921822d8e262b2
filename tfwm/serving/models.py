"""A network behind a server: arrays and files of photos in and out, by the signatures."""

import dataclasses
import logging
import math
import threading
import time

import numpy as np

from tfwm.checks import one_of
from tfwm.images import ImageError, encode_photo, ending_of, read_photo
from tfwm.marking.filtered import is_filtered
from tfwm.marking.mark import Mark
from tfwm.marking.reader import BATCH_PIXELS
from tfwm.marking.strength import check_strength
from tfwm.marking.tiling import tiling_of
from tfwm.serving.batching import MAX_BATCH, MAX_WAIT, BatchedNetwork
from tfwm.serving.signatures import BATCH, FORMATS, SIGNATURES, SLOTS
from tfwm.watermarker import Watermarker
from tfwm.web import Busy, Room, Turns, check_claim
from tfwm.web.limits import MAX_PIXELS

ENDINGS = {"png": ".png", "jpeg": ".jpg"}
# What a photo takes while it is read and marked, as a multiple of its samples: 790 MB for a JPEG of
# 40 megapixels, which are 120 MB of samples.
IN_WORK = 8
DEFAULT = "serving_default"
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server does at once, and how much of it.

    Args:
        workers: photos in work at once.
        waiting: requests that may wait for that.
        patience: seconds that a photo waits.
        items: photos or images in one request.
        body: bytes of one request.
        pixels: of all photos in one request.
        memory: bytes for photos in work.
    """

    workers: int = 2
    waiting: int = 128
    patience: float = 30.0
    items: int = 64
    body: int = 32 * 2**20
    pixels: int = MAX_PIXELS
    memory: int = 2**30


class Model:
    """One network, ready to serve.

    Args:
        network: `tfwm.networks.Network` of the kind `"message"`.
        name: that it is served by, its own by default.
        limits: `Limits`.
        turns: `tfwm.web.Turns` that all models share.
        room: `tfwm.web.Room` that all models share.
        max_batch: images in one call of the network; 1 for no batching.
        max_wait: seconds to wait for a batch to fill up.
        tell: called with `"embed"` or `"extract"` and the size of a batch.

    Attributes:
        name: that it is served by.
        version: number.
    """

    version = 1

    def __init__(
        self,
        network,
        name=None,
        limits=None,
        *,
        turns=None,
        room=None,
        max_batch=MAX_BATCH,
        max_wait=MAX_WAIT,
        tell=None,
    ):
        self.limits = limits or Limits()
        self._turns = turns or Turns(
            self.limits.workers, self.limits.waiting * self.limits.items, self.limits.patience
        )
        self._room = room or Room(self.limits.memory, self.limits.patience)
        getattr(network, "open", lambda: None)()
        if max_batch > 1:
            how = {"max_batch": max_batch, "max_wait": max_wait, "patience": self.limits.patience}
            network = BatchedNetwork(network, **how, tell=tell)
        self.network, self._watermarker = network, Watermarker(network)
        self.name, self.slots = name or network.name, tiling_of(network).slots
        self._decoding = threading.Lock()  # the decoder serves one thread at a time

    def known_sides(self):
        """Returns the sides that all requests have, by their names in the signatures."""
        return {SLOTS: self.slots, "channels": self.network.channels, "bits": self.network.bits}

    def predict(self, name, inputs, patience=None):
        """Returns the outputs of a signature, a dict of arrays.

        Args:
            name: of the signature; empty or `"serving_default"` is `embed`.
            inputs: dict of arrays; strings are object arrays of bytes.
            patience: seconds that the last photo may wait for its turn.

        Raises:
            ValueError: the request is wrong. What is wrong with one photo is in `error`.
            Busy: there is no room for it now.
        """
        signature = signature_of(name)
        name = signature.name
        checked = check_inputs(signature, inputs, self.known_sides(), self.limits.items)
        patience = min(patience or self.limits.patience, self.limits.patience)
        if name.endswith("_bytes") and is_filtered(self.network):
            raise ValueError(
                f"Expected embed or extract of {self.network.name}: a server does not get the key, "
                "whose filter photos need first; tfwm.serving.RemoteWatermarker does all that. "
                f"Received: {name}"
            )
        if name == "embed_bytes":
            return self._photos(signature, self._embed_photo, checked, patience)
        if name == "extract_bytes":
            return self._photos(signature, self._extract_photo, checked, patience)
        return self._images(name, checked, patience)

    def warm_up(self):
        """Runs each signature once, so that the first request does not wait."""
        side = [max(32 // p, 1) * p for p in self.network.patch_shape]
        image = np.full((1, *side, self.network.channels), 0.5, np.float32)
        message = np.zeros((1, *self.network.message_shape(*side)), np.float32)
        self.predict("embed", {"image": image, "message": message, "strength": np.ones(1)})
        self.predict("extract", {"image": image})

    def _photos(self, signature, work, inputs, patience):
        """Each photo by itself: what is wrong with one is said of it, and others are unharmed."""
        left, jobs = self.limits.pixels, []
        for values in zip(*inputs.values(), strict=True):
            job = self._one(work, values, left)
            left -= job[3]
            jobs.append(job[:3])
        results = self._turns.map(self._tried, jobs, patience)
        return self._joined(signature, results)

    def _one(self, work, values, left):
        """`(work, values, bytes or error, pixels)` of one photo."""
        try:
            size, pixels = check_claim(values[0], self.limits.pixels)
            if pixels > left:
                raise ImageError(
                    f"Expected at most {self.limits.pixels / 1e6:.0f} megapixels in one request: "
                    "send this photo in another one."
                )
            return work, values, size, pixels
        except ValueError as error:
            return work, values, error, 0

    def _tried(self, work, values, size):
        """The result of one photo, or a line on why there is none."""
        try:
            if isinstance(size, Exception):
                raise size
            with self._room.hold(IN_WORK * size):
                return (*work(*values), b"")
        except Busy:
            raise
        except MemoryError:
            text = "There is not enough memory for this photo."
        except ValueError as error:
            text = " ".join(str(error).split())
        except Exception:
            log.exception("a photo failed")
            text = "Something went wrong here."
        return (*self._nothing(work), text.encode())

    def _nothing(self, work):
        if work == self._embed_photo:
            return b"", math.nan
        return (np.full(self.slots, np.nan, np.float32),)

    def _joined(self, signature, results):
        columns = {}
        for tensor, values in zip(signature.outputs, zip(*results, strict=True), strict=True):
            if tensor.dtype == "string":
                columns[tensor.name] = np.empty(len(values), object)
                columns[tensor.name][:] = values
            else:
                columns[tensor.name] = np.asarray(values, tensor.dtype)
        return columns

    def _embed_photo(self, encoded, slots, strength, file_format, quality):
        file_format = one_of("format", _text(file_format), FORMATS)
        if not np.isin(slots, (0, 1)).all():
            raise ValueError("Expected a message of 0 and 1, as tfwm.payload.encode_slots makes it")
        cover = read_photo(encoded)
        mark = Mark.of(self.network, cover, slots)
        marked = mark.apply(float(strength))
        ending = ENDINGS.get(file_format) or ending_of(cover)
        jpeg = int(quality) if ending == ".jpg" else None
        if jpeg is not None and not 1 <= jpeg <= 100:
            raise ValueError(f"Expected a quality from 1 to 100. Received: quality={jpeg}")
        return encode_photo(marked, f"marked{ending}", jpeg), mark.psnr(marked)

    def _extract_photo(self, encoded):
        return (self._watermarker.read_votes(read_photo(encoded)),)

    def _images(self, name, inputs, patience):
        """The network itself, so many images at a time as fit."""
        image = inputs["image"]
        pixels = int(np.prod(image.shape[1:3]))
        if pixels > BATCH_PIXELS:
            raise ValueError(
                f"Expected images of up to {BATCH_PIXELS} pixels, the network's working size. "
                f"Received: {pixels}; send photos as files to {name}_bytes"
            )
        for strength in inputs.get("strength", ()):
            check_strength(float(strength))
        step = max(BATCH_PIXELS // max(pixels, 1), 1)
        parts = [
            tuple(x[i : i + step] for x in inputs.values()) for i in range(0, len(image), step)
        ]
        if isinstance(self.network, BatchedNetwork):  # which works by itself: batches grow here
            end = time.monotonic() + patience
            results = [
                getattr(self.network.within(max(end - time.monotonic(), 0)), name)(*part)
                for part in parts
            ]
        else:
            results = self._turns.map(getattr(self.network, name), parts, patience)
        return {SIGNATURES[name].outputs[0].name: np.concatenate(results)}

    def mark_plain(self, encoded, message, **how):
        """Marks a photo with a message that everybody can read, as `Watermarker.embed_bytes`."""
        return self._in_turn(
            lambda: self._watermarker.embed_bytes(encoded, message, **how), encoded
        )

    def read_plain(self, encoded):
        """Returns the `Extraction` of a photo as it is, read without a key."""
        return self._in_turn(lambda: self._watermarker.extract(encoded, search="none"), encoded)

    def _in_turn(self, work, encoded):
        size, _ = check_claim(encoded, self.limits.pixels)

        def run():
            with self._decoding, self._room.hold(IN_WORK * size):
                return work()

        return self._turns.run(run)


def signature_of(name):
    """Returns the `Signature` of a name, `embed` if it is empty, or raises `ValueError`."""
    name = "embed" if name in ("", DEFAULT) else name
    if name not in SIGNATURES:
        raise ValueError(f"Expected a signature of {', '.join(SIGNATURES)}. Received: {name!r}")
    return SIGNATURES[name]


def check_names(signature, inputs):
    """Returns the names of a signature's inputs, or raises `ValueError` if others came."""
    names = [tensor.name for tensor in signature.inputs]
    if sorted(inputs) != sorted(names):
        raise ValueError(
            f"Expected the inputs {', '.join(names)} for {signature.name}. "
            f"Received: {', '.join(map(str, inputs))[:200] or 'none'}"
        )
    return names


def check_inputs(signature, inputs, known, most):
    """Returns the inputs of a signature as arrays, in its order, or raises `ValueError`.

    Args:
        signature: `Signature`.
        inputs: dict of arrays or lists.
        known: dict of the sides that are known.
        most: largest batch.
    """
    names = check_names(signature, inputs)
    arrays = {
        tensor.name: _checked(tensor, inputs[tensor.name], known) for tensor in signature.inputs
    }
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) != 1 or not 1 <= counts[names[0]] <= most:
        raise ValueError(
            f"Expected 1 to {most} photos or images, and as many of each input. Received: {counts}"
        )
    return arrays


def _checked(tensor, values, known):
    try:
        if tensor.dtype == "string":
            array = np.empty(len(values), object)
            array[:] = [_bytes(value) for value in values]
        else:
            array = np.asarray(values)
            if array.dtype.kind not in "iuf":
                raise ValueError("it is no array of numbers")
            with np.errstate(invalid="ignore", over="ignore"):
                given, array = array, array.astype(tensor.dtype)
            if array.dtype.kind == "i" and (array != given).any():
                raise ValueError("it holds other numbers than whole ones of 32 bits")
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"Expected {tensor.name} of {tensor.dtype}: {error}") from None
    sides = tensor.sides(**{**known, BATCH: None})
    fits = array.ndim == len(sides)
    if not fits or any(s not in (None, n) for s, n in zip(sides, array.shape, strict=True)):
        raise ValueError(
            f"Expected {tensor.name} of shape {tensor.shape}, where {known}. "
            f"Received: shape {array.shape}"
        )
    return array


def _bytes(value):
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes):
        raise ValueError('a text or {"b64": ...} for each photo')
    return value


def _text(value):
    return value.decode("utf-8", "replace")
