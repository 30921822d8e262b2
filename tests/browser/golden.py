"""Golden cases: what Python's reader makes of votes, keys and photos, for JavaScript to repeat."""

import uuid

import numpy as np
from PIL import Image

from tfwm.images import Photo
from tfwm.marking.binding import asked, binding_of
from tfwm.marking.canvas import Canvas, add_residual, natural_scale
from tfwm.marking.judge import Judge
from tfwm.marking.reader import Cells
from tfwm.marking.tiling import Tiling
from tfwm.payload import Codec, Key, Signature, SignpostCodec, encode_slots, to_plain
from tfwm.payload.evidence import normal_p_value
from tfwm.payload.message import to_bytes

MESSAGES = [
    *("Ada", "(c) 2026 Ada Lovelace", "größte Freude ☃", "x" * 64, b"\x00\xff", 2**40 + 7),
    *(uuid.UUID(int=2**90), Signature(bytes(range(72)))),
]
# Votes' amplitude for each slot: clear, at the edge of reading, below it, none.
AMPLITUDES = (2.0, 0.45, 0.0)


def make_cases():
    """Returns all cases as a dict ready for JSON."""
    return {
        "keys": [key_case(text) for text in (None, "correct horse", "e\u0301ä")],
        "encoded": [
            encoded_case(slots, message) for slots in (1024, 256, 64) for message in MESSAGES[:2]
        ],
        "votes": list(vote_cases()),
        "tails": [[z, normal_p_value(z), normal_p_value(z, 50)] for z in np.linspace(-8, 37, 91)],
        "tiling": tiling_case(),
        "resized": list(resized_cases()),
        "turned": turned_case(),
        "marked": marked_case(),
        "bound": [bound_case(number) for number in range(5)],
    }


def key_case(text):
    key = Key(text)
    return {
        "key": text,
        "stream": key.stream("places 1024", 40).hex(),
        "permutation": key.permutation("places 100", 100).tolist(),
        "bits": key.bits("whitening 77", 77).tolist(),
        "tag": key.tag(b"Ada", 24).tolist(),
        "bound": key.tag(b"Ada", 24, "bound tag").tolist(),
    }


def encoded_case(slots, message):
    kind, data = to_bytes(message)
    codec = Codec(slots, "a key")
    data = data[: codec.max_bytes]
    bits = codec.encode(data, "bytes")
    return {"slots": slots, "kind": "bytes", "data": data.hex(), "bits": "".join(map(str, bits))}


def vote_cases():
    """Votes of all strengths, of messages of all kinds, with and without a signpost and key."""
    random = np.random.default_rng(0)
    for number, message in enumerate(MESSAGES):
        slots = 484 if number == 2 else 1024
        key = None if number % 2 else "a key"
        codec = Codec(slots, key, bound=number == 4)
        bits = encode_slots(codec, message, "example.org" if number == 1 else None)
        for amplitude in AMPLITUDES + (0.4, 0.2) * (number == 0):
            votes = amplitude * (2.0 * bits - 1) + random.normal(size=slots)
            votes[: slots // 9] *= number % 3 > 0  # slots that were not seen
            yield vote_case(slots, key, votes.astype(np.float32))


def vote_case(slots, key, votes):
    codec, signpost = Codec(slots, key), None
    judge = Judge(codec, 1e-6)
    judge.add("none", None, votes, 3)
    found = judge.extraction()
    if slots >= 512:
        public = SignpostCodec(slots)
        read = public.decode(votes) if public.pilot_score(votes) >= 4 else None
        signpost = read and "example.org"
    return {
        "slots": slots,
        "key": key,
        "votes": votes.tolist(),
        "score": codec.pilot_score(votes),
        "message": None if found.message is None else str(to_plain(found.message)),
        "kind": found.kind,
        "decision": found.decision,
        "reason": found.reason,
        "pValue": found.p_value,
        "margin": found.margin,
        "correctedErrors": found.corrected_errors,
        "signpost": signpost,
    }


def tiling_case():
    logits = np.random.default_rng(1).normal(0, 3, (45, 70, 1)).astype(np.float32)
    tiling = Tiling(1)
    laid = tiling.lay_out(np.arange(1024), 40, 50)
    return {
        "logits": logits.tobytes().hex(),
        "folded": tiling.fold(logits).tobytes().hex(),
        "laid": laid.ravel().tolist(),
    }


def texture(height, width):
    """A color picture with structure of all sizes; black and full in places."""
    random = np.random.default_rng(height * width)
    levels = np.linspace(-60, 320, width)[None] + np.zeros((height, 1))
    for n in range(6):
        noise = random.normal(0, 60 / 2**n, (1 + (height >> n), 1 + (width >> n)))
        noise = Image.fromarray(noise.astype(np.float32)).resize((width, height))
        levels += np.asarray(noise)
    return np.uint8(np.clip(levels[..., None] + [0, 15, -25], 0, 255))


def resized_cases():
    for (height, width), scale, window in (
        ((181, 243), 1.0, None),
        ((181, 243), 1.0, 128),
        ((181, 243), 0.71, None),
        ((181, 243), 0.4, 64),
        ((181, 243), 1.9, 256),
        ((640, 720), natural_scale(640, 720), None),
    ):
        pixels = texture(height, width)
        seen = Canvas(Photo(pixels)).scaled(scale, window)
        yield {
            "photo": photo_of(pixels),
            "scale": scale,
            "window": window,
            "shape": seen.shape[:2],
            "levels": np.uint8(np.rint(seen * 255)).tobytes().hex(),
        }


def turned_case():
    plane = texture(90, 131)[..., 0] / np.float32(255)
    turned = Image.fromarray(plane).rotate(-7.3, Image.BICUBIC, fillcolor=0.5)
    return {
        "height": 90,
        "width": 131,
        "data": plane.tobytes().hex(),
        "turned": np.asarray(turned).tobytes().hex(),
    }


def marked_case():
    """A residual on a photo that is larger than it, and on one of its size."""
    cases = []
    for (height, width), scale in (((160, 210), 1.0), ((640, 720), natural_scale(640, 720))):
        pixels = texture(height, width)
        sides = [int(side * scale + 1e-6) // 8 * 8 for side in (height, width)]
        residual = np.random.default_rng(2).normal(0, 0.02, (*sides, 1)).astype(np.float32)
        marked = add_residual(pixels, residual, scale)
        cases.append(
            {
                "photo": photo_of(pixels),
                "scale": scale,
                "shape": sides,
                "residual": residual.tobytes().hex(),
                "marked": photo_of(marked),
            }
        )
    return cases


def bound_case(number):
    """For the photo, whole and in a crop; for another; a noisy photo; with 4 bits in each cell."""
    codec, network = Codec(1024, "a key", bound=True), Blocks()
    network.bits = 4 if number == 4 else 1
    plane = texture(80, 120)[..., :1].repeat(4, 0).repeat(4, 1) / np.float32(255)
    planes = [plane, plane[::-1, ::-1]]
    places, bits = asked(codec, network, planes[number == 2], (40, 60))
    message = Tiling(network.bits).lay_out(codec.encode("Ada"), 40, 60)
    message[places] = bits
    random = np.random.default_rng(number)
    logits = np.float32(8 * message - 4 + random.normal(size=message.shape))
    plane, corner, shift = planes[0], (0, 0), (0, 0)
    if number == 1:
        plane, corner, shift = plane[75:, 100:], (5, 4), (-10, -13)
        logits = logits[10:, 13:]
    if number == 3:
        noisy = plane + np.float32(random.normal(0, 0.5, plane.shape))
        plane = noisy.clip(0, 1).astype(np.float32)
    found = binding_of(codec, network, [Cells(logits, corner, shift, plane)])
    return {
        "plane": np.ascontiguousarray(plane).tobytes().hex(),
        "shape": plane.shape[:2],
        "corner": corner,
        "shift": shift,
        "logits": np.ascontiguousarray(logits).tobytes().hex(),
        "grid": logits.shape[:2],
        "bits": network.bits,
        "asked": [bit.tolist() for bit in asked(codec, network, planes[0], (40, 60))[1]],
        "binding": found.to_dict(),
    }


class Blocks:
    """The geometry of a network of cells of 8 x 8 pixels."""

    bits, block_shape, whole = 1, (8, 8), False


def photo_of(pixels):
    height, width = pixels.shape[:2]
    return {"height": height, "width": width, "rgb": pixels.tobytes().hex()}
