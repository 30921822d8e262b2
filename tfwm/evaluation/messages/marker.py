"""Markers: what a suite of messages measures, tfwm's networks and other packages alike."""

import copy
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a marker read from a photo.

    Args:
        payload: bytes of the message, or None if nothing was read.
        bits: `(payload_bits,)` of 0 and 1, for a reader that always gives bits. None counts as
            the payload's bits, or as guessed where there is no payload.
        p_value: probability that an unmarked photo looks as marked; None for a reader without
            evidence.
        doubted: whether the reader does not hold that the mark was made for this photo. Then it
            does not count as detected, whatever the p-value.
    """

    payload: bytes | None = None
    bits: np.ndarray | None = None
    p_value: float | None = None
    doubted: bool = False

    @classmethod
    def of_bits(cls, bits):
        """Returns the reading of a reader that gives bits and no evidence."""
        bits = np.asarray(bits).astype(np.uint8)
        return cls(np.packbits(bits).tobytes(), bits)


class Marker:
    """A method that puts bytes into photos and reads them again.

    Subclasses implement `read`, and `embed` or `prepare`, and set `name`.

    Attributes:
        name: name in tables.
        payload_bits: length of the payload, for a method with a fixed one; else None.
        shared_strength: if True, the reader must know the strength. Then a suite measures all
            photos at one strength, and hands it to the reader by `tuned_to`.
        fixed_strength: a strength to measure at, whatever PSNR it gives; None to tune it.
        strength: the strength that the reader was told.
        package: the package that the method comes from; None for tfwm's own.
        small: if True, photos that a package refuses as too small are marked where the method
            itself can.

    Example:

    >>> class Brighter(Marker):
    ...     name, payload_bits = "brighter", 8
    ...     def embed(self, image, payload, strength=1.0):
    ...         return np.clip(image + 10 * strength, 0, 255).astype(np.uint8)
    ...     def read(self, image):
    ...         return Reading.of_bits([0, 1] * 4)
    >>> Brighter().tuned_to(2.0).strength
    2.0
    """

    name = None
    payload_bits = None
    shared_strength = False
    fixed_strength = None
    strength = 1.0
    package = None
    small = False

    def embed(self, image, payload, strength=1.0):
        """Returns the marked photo.

        Args:
            image: uint8 `(height, width, 3)`.
            payload: bytes.
            strength: factor on the mark.

        Raises:
            tfwm.images.ImageError: if the photo cannot carry the payload. It then counts as lost
                under every distortion.
        """
        return self.prepare(image, payload)(strength)

    def read(self, image):
        """Returns the `Reading` of a photo. The marker is not told what happened to it."""
        raise NotImplementedError

    def prepare(self, image, payload):
        """Returns a function from a strength to the marked photo.

        Override it where a part of the work does not depend on the strength.
        """
        first = self.embed(image, payload, 1.0)
        return lambda strength: first if strength == 1.0 else self.embed(image, payload, strength)

    def tuned_to(self, strength):
        """Returns a copy whose reader knows this strength."""
        tuned = copy.copy(self)
        tuned.strength = strength
        return tuned


class WatermarkerMarker(Marker):
    """Makes a `tfwm.Watermarker` with a key a marker.

    Args:
        watermarker: `tfwm.Watermarker`.
        key: secret text or bytes; None for the public key.
        name: name in tables; by default the network's.
        **reading: arguments of `Watermarker.extract`, such as `search="none"`.

    Example:

    >>> marker = WatermarkerMarker(tfwm.load("photo"), key="secret")  # doctest: +SKIP
    >>> rows = evaluate([marker], "photos/", "everyday")  # doctest: +SKIP
    """

    def __init__(self, watermarker, key=None, name=None, **reading):
        self.watermarker = watermarker
        self.key = key
        self.name = name or watermarker.network.name
        self.reading = reading

    def prepare(self, image, payload):
        """Runs the network once; see `Marker.prepare`."""
        mark = self.watermarker.prepare(image, payload, key=self.key)
        return lambda strength: mark.apply(strength).to_array(image)

    def read(self, image):
        """Returns the `Reading` of a photo."""
        found = self.watermarker.extract(image, key=self.key, **self.reading)
        payload = found.message if isinstance(found.message, bytes) else None
        doubted = found.binding is not None and found.decision != "present"
        return Reading(payload, None, found.p_value, doubted)
