"""Four checks of how many bits a network's marks carry, beside a linear embedder.

    python benchmarks/capacity.py --images photos/urban100
    python benchmarks/capacity.py --images photos/urban100 --photos 8      # to try it out

A learned mark should carry bits in proportion to the area, lose them in proportion to PSNR, carry
more than a linear embedder at the same PSNR, and lose a predictable share under an attack
("We can hide more bits", arXiv 2510.12812, which finds that no published network does all four).

Capacity is what a perfect code could send through the single cells: for each bit of a cell
`1 - h(BER)`, with the mean BER of all photos, in bits of an image of 256 x 256 pixels. There is no
search: crops are read where they were. The linear embedder adds the cosines of its 8 x 8 cells,
each times the sign of a bit; it reads the signs of the same coefficients. For each attack, the
frequencies that carry bits, and how many, are chosen by one half of the photos, and both kinds of
marks measured on the other. Photos are center crops of the luminance, strengths are tuned to the
PSNR of each photo, and values rounded. `bits_se` is the standard error over photos (jackknife).

- `area`: at `--psnr`, for crops of each side. `psnr`: of the largest crops.
- `linear`: network and linear embedder under attacks; `frequencies` is how many it uses.
- `crop`: bits that are left in a part of the photo, for `share` of the area, per whole photo.

Writes results/photo/capacity-<set>.csv.
"""

import argparse
from pathlib import Path

import numpy as np
from photo_sets import photo_result, places
from PIL import Image
from scipy.fft import dctn, idctn
from tqdm import tqdm

from tfwm.data.sources import list_photos
from tfwm.distortions import distort
from tfwm.files import result_head, write_csv
from tfwm.networks import load_network

SIDES = 64, 128, 256, 512
QUALITIES = 36, 38, 40, 42, 44, 46, 48
COUNTS = 1, 2, 4, 8, 16, 32, 63
ATTACKS = (
    ("none", None),
    *(("jpeg", quality) for quality in (90, 70, 50, 30, 10)),
    *(("gaussian_noise", level) for level in (5, 15)),
    *(("gaussian_blur", sigma) for sigma in (1.0, 2.0)),
    ("median_filter", 3),
)
SHARES = 1.0, 0.5, 0.25, 0.1
CELL, AREA = 8, 256**2


def capacity(errors):
    """Returns the bits that a symmetric channel with such error rates sends, elementwise."""
    p = np.clip(np.asarray(errors, float), 1e-12, 0.5)
    return 1 + p * np.log2(p) + (1 - p) * np.log2(1 - p)


def scaled(residual, images, psnr):
    """Returns images `(n, s, s)` uint8 with a residual at a PSNR of each image."""
    energy = np.sqrt(np.mean(residual**2, axis=(1, 2), keepdims=True))
    wanted = 255 * 10 ** (-psnr / 20)
    return np.uint8(np.clip(np.rint(images + residual * wanted / energy), 0, 255))


def attacked(images, attack):
    """Returns images after an attack, `(n, s, s)` uint8."""
    name, level = attack
    if name == "none":
        return images
    random = np.random.default_rng(1)
    return np.stack([distort(name, image, level, random) for image in images])


def cells_of(images):
    """Returns the 8 x 8 cells of images, `(n, rows, columns, 8, 8)` float32."""
    n, height, width = images.shape
    cells = images.astype(np.float32).reshape(n, height // CELL, CELL, width // CELL, CELL)
    return cells.swapaxes(2, 3)


class NetworkMark:
    """Bits that a network hides in the cells of images."""

    def __init__(self, network, images):
        self.network, self.images = network, images
        shape = network.message_shape(*images.shape[1:])
        self.bits = np.random.default_rng(0).integers(0, 2, (len(images), *shape))
        self.residual = np.concatenate(
            [self._residual(image, bits) for image, bits in zip(images, self.bits, strict=True)]
        )

    def _residual(self, image, bits):
        plane = np.float32(image[None, ..., None]) / 255
        marked = np.asarray(self.network.embed(plane, bits[None].astype(np.float32), 1.0))
        return 255 * (marked - plane)[..., 0]

    def at(self, psnr):
        """Returns the marked images, uint8."""
        return scaled(self.residual, self.images, psnr)

    def wrong(self, images):
        """Returns the share of wrong bits `(n, bits of a cell)`, or of the top left part."""
        planes = (np.float32(image[None, ..., None]) / 255 for image in images)
        logits = np.concatenate([np.asarray(self.network.extract(plane)) for plane in planes])
        bits = self.bits[:, : logits.shape[1], : logits.shape[2]]
        return ((logits > 0) != (bits > 0)).mean(axis=(1, 2))


class LinearMark:
    """A bit in each of some frequencies of 8 x 8 cells: added, and read by its sign."""

    def __init__(self, images):
        self.images = images
        shape = (*cells_of(images).shape[:3], CELL, CELL)
        self.signs = np.random.default_rng(0).choice([-1.0, 1.0], shape).astype(np.float32)

    def wrong(self, mask, psnr, attack):
        """Returns 1 for each wrong bit, `(n, rows, columns, 8, 8)`; a mask says where bits are."""
        cells = idctn(self.signs * mask, axes=(-2, -1), norm="ortho")
        residual = cells.swapaxes(2, 3).reshape(self.images.shape)
        marked = attacked(scaled(residual, self.images, psnr), attack)
        read = np.sign(dctn(cells_of(marked), axes=(-2, -1), norm="ortho"))
        return (1 - read * self.signs) / 2  # a half where nothing is left

    def best(self, psnr, attack):
        """Returns the errors `(n, count)` of the second half, and how many frequencies it has."""
        half, best = len(self.images) // 2, (-1.0,)
        order = np.arange(1, CELL**2)  # all but the mean
        for count in COUNTS[::-1]:
            order = order[:count]
            mask = np.isin(np.arange(CELL**2), order).reshape(CELL, CELL)
            wrong = self.wrong(mask, psnr, attack)
            sent = mask * capacity(wrong[:half].mean(axis=(0, 1, 2)))
            if count == COUNTS[-1]:
                order = np.argsort(-sent, axis=None)
            if sent.sum() > best[0]:
                best = sent.sum(), wrong[half:].mean(axis=(1, 2))[:, mask], count
        return best[1:]


def row(check, mark, errors, part=1.0, **values):
    """Returns a row: `errors` are the shares of wrong bits `(n, bits)` or `(n,)` of a cell."""
    errors = np.reshape(errors, (len(errors), -1))
    full = part * AREA / CELL**2
    bits = full * capacity(errors.mean(axis=0)).sum()
    n = len(errors)
    without = (errors.sum(axis=0) - errors) / (n - 1)  # the jackknife
    spread = np.std(full * capacity(without).sum(axis=1))
    found = {"check": check, "mark": mark, "images": n} | values
    found |= {"error_rate": round(float(errors.mean()), 5), "bits": round(float(bits), 1)}
    return found | {"bits_se": round(float(spread * np.sqrt(n - 1)), 1)}


def planes(paths, side):
    """Returns center crops of the luminance `(n, side, side)` uint8 of photos that are so large."""
    crops = []
    for path in paths:
        image = Image.open(path).convert("L")
        if min(image.size) >= side:
            left, top = (image.width - side) // 2, (image.height - side) // 2
            crops.append(np.asarray(image.crop((left, top, left + side, top + side))))
    return np.stack(crops)


def rows(network, paths, psnr):
    """Yields all rows."""
    name = network.name
    for side in tqdm(SIDES, desc="area"):
        mark = NetworkMark(network, planes(paths, side))
        yield row("area", name, mark.wrong(mark.at(psnr)), side=side, psnr=psnr)
    for quality in tqdm(QUALITIES, desc="psnr"):
        yield row("psnr", name, mark.wrong(mark.at(quality)), side=side, psnr=quality)
    marked, linear = mark.at(psnr), LinearMark(mark.images)
    for attack in tqdm(ATTACKS, desc="linear"):
        about = {"side": side, "psnr": psnr, "attack": attack[0], "level": attack[1]}
        second = mark.wrong(attacked(marked, attack))[len(marked) // 2 :]
        yield row("linear", name, second, **about)
        errors, count = linear.best(psnr, attack)
        yield row("linear", "linear", errors, frequencies=count, **about)
    for share in SHARES:
        kept = round(side * share**0.5 / CELL) * CELL
        errors = mark.wrong(marked[:, :kept, :kept])
        part = (kept / side) ** 2
        yield row("crop", name, errors, part, side=side, psnr=psnr, share=round(part, 3))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=50, help="photos, evenly chosen")
    parser.add_argument("--psnr", type=float, default=42.0, help="of the marks, in dB")
    parser.add_argument("--network", default="photo", help="of 8 x 8 gray pixels a cell")
    args = parser.parse_args()
    paths = list_photos(args.images)
    chosen = places(len(paths), args.photos)
    fields = dict.fromkeys(
        ("check", "mark", "side", "psnr", "attack", "level", "share", "frequencies", "images")
    )
    network = load_network(args.network)
    table = [fields | r for r in rows(network, [paths[n] for n in chosen], args.psnr)]
    head = result_head(f"{args.images}, {len(chosen)} images")
    write_csv(table, photo_result("capacity", args.images), head)


if __name__ == "__main__":
    main()
