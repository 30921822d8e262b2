"""How far one form of a network is from another, on real photos."""

import numpy as np
from skimage import color, data, transform


def compare_networks(network, reference, images=None, strength=1.0, noise=15.0, seed=0):
    """Measures what a network's form costs, such as an int8 file beside its SavedModel.

    Both mark the same photos with the same bits; the marked images are cut to 8 bits, noise
    is added, and each form reads its own images.

    Args:
        network: the form to judge (`Network`).
        reference: the form to judge it by (`Network`).
        images: list of images `(1, H, W, channels)` in [0, 1]; `sample_photos` by default.
        strength: strength factor.
        noise: standard deviation, in gray levels, of the noise.
        seed: seed of bits and noise.

    Returns:
        dict: `watermarked_max` and `watermarked_rms` (difference of the marked images, in gray
        levels), `psnr` and `psnr_reference` (8-bit, dB, mean), `logits_max` (difference of the
        logits for the same image), `bits_changed` (fraction read differently from the same
        image), `ber` and `ber_reference` (each reads its own, undamaged), `ber_noise` and
        `ber_noise_reference` (the same after noise).
    """
    if images is None:
        images = sample_photos(
            reference.patch_shape, channels=reference.channels, whole=reference.whole
        )
    generator = np.random.default_rng(seed)
    rows = [_compare(network, reference, x, strength, noise, generator) for x in images]
    result = {
        key: float((np.max if key.endswith("_max") else np.mean)([row[key] for row in rows]))
        for key in rows[0]
    }
    result["watermarked_rms"] = float(np.sqrt(result.pop("watermarked_mse")))
    return result


def sample_photos(patch_shape=(32, 32), largest=384, channels=1, whole=False):
    """Returns photos from scikit-image (CC0 or public domain), `(1, H, W, channels)` in [0, 1].

    Args:
        patch_shape: sides are cut to multiples of this.
        largest: longest side.
        channels: 1 for gray; 3 for RGB, in which two of the five photos are gray as well.
        whole: whether the photos are squeezed to one patch instead.
    """
    gray = [data.camera() / 255, data.brick() / 255]
    colored = [data.coffee(), data.chelsea(), data.rocket()]
    if channels == 1:
        photos = [x[..., None] for x in (*gray, *map(color.rgb2gray, colored))]
    else:
        photos = [*map(color.gray2rgb, gray), *(x / 255 for x in colored)]
    if whole:
        return [np.float32(transform.resize(x, patch_shape)[None]) for x in photos]
    sides = [
        [min(n, largest) // p * p for n, p in zip(x.shape[:2], patch_shape, strict=True)]
        for x in photos
    ]
    return [
        np.float32(x[None, :height, :width])
        for x, (height, width) in zip(photos, sides, strict=True)
    ]


def _compare(network, reference, image, strength, noise, generator):
    shape = (1, *reference.message_shape(*image.shape[1:3]))
    message = generator.integers(0, 2, shape).astype(np.float32)
    marked = [n.embed(image, message, strength) for n in (network, reference)]
    eight_bit = [_to_eight_bit(x) for x in marked]
    noisy = generator.normal(0, noise / 255, image.shape)
    noisy = [_to_eight_bit(np.clip(x + noisy, 0, 1)) for x in eight_bit]
    logits = [n.extract(eight_bit[1]) for n in (network, reference)]
    row = {
        "watermarked_max": 255 * np.abs(marked[0] - marked[1]).max(),
        "watermarked_mse": 255**2 * np.mean((marked[0] - marked[1]) ** 2),
        "logits_max": np.abs(logits[0] - logits[1]).max(),
        "bits_changed": np.mean((logits[0] > 0) != (logits[1] > 0)),
    }
    for suffix, net, x, y in zip(
        ("", "_reference"), (network, reference), eight_bit, noisy, strict=True
    ):
        row["psnr" + suffix] = -10 * np.log10(max(np.mean((x - image) ** 2), 1e-12))
        row["ber" + suffix] = np.mean((net.extract(x) > 0) != (message > 0.5))
        row["ber_noise" + suffix] = np.mean((net.extract(y) > 0) != (message > 0.5))
    return row


def _to_eight_bit(image):
    """Rounds to what an 8-bit file would hold."""
    return np.float32(np.round(image * 255) / 255)
