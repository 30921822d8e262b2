"""How networks are measured by a suite of bits: mark, distort, read, compare."""

import warnings
from itertools import product

import numpy as np

from tfwm.evaluation.bits.protocol import Protocol
from tfwm.evaluation.bits.tune import mean_quality, split_match, tune_channels, tune_strength
from tfwm.images.quality import psnr, ssim

CROP = 1  # apart from a photo's first message


def measure(suite, networks, photos, match, seed, pool, counter):
    """Measures networks by a suite of bits, as in section 4.2 of ReDMark; see `Suite.measure`.

    All networks, strengths and placements get the same messages and the same noise. PSNR and
    SSIM are of the marked images that are then distorted; the authors draw bits without
    redundancy for them, which gives the same mean.
    """
    protocols = {name: Protocol(suite, network) for name, network in networks.items()}
    covers = _covers(photos, protocols, seed)
    strengths = _strengths(suite, protocols, covers, match, seed)
    columns = suite.columns()
    counter.total = len(photos.images) * sum(map(len, strengths.values())) * len(suite.placements)
    results = {}

    def rows():
        return [row for key, parts in results.items() for row in _rows(suite, key, parts, columns)]

    try:
        for number, (name, protocol) in product(range(len(photos.images)), protocols.items()):
            for setting, kind in product(strengths[name], suite.placements):
                cover = covers[name][number]
                if cover is not None:
                    case = _Case(protocol, cover, kind, setting[1], number, seed)
                    results.setdefault((name, setting, kind), []).append(case.run(columns, pool))
                counter.add(f"{name}, photo {number + 1}")
    except KeyboardInterrupt as stop:
        stop.rows = rows()
        raise
    return rows()


class _Case:
    """One network at one strength and placement on one cover."""

    def __init__(self, protocol, cover, kind, strength, number, seed):
        self.protocol, self.cover, self.strength = protocol, cover, strength
        self.number, self.seed = number, seed
        self.placement = protocol.placement(kind, cover)

    def run(self, columns, pool):
        suite, placement = self.protocol.suite, self.placement
        bits, planes = _messages(placement, suite.watermarks, self.number, self.seed)
        marked = self.protocol.embed(self.cover, planes, self.strength)
        quality = pool.map(lambda image: (psnr(self.cover, image), ssim(self.cover, image)), marked)
        jobs = [(w, c) for w in range(suite.watermarks) for c in range(len(columns))]
        distorted = list(pool.map(lambda job: self._distort(marked[job[0]], job, columns), jobs))
        logits = self.protocol.read(distorted)
        logits = logits.reshape(suite.watermarks, len(columns), *logits.shape[1:])
        wrong = {vote: placement.vote(logits, vote) != bits[:, None] for vote in suite.votes}
        return {
            "bits": placement.num_bits,
            "quality": np.mean(list(quality), 0),
            "ber": {vote: x.mean((0, 2)) for vote, x in wrong.items()},
            "exact": {vote: (~x.any(2)).mean(0) for vote, x in wrong.items()},
        }

    def _distort(self, image, job, columns):
        watermark, column = job
        distortion, level = columns[column]
        return distortion.apply(image, level, (self.seed, self.number, watermark), self.cover)


def _messages(placement, watermarks, number, seed):
    """Returns bits `(watermarks, n)` and planes of a photo; blocks left over get random bits."""
    bits, fillers = [], []
    for watermark in range(watermarks):
        generator = np.random.default_rng([seed, number, watermark])
        bits.append(generator.integers(0, 2, placement.num_bits))
        fillers.append(generator.integers(0, 2, placement.cells.shape))
    return np.stack(bits), placement.spread_out(np.stack(bits), np.stack(fillers))


def _covers(photos, protocols, seed):
    covers = {
        name: [
            protocol.cover(image, np.random.default_rng([seed, number, 0, CROP]))
            for number, image in enumerate(photos.images)
        ]
        for name, protocol in protocols.items()
    }
    for name, found in covers.items():
        missing = sum(cover is None for cover in found)
        if missing == len(found):
            raise ValueError(
                "Expected images that hold a message. Received: "
                f"{missing} images from {photos.name}, all too small, the first of "
                f"{photos.images[0].shape[1]} x {photos.images[0].shape[0]} pixels"
            )
        if missing:
            warnings.warn(f"{missing} images are too small for {name} and left out", stacklevel=3)
    return covers


def _strengths(suite, protocols, covers, match, seed):
    """`{network: [(strength for the reader, what the protocol gets, what it was tuned to)]}`."""
    usable = {name: [c for c in found if c is not None] for name, found in covers.items()}
    if suite.channel_psnr is not None:
        found = {}
        for name, protocol in protocols.items():
            tuned = np.array(tune_channels(protocol, usable[name], suite.channel_psnr))
            found[name] = [(s, tuple(s * tuned), "") for s in suite.strengths_for(name)]
        return found
    fixed = {n: suite.strengths_for(n) if match is None else [] for n in protocols}
    match = match or suite.match
    if match is None:
        return {name: [(s, s, "") for s in strengths] for name, strengths in fixed.items()}
    metric, target = split_match(match, protocols)
    first = {name: _first_planes(p, covers[name], seed) for name, p in protocols.items()}
    goal, given = target, None
    if target in protocols:
        given = (suite.strengths_for(target) or [1.0])[0]
        goal = mean_quality(protocols[target], usable[target], metric, given, first[target])
    found = {}
    for name, protocol in protocols.items():
        tuned = given
        if name != target:
            tuned = tune_strength(protocol, usable[name], metric, goal, first[name])
        found[name] = [(s, s, "") for s in fixed[name] if s != tuned] + [(tuned, tuned, match)]
    return found


def _first_planes(protocol, covers, seed):
    """The first message of each cover that is measured, for tuning."""
    kind = protocol.suite.placements[0]
    return [
        _messages(protocol.placement(kind, cover), 1, number, seed)[1]
        for number, cover in enumerate(covers)
        if cover is not None
    ]


def _rows(suite, key, parts, columns):
    name, (nominal, actual, match), kind = key
    quality = np.mean([part["quality"] for part in parts], 0)
    paper = suite.paper_row(name, nominal, match)
    for vote in suite.votes:
        ber = np.stack([part["ber"][vote] for part in parts])
        exact = np.mean([part["exact"][vote] for part in parts], 0)
        spread = ber.std(0, ddof=1) / np.sqrt(len(parts)) if len(parts) > 1 else None
        for i, (distortion, level) in enumerate(columns):
            error = None if spread is None else float(spread[i])
            percent = suite.row_ber(paper, distortion.name, level)
            yield {
                "network": name,
                "strength": nominal,
                "match": match,
                "plane_strengths": "/".join(f"{s:.3f}" for s in np.atleast_1d(actual)),
                "placement": kind,
                "vote": vote,
                **distortion.cells(level),
                "images": len(parts),
                "watermarks": suite.watermarks,
                "bits": round(float(np.mean([part["bits"] for part in parts])), 1),
                "ber": float(ber[:, i].mean()),
                "ber_se": error,
                "ber_ci95": None if error is None else 1.96 * error,
                "exact": float(exact[i]),
                "psnr": float(quality[0]),
                "ssim": float(quality[1]),
                "paper_ber": None if percent is None else percent / 100,
            }
