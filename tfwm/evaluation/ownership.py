"""Measures of an owner's evidence: for a barrier's mark, and for a network's that reads by key.

Those of Zhang et al. (barriers) and of Wu et al. (keyed networks), and ours.
"""

import numpy as np

from tfwm.distortions import distort
from tfwm.images.arrays import plane, to_uint8
from tfwm.images.quality import mean_quality
from tfwm.metrics import normalized_correlation, watermark_similarity
from tfwm.protection import compare_with_unmarked, decode_qr
from tfwm.protection.evidence import NC_LIMIT

# What counts as success, beside the paper's NC_LIMIT, which blanks of mostly white watermarks pass.
SIMILARITY_LIMIT = 0.9
BATCH = 16
# Of Wu et al.: the SSIM of marked and unmarked outputs, Fig. 5 (a QR code as watermark) and
# Fig. 6 (a color image), by the task here that is most like the paper's.
PAPER_TASKS = {
    "EdgesToPhoto": ("paint transfer", 0.896, 0.898),
    "Edit": ("image editing", 0.886, 0.917),
    "SuperResolve": ("super-resolution", 0.965, 0.945),
    "Colorize": ("colourisation", 0.975, 0.955),
}
# One level of each kind of distortion: name, distortion and level.
CASES = {
    "none": ("identity", None),
    "JPEG 70": ("jpeg", 70),
    "noise, sigma 10": ("gaussian_noise", 10),
    "crop to 80 %": ("crop", 0.8),
    "half size and back": ("resizing", 0.5),
    "mirrored": ("mirror", None),
}
# Levels of the curves of what is read from distorted outputs.
LEVELS = {
    "JPEG, quality": ("jpeg", (10, 20, 30, 50, 70, 90)),
    "noise, sigma": ("gaussian_noise", (2, 5, 10, 15, 20, 30)),
    "crop, share of the area": ("crop", (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
    "resized and back, factor": ("resizing", (0.25, 0.375, 0.5, 0.75, 1.0)),
}


def ownership_row(name, read, watermark, unmarked):
    """Returns the measures of one group of images.

    Args:
        name: of the group, such as `"unet-l2"`.
        read: what was read from its images, `(n, height, width, channels)` in [0, 1].
        watermark: `(height, width, channels)`.
        unmarked: similarities of images that are known to be unmarked.

    Returns:
        dict: `nc` and `similarity`, means over the images; `success_nc`, the
        paper's success rate; `success`, the share of similarities of at least 0.9; `p_value`
        that the group is unmarked, and whether the mark is `proven` (see
        `tfwm.protection.compare_with_unmarked`).

    Example:

    >>> mark = np.eye(8)[..., None]
    >>> row = ownership_row("copies", np.stack([mark] * 9), mark, np.linspace(-0.1, 0.1, 50))
    >>> row["success"], row["p_value"]
    (1.0, 0.0001)
    """
    watermarks = np.broadcast_to(watermark, read.shape)
    correlations = np.asarray(normalized_correlation(watermarks, read))
    similarities = watermark_similarity(watermark, read)
    proof = compare_with_unmarked(similarities, unmarked)
    return {
        "images_of": name,
        "images": len(read),
        "nc": float(correlations.mean()),
        "success_nc": float(np.mean(correlations > NC_LIMIT)),
        "similarity": float(similarities.mean()),
        "success": float(np.mean(similarities >= SIMILARITY_LIMIT)),
        "p_value": proof.p_value,
        "proven": proof.proven,
    }


def quality_row(name, targets, images):
    """Returns how far one group of images is from what it should be, means over the images.

    Args:
        name: of the group.
        targets: uint8 `(n, height, width, channels)`.
        images: the same.

    Returns:
        dict: `images_of`, `images`, `psnr` in dB, `ssim`.
    """
    return {"images_of": name, "images": len(images), **mean_quality(targets, images)}


def run_network(network, inputs):
    """Returns what an image-to-image network makes of float inputs, as uint8."""
    parts = [inputs[i : i + BATCH] for i in range(0, len(inputs), BATCH)]
    return to_uint8(np.concatenate([np.asarray(network(part)) for part in parts]))


def reading_row(name, key, read, reader, unmarked, text=None):
    """Returns the measures of one group of images, read with one key.

    Args:
        name: of the group, such as `"marked outputs"`.
        key: of the key, such as `"right"`.
        read: what was read, `(n, height, width, channels)` in [0, 1].
        reader: the `tfwm.protection.KeyedReader`.
        unmarked: similarities of images known to be unmarked, with the right key; `None` for
            another key, which they say nothing about.
        text: text of the watermark's QR code, or `None` if it is no QR code.

    Returns:
        dict: `similarity`, mean over the images; `success`, the share of at least 0.9; `qr`, the
        share whose QR code is decoded (and right), `None` without a text; `p_value` that the
        group is unmarked, `None` without unmarked ones.
    """
    similarities = watermark_similarity(reader.watermark, read)
    proof = None if unmarked is None else compare_with_unmarked(similarities, unmarked)
    return {
        "images_of": name,
        "key": key,
        "images": len(read),
        "similarity": float(similarities.mean()),
        "success": float(np.mean(similarities >= SIMILARITY_LIMIT)),
        "qr": qr_share(read, text),
        "p_value": None if proof is None else proof.p_value,
    }


def qr_share(read, text):
    """Returns the share of images whose QR code is decoded, `None` without a text to decode."""
    return None if text is None else float(np.mean([found == text for found in decode_qr(read)]))


def distorted(name, images):
    """Returns uint8 images as a list, distorted as one of `CASES` says.

    Example:

    >>> distorted("crop to 80 %", np.zeros((2, 50, 50, 3), np.uint8))[0].shape
    (45, 45, 3)
    """
    return _distorted(*CASES[name], images)


def _distorted(distortion, level, images):
    return [
        np.atleast_3d(distort(distortion, plane(image), level, np.random.default_rng([0, i])))
        for i, image in enumerate(images)
    ]


def distortion_rows(reader, groups, text=None):
    """Returns a `reading_row` for each of `CASES` and of `groups`.

    `groups` is a dict of name and uint8 images; the last one is unmarked.
    """
    rows = []
    for name in CASES:
        read = {group: reader.read(distorted(name, images)) for group, images in groups.items()}
        unmarked = watermark_similarity(reader.watermark, list(read.values())[-1])
        for group, found in read.items():
            row = reading_row(group, "right", found, reader, unmarked, text)
            rows.append({"damage": name, **row})
    return rows


def distortion_curves(reader, images, text=None):
    """Returns one row for each of `LEVELS`: `damage`, `level`, mean `similarity`, `qr`.

    The images are marked, uint8; for reader and text, see `reading_row`.
    """
    rows = []
    for name, (distortion, levels) in LEVELS.items():
        for level in levels:
            read = reader.read(_distorted(distortion, level, images))
            similarity = float(watermark_similarity(reader.watermark, read).mean())
            row = {"damage": name, "level": level, "similarity": similarity}
            rows.append({**row, "qr": qr_share(read, text)})
    return rows


def wrong_keys(key, distance, count, seed=0):
    """Returns random keys that differ from a key in a number of bits.

    Example:

    >>> keys = wrong_keys(np.zeros(16), 3, count=5)
    >>> keys.sum(axis=1).tolist()
    [3.0, 3.0, 3.0, 3.0, 3.0]
    """
    rng = np.random.default_rng([seed, distance])
    keys = np.repeat(np.asarray(key, np.float32)[None], count, axis=0)
    for row in keys:
        places = rng.choice(len(row), distance, replace=False)
        row[places] = 1 - row[places]
    return keys


def hamming_distances(bits):
    """Returns the distances of a curve: 0 to 8, then in doublings, and all bits.

    Example:

    >>> hamming_distances(64)
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64]
    """
    doublings = [16 << i for i in range(bits.bit_length()) if 16 << i < bits]
    return [*range(min(9, bits)), *doublings, bits]


def hamming_curve(reader, images, text=None, count=16, seed=0):
    """Returns one row for each Hamming distance of a wrong key from the right one.

    Args:
        reader: the `tfwm.protection.KeyedReader` with the right key.
        images: marked images; image `i` is read with the wrong key `i` of each distance.
        text: see `reading_row`.
        count: number of keys and images for each distance.
        seed: integer.

    Returns:
        Rows as dicts: `distance`, mean and largest `similarity`, `qr`.
    """
    images = [images[i % len(images)] for i in range(count)]
    rows = []
    for distance in hamming_distances(reader.bits):
        keys = wrong_keys(reader.key, distance, count, seed)
        read = reader.read_each(images, keys)
        similarities = watermark_similarity(reader.watermark, read)
        mean, largest = float(similarities.mean()), float(similarities.max())
        row = {"distance": distance, "similarity": mean, "largest": largest}
        rows.append({**row, "qr": qr_share(read, text)})
    return rows
