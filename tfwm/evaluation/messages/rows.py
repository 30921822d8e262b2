"""Rows of a suite of messages, from what was read from each photo."""

import numpy as np

from tfwm.statistics import mean_interval, wilson_interval

LOST = {"exact": False, "bit_accuracy": 0.5, "guessed": True, "detected": False}
SHARES = ("exact", "bit_accuracy", "detected")
# Rows that are no distortion.
CLEAN, UNMARKED, MEAN, MEAN_OF_ALL = "identity", "unmarked", "mean", "mean of all"


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
        records: one dict for each photo.
        columns: list of `(Distortion, level)`.
        bits: of the payload.

    Returns:
        List of dicts.
    """
    marked = [record for record in records if record["reads"] is not None]
    evidence = records[0]["unmarked"]["evidence"]
    common = {
        "images": len(records),
        "bits": bits,
        "evidence": evidence,
        "false_positive_rate": suite.false_positive_rate,
        "unmarkable": len(records) - len(marked),
        "psnr": _mean(record["psnr"] for record in marked),
        "ssim": _mean(record["ssim"] for record in marked),
    }
    rows, tables = [], []
    for i, (distortion, level) in enumerate(columns):
        reads = [LOST if record["reads"] is None else record["reads"][i] for record in records]
        counted = distortion.counts(level)
        shown = distortion.show(level)
        head = _head(name, distortion.name, level, distortion.label, shown, counted)
        rows.append({**head, **_shares(reads), **common})
        tables.append((distortion.name != CLEAN, counted, reads))
    head = _head(name, UNMARKED, 0, "Unmarked photos", "", False)
    unmarked = {**common, "psnr": None, "ssim": None, "unmarkable": 0}
    rows.insert(1, {**head, **_shares([record["unmarked"] for record in records]), **unmarked})
    distorted = [reads for is_distorted, _, reads in tables if is_distorted]
    counted = [reads for _, is_counted, reads in tables if is_counted]
    if counted:
        rows.append(_mean_row(name, MEAN, "Mean of the edits", counted, common))
    if len(counted) < len(distorted):
        rows.append(_mean_row(name, MEAN_OF_ALL, "Mean with those not counted", distorted, common))
    return rows


def _head(name, attack, level, label, shown, counted):
    return {
        "marker": name,
        "attack": attack,
        "level": level,
        "label": label,
        "shown": shown,
        "counted": counted,
    }


def _shares(reads):
    row = {}
    for key in SHARES:
        share = float(np.mean([read[key] for read in reads]))
        low, high = wilson_interval(share, len(reads))
        row |= {key: share, f"{key}_low": low, f"{key}_high": high}
    row["guessed"] = float(np.mean([read["guessed"] for read in reads]))
    row["seconds"] = _mean(read["seconds"] for read in reads if "seconds" in read)
    return row


def _mean_row(name, attack, label, tables, common):
    """Means over distortions; the interval is over photos, since copies of one go together."""
    row = _head(name, attack, len(tables), label, str(len(tables)), False)
    for key in SHARES:
        photos = np.mean([[read[key] for read in reads] for reads in tables], axis=0)
        low, high = mean_interval(photos)
        row |= {key: float(photos.mean()), f"{key}_low": low, f"{key}_high": high}
    reads = [read for reads in tables for read in reads]
    row["guessed"] = float(np.mean([read["guessed"] for read in reads]))
    row["seconds"] = _mean(read["seconds"] for read in reads if "seconds" in read)
    return {**row, **common}


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else None
