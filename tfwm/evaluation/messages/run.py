"""How markers are measured by a suite of messages: mark at one PSNR, distort, read, count."""

import functools
import itertools
import time

import numpy as np

from tfwm.images import ImageError
from tfwm.images.quality import psnr, ssim
from tfwm.marking.strength import find_strength, mark_at_psnr
from tfwm.statistics import matching_bits_p_value, mean_interval, wilson_interval

PSNR_TOLERANCE = 0.1
# A strength that all photos share is tuned on at most so many of them.
NUM_TUNED = 48
LOST = {"exact": False, "bit_accuracy": 0.5, "guessed": True, "detected": False}
SHARES = ("exact", "bit_accuracy", "detected")
# Rows that are no distortion.
CLEAN, UNMARKED, MEAN, MEAN_OF_ALL = "identity", "unmarked", "mean", "mean of all"


def measure(suite, markers, photos, match, seed, pool, counter):
    """Measures markers by a suite of messages; see `Suite.measure`.

    Returns:
        List of dicts, see `message_rows`: for each marker the marked photos (`identity`), the
        unmarked ones (`unmarked`), each distortion, and the mean over those that count.
    """
    columns = suite.columns()
    counter.total = len(photos.images) * len(markers) * (len(columns) + 1)
    rows = []
    for name, marker in markers.items():
        trial = Trial(marker, suite, seed).with_shared_strength(photos.images)
        records = []
        try:
            for number, cover in enumerate(photos.images):
                records.append(trial.run(cover, number, columns, pool, counter))
        except KeyboardInterrupt as stop:
            done = message_rows(name, suite, records, columns, trial.bits) if records else []
            stop.rows = rows + list(done)
            raise
        rows += message_rows(name, suite, records, columns, trial.bits)
    return rows


def random_payload(bits, seed, number):
    """Returns the payload of photo `number`, bytes."""
    return np.random.default_rng([seed, number]).bytes(bits // 8)


class Trial:
    """One `Marker` on photo after photo, by a `MessageSuite` and a seed."""

    def __init__(self, marker, suite, seed):
        self.marker, self.suite, self.seed = marker, suite, seed
        self.bits = marker.payload_bits or suite.payload_bits
        self.strength = marker.fixed_strength

    def with_shared_strength(self, covers):
        """Returns a trial at one strength for all photos, if the marker's reader needs that.

        It is tuned to the mean PSNR of evenly chosen photos.
        """
        if self.strength is not None or not self.marker.shared_strength:
            return self
        chosen = range(0, len(covers), -(-len(covers) // NUM_TUNED))
        applies = [(covers[i], self._prepared(covers[i], i)) for i in chosen]
        applies = [(cover, apply) for cover, apply in applies if apply is not None]
        if not applies:
            return self

        def quality(strength):
            return float(np.mean([psnr(cover, apply(strength)) for cover, apply in applies]))

        strength, _ = find_strength(quality, self.suite.psnr, PSNR_TOLERANCE)
        tuned = Trial(self.marker.tuned_to(strength), self.suite, self.seed)
        tuned.strength = strength
        return tuned

    def run(self, cover, number, columns, pool, counter):
        """Returns a dict of what came of one photo."""
        marked, record = self.mark(cover, number), {"reads": None}
        if marked is None:
            counter.add(number=len(columns))
        else:
            record |= {"psnr": psnr(cover, marked), "ssim": ssim(cover, marked), "reads": []}
            jobs = [(marked, column, number, cover) for column in columns]
            for read in pool.map(lambda job: self._distort_and_read(*job), jobs):
                record["reads"].append(read)
                counter.add(f"{self.marker.name}, photo {number + 1}")
        record["unmarked"] = self._read(cover, number)
        counter.add(f"{self.marker.name}, photo {number + 1}")
        return record

    def mark(self, cover, number):
        """Returns the photo at the PSNR wanted; None if it cannot be marked."""
        apply = self._prepared(cover, number)
        if apply is None:
            return None
        if self.strength is not None:
            return apply(self.strength)
        quality = functools.partial(psnr, cover)
        return mark_at_psnr(apply, quality, self.suite.psnr, PSNR_TOLERANCE)[0]

    def _prepared(self, cover, number):
        payload = random_payload(self.bits, self.seed, number)
        try:
            return self.marker.prepare(cover, payload)
        except ImageError:
            return None

    def _distort_and_read(self, marked, column, number, cover):
        distortion, level = column
        try:
            image = distortion.apply(marked, level, (self.seed, number), cover)
            return self._read(image, number)
        except Exception as error:
            error.add_note(f"{self.marker.name}, photo {number}, {distortion.name} {level:g}")
            raise

    def _read(self, image, number):
        payload = random_payload(self.bits, self.seed, number)
        start = time.perf_counter()
        reading = self.marker.read(image)
        seconds = time.perf_counter() - start
        bits = reading.bits
        if bits is None and len(reading.payload or b"") == len(payload):
            bits = _bits_of(reading.payload)
        matches = None if bits is None else int(np.sum(bits == _bits_of(payload)))
        p_value, evidence = reading.p_value, "p-value"
        if p_value is None:
            evidence = "matching bits"
            p_value = 1.0 if matches is None else matching_bits_p_value(matches, self.bits)
        return {
            "exact": reading.payload == payload,
            "bit_accuracy": 0.5 if matches is None else matches / self.bits,
            "guessed": matches is None,
            "detected": p_value <= self.suite.false_positive_rate and not reading.doubted,
            "evidence": evidence,
            "seconds": seconds,
        }


def _bits_of(payload):
    return np.unpackbits(np.frombuffer(payload, np.uint8))


def message_rows(name, suite, records, columns, bits):
    """Turns the records of one marker's photos into rows, one for each distortion and level.

    Each row has `marker`, `attack`, `level`, `label`, `shown`, `counted`, `images` and `bits`;
    `exact`, the share of photos whose whole message was read, `bit_accuracy` and `detected`,
    each with the ends of its 95 % interval (`exact_low`, `exact_high`; Wilson over photos);
    `guessed`, the share of photos from which no bits came, whose accuracy counts as 0.5;
    `evidence`, whether `detected` comes from the reader's `p-value` or from the binomial tail of
    `matching bits` with the known payload; `false_positive_rate`; `unmarkable`, the photos that
    could not be marked and count as lost; the means `psnr`, `ssim` and `seconds` to read.

    The row `unmarked` is of photos without a mark: `detected` is the false alarms. `mean` is
    over the distortions that count, its interval over photos; `mean of all` over all
    distortions, where some do not count.

    Args:
        name: the marker's.
        suite: `MessageSuite`.
        records: what `Trial.run` returned for each photo.
        columns: list of `(Distortion, level)`.
        bits: of the payload.
    """
    marked = [record for record in records if record["reads"] is not None]
    quality = {key: _mean(record[key] for record in marked) for key in ("psnr", "ssim")}
    common = {
        "images": len(records),
        "bits": bits,
        "evidence": records[0]["unmarked"]["evidence"],
        "false_positive_rate": suite.false_positive_rate,
        "unmarkable": len(records) - len(marked),
        **quality,
    }
    rows, distorted, counted = [], [], []
    for i, (distortion, level) in enumerate(columns):
        reads = [LOST if record["reads"] is None else record["reads"][i] for record in records]
        rows.append({"marker": name, **distortion.cells(level), **_shares(reads), **common})
        if distortion.name != CLEAN:
            distorted.append(reads)
        if distortion.counts(level):
            counted.append(reads)
    shares = _shares([record["unmarked"] for record in records])
    unmarked = {**common, "psnr": None, "ssim": None, "unmarkable": 0}
    rows.insert(1, {**_head(name, UNMARKED, "Unmarked photos"), **shares, **unmarked})
    means = [(MEAN, "Mean of the edits", counted)] if counted else []
    if len(counted) < len(distorted):
        means.append((MEAN_OF_ALL, "Mean with those not counted", distorted))
    for attack, label, tables in means:
        head = _head(name, attack, label, len(tables), str(len(tables)))
        rows.append({**head, **_means(tables), **common})
    return rows


def _head(marker, attack, label, level=0, shown=""):
    """The first cells of a row that is of no distortion."""
    row = {"marker": marker, "attack": attack, "level": level, "label": label}
    return {**row, "shown": shown, "counted": False}


def _shares(reads):
    """The shares of photos, with Wilson intervals."""
    row = {}
    for key in SHARES:
        share = float(np.mean([read[key] for read in reads]))
        low, high = wilson_interval(share, len(reads))
        row |= {key: share, f"{key}_low": low, f"{key}_high": high}
    return row | _others(reads)


def _means(tables):
    """Means over distortions; the interval is over photos, since copies of one go together."""
    row = {}
    for key in SHARES:
        photos = np.mean([[read[key] for read in reads] for reads in tables], axis=0)
        low, high = mean_interval(photos)
        row |= {key: float(photos.mean()), f"{key}_low": low, f"{key}_high": high}
    return row | _others(itertools.chain(*tables))


def _others(reads):
    reads = list(reads)
    seconds = _mean(read["seconds"] for read in reads if "seconds" in read)
    return {"guessed": _mean(read["guessed"] for read in reads), "seconds": seconds}


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else None
