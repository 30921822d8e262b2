"""Marks that everybody can check and nobody else can make: a signature of what a photo shows.

The message of such a mark is 64 bits of the photo's fingerprint and the owner's Ed25519 signature
of them (RFC 8032). Whoever has the public key reads from a copy who signed, and whether the copy
shows what was signed. To make such a mark for another picture takes the private key.
"""

import dataclasses
import functools
import os

import numpy as np

from tfwm.checks import need, shortened
from tfwm.fingerprints import FREQUENCIES, fingerprint
from tfwm.images import Animation, ImageError, Photo, read_any
from tfwm.images.arrays import largest_level
from tfwm.networks.signing import read_private_key, read_public_keys
from tfwm.payload import Signature

# What is signed begins with this, so that a signature of anything else is none. The number, the
# bits and their order are part of the format of marked photos.
CONTEXT = b"tfwm photo signature 1\0"
BITS = 64
# Up to so many different bits two photos show the same, from so many on something else; in between
# it is unclear (benchmarks/signatures.py).
SAME, OTHER = 12, 20


class Signer:
    """Makes the messages that say who marked a photo; give it to `embed` in place of a message.

    Args:
        key_file: private Ed25519 key without a pass phrase, as `ssh-keygen -t ed25519` writes it.

    Example:

    >>> import pathlib
    >>> from tfwm.networks.signing import new_key_pair
    >>> private, public = new_key_pair("Ada Lovelace")  # or: tfwm keygen ada --signing NAME
    >>> _ = pathlib.Path("ada").write_text(private), pathlib.Path("ada.pub").write_text(public)
    >>> marked = tfwm.load().embed("photo.jpg", Signer("ada"))
    >>> tfwm.load().extract(marked, public_keys="ada.pub").signer
    'Ada Lovelace'
    """

    def __init__(self, key_file):
        self._key = read_private_key(_path("a private key", key_file))

    def message(self, photo) -> Signature:
        """Returns the `Signature` of a photo; see `tfwm.images.read_photo`.

        Raises:
            ImageError: the photo shows too little to tell it from others, or several pictures.
        """
        photo = read_any(photo)
        if isinstance(photo, Animation):
            raise ImageError(
                f"{photo.name} is an animation, which cannot be signed: sign a photo, or give a "
                "message instead."
            )
        seen = [shown(picture) for picture in _pictures(photo)]
        if None in seen:
            raise ImageError(
                f"{photo.name} shows too little for a signature of it, such as a plain surface: "
                "give a message instead."
            )
        if differing(seen[0], seen[-1]) > SAME:
            raise ImageError(
                f"{photo.name} is transparent, and shows another picture on black than on white: "
                "lay it over a ground before it is signed."
            )
        return Signature(seen[0] + self._key.sign(CONTEXT + seen[0]))


def message_for(message, photo):
    """Returns a message, or the one that a `Signer` makes for a photo."""
    return message.message(photo) if isinstance(message, Signer) else message


def shown(photo, alignment=None):
    """Returns the 64 lowest frequencies of a photo's fingerprint, 8 bytes.

    Args:
        photo: see `tfwm.fingerprints.fingerprint`, also for `alignment`.

    Returns:
        8 bytes, or `None` if the photo shows too little.
    """
    value = fingerprint(photo, alignment)
    if value is None:
        return None
    bits = np.unpackbits(np.frombuffer(value, np.uint8))
    return np.packbits(bits[lowest()]).tobytes()


def differing(first, second):
    """Returns in how many bits two values of `shown` differ."""
    return int.bit_count(int.from_bytes(first) ^ int.from_bytes(second))


def distance(found, photo):
    """Returns how many of the 64 bits differ between what was signed and what a copy shows.

    That is the most of all that it may show: each frame of an animation, and where it is
    transparent, on black and on white.

    Args:
        found: `tfwm.marking.Extraction` of the copy, with a signature.
        photo: the copy.

    Returns:
        0 to 64; `None` if the copy shows too little.
    """
    seen = [shown(picture, found.alignment) for picture in _pictures(read_any(photo))]
    if None in seen:
        return None
    return max(differing(each, found.message.data[: BITS // 8]) for each in seen)


def read_keys(public_keys, key=None):
    """Returns public keys by what is said of them, or `None` for none; see `signed_by`.

    Args:
        public_keys: file of OpenSSH public keys, or a dict that this returned, or `None`.
        key: that of the mark, which must be `None` if there are public keys.
    """
    if public_keys is None:
        return None
    if key is not None:
        raise ValueError("Signatures are read without a key: leave out the key or public_keys.")
    if isinstance(public_keys, dict):
        keys, place = public_keys, "public_keys"
    else:
        place = _path("public keys", public_keys)
        keys = read_public_keys(place)
    if not keys:
        raise ValueError(f"Expected an Ed25519 public key in {place}. Received: none")
    return keys


def signed_by(signature, public_keys):
    """Returns the name of the key that made a signature, `None` if it is none of these.

    Args:
        signature: `tfwm.payload.Signature`.
        public_keys: see `read_keys`.
    """
    ed25519 = need("cryptography.hazmat.primitives.asymmetric.ed25519", "sign")
    invalid = need("cryptography.exceptions", "sign").InvalidSignature
    seen, raw = signature.data[: BITS // 8], signature.data[BITS // 8 :]
    for key, name in read_keys(public_keys).items():
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(key).verify(raw, CONTEXT + seen)
        except invalid:
            continue
        return name
    return None


def verified(found, photo, public_keys=None):
    """Returns an extraction that also says who signed the photo, and whether this one.

    Its decision is `"present"` if one of the keys signed what the photo shows, `"copied"` if it
    signed something else, `"absent"` if none of the keys signed, and `"uncertain"` where that
    cannot be told, as in a part of the photo.

    Args:
        found: `tfwm.marking.Extraction` of the photo, read without a key.
        photo: that photo; see `tfwm.images.read_photo`.
        public_keys: see `read_keys`; without them, whose signature it is stays open, and what
            carries none is returned as it is.

    Returns:
        `tfwm.marking.Extraction`, with `signer`.
    """
    keys = read_keys(public_keys)
    if found.kind != "signature":
        return _unsigned(found) if keys else found
    if found.decision != "present":
        return found
    signer = signed_by(found.message, keys) if keys else None
    if keys and signer is None:
        reason = "a signature was read, but none of the given public keys belongs to it"
        return dataclasses.replace(found, decision="absent", reason=reason)
    decision, reason = _decision(found, distance(found, photo), signer)
    return dataclasses.replace(found, decision=decision, reason=reason, signer=signer)


def _decision(found, differ, signer):
    place, read = found.alignment, f"a signature{f' of {signer}' * bool(signer)} was read"
    if differ is not None and differ <= SAME:
        whose = f"{signer} signed this photo" if signer else f"{read}: a public key tells whose"
        return "present", f"{whose}; {differ} of the {BITS} bits differ in what this photo shows"
    moved = place.offset is not None or place.rotation or place.warped or found.corners is not None
    if differ is None or differ < OTHER or moved:
        return "uncertain", (
            f"{read}, but whether it was made for this photo cannot be told: it shows only a part "
            "of what was signed, or was changed a lot"
        )
    return "copied", (
        f"{read} that was made for another picture: {differ} of its {BITS} bits differ in what "
        "this photo shows; it was carried here, or the photo was cut or changed a lot"
    )


def _unsigned(found):
    if found.message is not None:
        reason = "a message was read that is no signature"
        return dataclasses.replace(found, decision="absent", reason=reason)
    if found.decision != "present":
        return found
    reason = "there is a mark, but too damaged for a signature to be read"
    return dataclasses.replace(found, decision="uncertain", reason=reason)


def _path(what, path):
    if isinstance(path, str | os.PathLike) and "PRIVATE KEY" not in str(path) and str(path):
        return os.fspath(path)
    received = "its text" if isinstance(path, str) and path else shortened(path)
    raise ValueError(f"Expected the path of a file with {what}. Received: {received}")


def _pictures(photo):
    """All that a photo may show: its frames, over white and over black if it is transparent."""
    for frame in photo.frames if isinstance(photo, Animation) else [photo]:
        if frame.alpha is None:
            yield frame
            continue
        most = largest_level(frame.alpha.dtype)
        cover = (frame.alpha / most)[..., None]
        for ground in (most, 0):
            pixels = cover * frame.pixels + (1 - cover) * ground
            yield Photo(pixels.astype(frame.pixels.dtype), name=frame.name)


@functools.cache
def lowest():
    """Returns the places of the lowest frequencies in a fingerprint's bits, the lowest first."""
    pairs = [(u, v) for u in range(FREQUENCIES) for v in range(FREQUENCIES)]
    order = sorted(range(len(pairs)), key=lambda n: (sum(pairs[n]), max(pairs[n]), pairs[n]))
    return np.array(order[:BITS])
