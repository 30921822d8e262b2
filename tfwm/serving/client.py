"""Photos marked and read by a server; the key stays here."""

import dataclasses
import math
import os

import numpy as np

from tfwm.checks import one_line, one_of
from tfwm.console import in_one_line
from tfwm.images import ImageError, read_photo
from tfwm.marking import Alignment, Judge
from tfwm.marking.check import check_votes
from tfwm.marking.earlier import known_mark, refuse
from tfwm.marking.filtered import check_unfiltered
from tfwm.marking.mark import LARGEST_STRENGTH, STRENGTH_STEP
from tfwm.marking.strength import check_strength
from tfwm.marking.tiling import tiling_of
from tfwm.networks.card import read_card
from tfwm.networks.network import Network
from tfwm.networks.places import network_directory
from tfwm.payload import Codec, Key, encode_slots
from tfwm.serving.signatures import FORMATS, QUALITY, SIGNATURES
from tfwm.serving.transport import ServerError, connect
from tfwm.watermarker import DEFAULT_NETWORK, FALSE_POSITIVE_RATE, Watermarker

# A request holds so many pixels, a photo at working size or views of one, and so many images.
REQUEST_PIXELS, REQUEST_IMAGES = 1 << 19, 8


@dataclasses.dataclass(frozen=True)
class MarkedFile:
    """A marked photo, as a server made it and it was read again.

    Args:
        encoded: bytes of its file.
        strength: that it took.
        psnr: dB of the marked pixels, before JPEG compression.
        p_value: of the reading.
        margin: how many times the reading exceeds what the message needs.
    """

    encoded: bytes
    strength: float
    psnr: float
    p_value: float
    margin: float


class Client:
    """A server that has TensorFlow Serving's interface: `tfwm serve`, or TensorFlow Serving.

    Only photos and bits go there, and photos and votes come back. The key stays on this side, and
    with it what the bits mean; without a key, bits are a public code of the message. The server
    that marks also reads for the check, so that it must be one that you trust with your photos.
    Needs no TensorFlow.

    Args:
        url: `grpc://host:port`, `http://host:port` or `https://host:port`.
        network: name or folder of the network, of which only the card is read; or the card.
        model: what it is called there, the network's name by default.
        token: secret that the server asks for.
        timeout: seconds that a request may take; until then it is tried again if the server is
            away or busy.
        connections: requests of a folder run at once, for each of which REST keeps one open.

    Example:

    >>> client = Client("grpc://127.0.0.1:8500")  # doctest: +SKIP
    >>> photo = open("photo.jpg", "rb").read()  # doctest: +SKIP
    >>> marked = client.embed_bytes(photo, "Ada", key="secret").encoded  # doctest: +SKIP
    >>> client.extract_bytes(marked, key="secret").message  # doctest: +SKIP
    'Ada'
    """

    def __init__(
        self,
        url,
        network=DEFAULT_NETWORK,
        *,
        model=None,
        token=None,
        timeout=60.0,
        connections=8,
    ):
        card = network
        if isinstance(network, str | os.PathLike):
            card = read_card(network_directory(network))
            if card["kind"] != "message":
                raise ValueError(
                    f"Expected a network that carries messages. Received: {network}, of the kind "
                    f"{card['kind']}"
                )
        self._connection = connect(url, token, timeout, connections)
        self.network = RemoteNetwork(card, self._connection, model, connections)

    def codec(self, key=None):
        """Returns the `tfwm.payload.Codec` of the network for a key."""
        return Codec(tiling_of(self.network).slots, Key(key))

    def embed_bytes(
        self,
        encoded,
        message,
        *,
        key=None,
        strength=1.0,
        margin=2.0,
        file_format="keep",
        quality=QUALITY,
        signpost=None,
        over=False,
    ):
        """Marks a photo, and reads it again: if that lacks room to spare, the strength is raised.

        The server makes a new file of the pixels: metadata are not in it, so take
        `RemoteWatermarker` where they matter. Here it is checked that the file is a photo of the
        same size. What it shows, its PSNR and the votes of the second reading are the server's
        word; to check them, read the file with `tfwm.load`, which needs no server.

        Args:
            encoded: bytes of a JPEG or PNG file.
            message: see `Watermarker.embed`, also for `key`, `strength` and `signpost`.
            margin: how many times the reading must exceed what the message needs.
            file_format: `"png"`, `"jpeg"` or `"keep"`.
            quality: of a JPEG, 1 to 100.
            over: whether a photo that is marked already, with this key or none, is marked again.
                The server's votes do not tell a mark of another key: `RemoteWatermarker` does.

        Returns:
            `MarkedFile`. Raises `ImageError` if the photo cannot carry the message,
            `tfwm.serving.ServerError` if the server cannot be reached.
        """
        one_of("file_format", file_format, FORMATS)
        one_of("over", over, (False, True))
        check_unfiltered(self.network, "a server does not get the key")
        codec, strength = self.codec(key), check_strength(strength)
        shape = read_photo(encoded).pixels.shape
        if not over:
            self._refuse_marked(encoded, key)
        slots, largest = encode_slots(codec, message, signpost), strength * LARGEST_STRENGTH
        while strength <= largest:
            asked = {
                "image_bytes": [bytes(encoded)],
                "message": np.asarray(slots, np.float32)[None],
                "strength": [strength],
                "format": [file_format],
                "quality": [quality],
            }
            found = self._predict("embed_bytes", asked)
            marked, psnr = found["image_bytes"], float(found["psnr"])
            self._check_same(marked, shape)
            votes = self.read_votes(marked)
            check = check_votes(codec, votes, message, strength, psnr, signpost)
            if check.fits and check.margin >= margin:
                return MarkedFile(marked, strength, psnr, check.p_value, check.margin)
            strength *= STRENGTH_STEP
        raise ImageError(f"The photo was not marked: {check.reason}.")

    def _refuse_marked(self, encoded, key):
        place = Alignment(whole=self.network.whole)
        votes = self.read_votes(encoded)
        if earlier := known_mark(place, votes, key):
            refuse("The photo", earlier.objection(key=key, beside=False))

    def read_votes(self, encoded):
        """Returns the votes `(slots,)` of a photo's file as it is."""
        votes = self._predict("extract_bytes", {"image_bytes": [bytes(encoded)]})["votes"]
        slots = tiling_of(self.network).slots
        if votes.shape != (slots,) or not np.isfinite(votes).all():
            raise ServerError(
                f"{self._connection.url} does not read with this network: expected {slots} finite "
                f"votes, and received {votes.size}."
            )
        return votes

    def extract_bytes(self, encoded, *, key=None, false_positive_rate=FALSE_POSITIVE_RATE):
        """Reads the message from a photo's file as it is, without a search.

        Args:
            encoded: bytes of a JPEG or PNG file.
            key: see `Watermarker.extract`, also for `false_positive_rate`.

        Returns:
            `tfwm.marking.Extraction`.
        """
        check_unfiltered(self.network, "a server does not get the key")
        judge = Judge(self.codec(key), false_positive_rate)
        judge.add("none", Alignment(whole=self.network.whole), self.read_votes(encoded), 1, None)
        return judge.extraction()

    def _predict(self, name, inputs):
        """The outputs for one photo."""
        found = self._connection.predict(self.network.model, name, inputs)
        found = {key: values[0] for key, values in found.items()}
        if found["error"]:
            raise ImageError(in_one_line(one_line(found["error"].decode("utf-8", "replace"))))
        return found

    def _check_same(self, marked, shape):
        """Raises `ServerError` if a marked file is no photo of the first one's size."""
        try:
            found = read_photo(marked).pixels.shape
        except ImageError as error:
            found = error
        if found != shape:
            raise ServerError(
                f"{self._connection.url} gave back another file than the marked photo: {found}"
            )

    def close(self):
        """Closes the connections."""
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class RemoteNetwork(Network):
    """A network that a server runs: `embed` and `extract` of arrays at working size.

    Args:
        card: the network's card.
        connection: see `tfwm.serving.transport.connect`.
        model: what it is called there, the card's name by default.
        parallel: requests at once, of folder runs.
    """

    def __init__(self, card, connection, model=None, parallel=8):
        super().__init__(card["name"], card)
        self.model, self._connection = model or card["name"], connection
        self.parallel = parallel

    def open(self):
        """Raises an error, in one line, unless the server has the network; returns itself."""
        self._connection.ready(self.model)
        return self

    def _embed(self, image, message, strength):
        strength = np.broadcast_to(np.float32(strength), len(image))
        inputs = {"image": image, "message": message, "strength": strength}
        return self._in_parts("embed", inputs, image.shape)

    def _extract(self, image):
        rows, columns = (
            side // block for side, block in zip(image.shape[1:3], self.block_shape, strict=True)
        )
        return self._in_parts("extract", {"image": image}, (len(image), rows, columns, self.bits))

    def _in_parts(self, name, inputs, shape):
        """The output for images, of which no request holds more than servers take."""
        image, output = inputs["image"], SIGNATURES[name].outputs[0].name
        step = min(max(REQUEST_PIXELS // math.prod(image.shape[1:3]), 1), REQUEST_IMAGES)
        parts = [
            self._connection.predict(
                self.model, name, {key: x[n : n + step] for key, x in inputs.items()}
            )[output]
            for n in range(0, len(image), step)
        ]
        if any(part.shape[1:] != shape[1:] or not np.isfinite(part).all() for part in parts):
            raise ServerError(
                f"{self._connection.url} does not run this network: expected finite values of "
                f"shape {shape[1:]}, and received shape {parts[0].shape[1:]}."
            )
        return np.concatenate(parts)


class RemoteWatermarker(Watermarker):
    """A `tfwm.Watermarker` whose network a server runs; all else is done here.

    So photos of all formats keep their metadata, copies are searched, and a marked PNG is what the
    same network makes of it here. Photos go to the server at working size.

    Args:
        url: see `Client`, also for all others.

    Example:

    >>> watermarker = RemoteWatermarker("grpc://127.0.0.1:8500")  # doctest: +SKIP
    >>> watermarker.embed_file("photo.jpg", "marked.jpg", "Ada", key="secret")  # doctest: +SKIP
    """

    def __init__(self, url, network=DEFAULT_NETWORK, **options):
        self.client = Client(url, network, **options)
        super().__init__(self.client.network)
