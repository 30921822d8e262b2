"""Readings that should find nothing: unmarked photos and wrong keys, one by one and in search."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tfwm.checks import need
from tfwm.evaluation.suite import Counter
from tfwm.marking.filtered import is_filtered, patterns_tried
from tfwm.payload import Codec, Key
from tfwm.statistics import wilson_interval

RATE = 1e-6
SIDES = (64, 512)
CROP_KEYS = 64
# What a kind of readings is, in words.
KINDS = {
    "crops": "pieces of unmarked photos, read in place",
    "keys": "marked photos, read in place with another key",
    "search": "pieces of unmarked photos, through the whole search",
}


def false_positives(watermarker, images, crops=0, keys=0, search=0, seed=0, progress=None):
    """Takes readings that should find nothing.

    Args:
        watermarker: `tfwm.Watermarker`.
        images: list of uint8 photos without a mark.
        crops: number of random pieces of 64 to 512 pixels a side, read in place, each with one of
            64 keys.
        keys: number of wrong keys, a new one each time, with which marked photos are read.
        search: number of random pieces read by all of `Watermarker.extract`, where the best of
            very many readings counts.
        seed: integer.
        progress: called with the share done (0 to 1) and a few words.

    Returns:
        Dict by the kinds that have readings, see `KINDS`: float array `(n, 2)` of p-values and
        whether the decision was `present`, at a false-positive rate of one in a million.
    """
    counter = Counter(progress, crops + keys + search)
    kinds = {
        "crops": crop_readings(watermarker, images, crops, seed, counter),
        "keys": key_readings(watermarker, images, keys, seed, counter),
        "search": search_readings(watermarker, images, search, seed, counter),
    }
    return {kind: np.array(found, float) for kind, found in kinds.items() if found}


def crop_readings(watermarker, images, count, seed, counter):
    codecs = [watermarker.codec(f"key {i}") for i in range(min(count, CROP_KEYS))]
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        codec = codecs[number % CROP_KEYS]
        votes = watermarker.read_votes(random_crop(images, rng), codec.key)
        found.append(judged(codec, votes, patterns_tried(watermarker.network)))
        counter.add("unmarked crops")
    return found


def key_readings(watermarker, images, count, seed, counter):
    if not count:
        return []
    slots, own_votes = watermarker.codec().slots, is_filtered(watermarker.network)
    parts = np.array_split(np.arange(count), min(count, len(images)))
    found = []
    # Making a key is meant to take its time, outside Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, (image, numbers) in enumerate(zip(images, parts, strict=False)):
            payload = np.random.default_rng([seed, i] if seed else i).bytes(8)
            marked = watermarker.embed(image, payload, key=f"right {i}")
            # Behind a filter, each key reads votes of its own.
            shared = None if own_votes else watermarker.read_votes(marked)

            def read(number, marked=marked, shared=shared):
                key = Key(f"wrong {number}")
                votes = watermarker.read_votes(marked, key) if own_votes else shared
                return judged(Codec(slots, key), votes, patterns_tried(watermarker.network))

            for result in pool.map(read, numbers):
                found.append(result)
                counter.add("wrong keys")
    return found


def search_readings(watermarker, images, count, seed, counter):
    rng = np.random.default_rng(seed + 1)
    found = []
    for number in range(count):
        crop, key = random_crop(images, rng), f"key {number % CROP_KEYS}"
        extraction = watermarker.extract(crop, key=key, false_positive_rate=RATE)
        found.append((extraction.p_value, extraction.decision == "present"))
        counter.add("unmarked crops, whole search")
    return found


def judged(codec, votes, trials):
    """The p-value of one reading, and whether it or a message that fits says present."""
    p_value = codec.p_value(codec.pilot_score(votes), trials)
    decoded = codec.decode(votes)
    tag = 1.0 if decoded is None else decoded.tag_p_value
    return p_value, min(p_value, tag) <= RATE


def random_crop(images, rng):
    """A piece of a random photo; as many small as large ones: even in the logarithm of the side."""
    image = images[rng.integers(len(images))]
    rows, columns = (
        min(int(round(np.exp(rng.uniform(*np.log(SIDES))))), n) for n in image.shape[:2]
    )
    top = rng.integers(image.shape[0] - rows + 1)
    left = rng.integers(image.shape[1] - columns + 1)
    return np.ascontiguousarray(image[top : top + rows, left : left + columns])


def summary(kind, found):
    """Returns a row for the readings of one kind.

    Args:
        kind: of `KINDS`.
        found: `(n, 2)`, see `false_positives`.

    Returns:
        Dict: `readings`, those that said `present` with the upper end of the 95 % interval of their
        share, the least p-value, shares of small ones, and a Kolmogorov-Smirnov test against the
        uniform distribution. For the search the p-value is an upper bound: overlapping readings
        are not independent, so few small values are as they should be.
    """
    p_values, present = found[:, 0], found[:, 1]
    test = need("scipy.stats", "evaluate").kstest(p_values, "uniform")
    alarms = int(present.sum())
    return {
        "kind": kind,
        "readings": len(found),
        "rate": RATE,
        "present": alarms,
        "present_high": wilson_interval(alarms / len(found), len(found))[1],
        "smallest_p_value": float(p_values.min()),
        "below_0.001": float(np.mean(p_values <= 1e-3)),
        "below_0.01": float(np.mean(p_values <= 1e-2)),
        "below_0.1": float(np.mean(p_values <= 0.1)),
        "ks_distance": float(test.statistic),
        "ks_p_value": float(test.pvalue),
    }
