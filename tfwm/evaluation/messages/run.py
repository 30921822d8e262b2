import os
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from tfwm.checks import by_name
from tfwm.distortions import distort, missing
from tfwm.evaluation.bits.suite import Attack, load_suite
from tfwm.evaluation.messages.rows import message_rows
from tfwm.evaluation.photos import Photos
from tfwm.evaluation.statistics import matching_bits_p_value
from tfwm.images import ImageError
from tfwm.images.quality import psnr, ssim
from tfwm.marking.strength import find_strength, mark_at_psnr

PSNR_TOLERANCE = 0.1
# A strength that all photos share is tuned on at most so many of them.
NUM_TUNED = 48


def evaluate_messages(
    markers, images, suite="everyday", seed=0, workers=None, progress=True, **changes
):
    """Marks photos with random messages at one PSNR, edits them, and reads them again.

    Every marker gets the same photos, payloads and edits. The strength is tuned for each
    photo, so that the marked uint8 photo has the PSNR wanted or up to 0.1 dB more. A marker
    with `shared_strength` gets one strength for all photos, at which their mean has that PSNR:
    its reader has to know the strength, and in use knows only one.

    A marker is an object with

    - `name`;
    - `embed(image, payload, strength)`, which returns the marked photo and may raise
      `tfwm.images.ImageError` if the photo cannot carry the payload, which then counts as
      lost for every edit;
    - `read(image)`, which returns a `Reading` and is not told what happened to the photo;
    - optionally `prepare(image, payload)`, which returns a function from a strength to the
      marked photo, where this saves time; `payload_bits`, if it has a fixed length;
      `shared_strength = True`, with an attribute `strength` that is set to what was tuned;
      `fixed_strength`, a strength to be measured at, whatever PSNR it gives.

    Args:
        markers: list of markers, or a dict of name and marker.
        images: folder, list of uint8 arrays, `"bundled:all"` or `tfwm.evaluation.Photos`.
        suite: name, TOML file or `Suite` with `payload_bits`.
        seed: integer; the same seed gives the same payloads and edits.
        workers: threads that edit and read; by default one for each core.
        progress: whether to show a progress bar.
        **changes: arguments of `Suite` that differ, such as `psnr=42`, `payload_bits=32`.

    Returns:
        List of dicts, see `message_rows`: for each marker the marked photos (`identity`),
        the unmarked ones (`unmarked`), each edit, and the mean over those that count.

    Example:

    >>> marker = WatermarkerMarker(tfwm.load(), key="secret")  # doctest: +SKIP
    >>> rows = evaluate_messages([marker], "photos/", psnr=42)  # doctest: +SKIP
    """
    suite = load_suite(suite).replace(**changes)
    if suite.payload_bits is None:
        raise ValueError(
            f"Expected a suite with payload_bits. Received: {suite.name}; call evaluate"
        )
    markers = named_markers(markers)
    photos = Photos.of(images, color=True)
    columns = usable_columns(suite)
    rows = []
    total = len(photos.images) * len(markers) * (len(columns) + 1)
    with (
        ThreadPoolExecutor(workers or os.cpu_count()) as pool,
        tqdm(total=total, disable=not progress, unit="read", desc=suite.name) as bar,
    ):
        for name, marker in markers.items():
            trial = Trial(marker, suite, seed)
            if trial.strength is None and getattr(marker, "shared_strength", False):
                trial.share_strength(photos.images)
            records = [
                trial.run(cover, number, columns, pool, bar)
                for number, cover in enumerate(photos.images)
            ]
            rows += message_rows(name, suite, records, columns, trial.bits)
    return rows


def named_markers(markers):
    """Returns a dict of names and markers for such a dict or a list of markers."""
    markers = by_name(markers, "marker")
    for name, marker in markers.items():
        if not callable(getattr(marker, "read", None)):
            raise ValueError(
                "Expected markers with embed and read; wrap a tfwm.Watermarker in "
                f"WatermarkerMarker. Received: {name}: {type(marker).__name__}"
            )
    return markers


def usable_columns(suite):
    """Returns `[(Attack, level)]`, undamaged first, without what this Pillow cannot do."""
    columns = [(Attack("identity", [0], label="No edit", plain=True), 0)]
    for attack in suite.attacks:
        reason = missing(attack.name)
        if reason:
            warnings.warn(f"left out {attack.name}: {reason}", stacklevel=3)
        else:
            columns += [(attack, level) for level in attack.levels]
    return columns


def edit(image, attack, level, seed, number, cover=None):
    """Applies a suite's edit to photo `number`; random parts follow from seed and number."""
    kind = zlib.crc32(f"{attack.name} {level:g}".encode())
    generator = np.random.default_rng([seed, number, kind])
    return distort(attack.name, image, level, generator, cover, **attack.options)


def random_payload(bits, seed, number):
    """Returns the payload of photo `number`, bytes."""
    return np.random.default_rng([seed, number]).bytes(bits // 8)


class Trial:
    """One marker on photo after photo.

    Args:
        marker: see `evaluate_messages`.
        suite: `Suite` of messages.
        seed: integer.
    """

    def __init__(self, marker, suite, seed):
        self.marker, self.suite, self.seed = marker, suite, seed
        self.bits = getattr(marker, "payload_bits", None) or suite.payload_bits
        self.strength = getattr(marker, "fixed_strength", None)

    def share_strength(self, covers):
        """Tunes one strength to the mean PSNR of evenly chosen photos."""
        chosen = range(0, len(covers), -(-len(covers) // NUM_TUNED))
        applies = [(covers[i], self._prepared(covers[i], i)) for i in chosen]
        applies = [(cover, apply) for cover, apply in applies if apply is not None]
        if applies:
            self.strength, _ = find_strength(
                lambda s: float(np.mean([psnr(cover, apply(s)) for cover, apply in applies])),
                self.suite.psnr,
                PSNR_TOLERANCE,
            )
            self.marker.strength = self.strength

    def run(self, cover, number, columns, pool, bar):
        """Returns a dict of what came of one photo."""
        marked, strength = self.mark(cover, number)
        record = {"psnr": None, "ssim": None, "strength": strength}
        if marked is None:
            bar.update(len(columns))
            record["reads"] = None
        else:
            record |= {"psnr": psnr(cover, marked), "ssim": ssim(cover, marked)}
            record["reads"] = []
            jobs = [(marked, attack, level, number, cover) for attack, level in columns]
            for read in pool.map(lambda job: self._edit_and_read(*job), jobs):
                record["reads"].append(read)
                bar.update()
        record["unmarked"] = self._read(cover, number)
        bar.update()
        return record

    def mark(self, cover, number):
        """Returns the photo at the PSNR wanted and the strength; None if it cannot be marked."""
        apply = self._prepared(cover, number)
        if apply is None:
            return None, None
        if self.strength is not None:
            return apply(self.strength), self.strength
        marked, strength, _ = mark_at_psnr(
            apply, lambda marked: psnr(cover, marked), self.suite.psnr, PSNR_TOLERANCE
        )
        return marked, strength

    def _prepared(self, cover, number):
        payload = random_payload(self.bits, self.seed, number)
        prepare = getattr(self.marker, "prepare", None)
        try:
            if prepare is not None:
                return prepare(cover, payload)
            first = self.marker.embed(cover, payload, 1.0)
        except ImageError:
            return None
        return lambda s: first if s == 1.0 else self.marker.embed(cover, payload, s)

    def _edit_and_read(self, marked, attack, level, number, cover):
        try:
            image = edit(marked, attack, level, self.seed, number, cover)
            return self._read(image, number)
        except Exception as error:
            error.add_note(f"{self.marker.name}, photo {number}, {attack.name} {level:g}")
            raise

    def _read(self, image, number):
        payload = random_payload(self.bits, self.seed, number)
        start = time.perf_counter()
        reading = self.marker.read(image)
        seconds = time.perf_counter() - start
        sent = np.unpackbits(np.frombuffer(payload, np.uint8))
        bits = reading.bits
        if bits is None and reading.payload is not None and len(reading.payload) == len(payload):
            bits = np.unpackbits(np.frombuffer(reading.payload, np.uint8))
        matches = None if bits is None else int(np.sum(bits == sent))
        p_value, evidence = reading.p_value, "p-value"
        if p_value is None:
            evidence = "matching bits"
            p_value = 1.0 if matches is None else matching_bits_p_value(matches, self.bits)
        return {
            "exact": reading.payload == payload,
            "bit_accuracy": 0.5 if matches is None else matches / self.bits,
            "guessed": matches is None,
            "detected": p_value <= self.suite.false_positive_rate,
            "evidence": evidence,
            "seconds": seconds,
        }
