"""Measures of an owner's evidence for a barrier's mark: those of Zhang et al., and ours."""

import numpy as np

from tfwm.images.arrays import to_uint8
from tfwm.images.quality import mean_quality
from tfwm.metrics import normalized_correlation, watermark_similarity
from tfwm.protection import compare_with_unmarked
from tfwm.protection.evidence import NC_LIMIT

# What counts as success, beside the paper's NC_LIMIT, which blanks of mostly white watermarks pass.
SIMILARITY_LIMIT = 0.9
BATCH = 16


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
    >>> row["success"], row["p_value"] < 1e-5
    (1.0, True)
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
