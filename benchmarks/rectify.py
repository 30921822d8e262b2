"""How often the corners of a photographed print or screen are found.

    python benchmarks/rectify.py --images photos/
    python benchmarks/rectify.py --images photos/ --scenes plain --count 20

Each photo is put into a scene, turned by up to 30 degrees (plain: as it is, on a gray table), and
photographed by the simulation of `tfwm.evaluation` at levels 1 to 3. Found means that each corner
is off by at most 2 % of the picture's mean side: of the first candidate, and of any of them.
Writes results/corners/rectify.csv, with 95 % Wilson intervals.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from tfwm.corners import find_quadrilaterals, mean_sides, solve_homography
from tfwm.distortions.common import corners_of, project
from tfwm.distortions.print_photo import photograph
from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.images import Photo
from tfwm.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
SCENES = ("plain", "gradient", "texture", "margin", "screen")
TOLERANCE = 0.02
LARGEST_ANGLE = 30
# Share of the camera's picture at each edge in which level 3 may show what is beyond the desk.
BEYOND = 0.12


def photograph_in(scene, image, level, generator):
    """Returns a photograph of an image in a scene, and the corners of the image in it."""
    if scene == "plain":
        return photograph(image, level, generator)
    desk, corners = lay_down(scene, image, generator)
    picture, seen = photograph(desk, level, generator)
    matrix = solve_homography(corners_of(desk.shape), seen)
    moved = np.c_[corners, np.ones(4)] @ matrix.T
    top, left = (round(BEYOND * side) for side in picture.shape[:2])
    picture = picture[top:-top, left:-left]
    return picture, moved[:, :2] / moved[:, 2:] - (left, top)


def lay_down(scene, image, generator):
    """An image on a desk, of the image's size on the whole, and its corners."""
    height, width = image.shape[:2]
    border = {"margin": 0.07, "screen": 0.04}.get(scene, 0)
    edge = round(border * max(height, width))
    sheet = np.pad(image, [(edge, edge), (edge, edge), (0, 0)], constant_values=250)
    if scene == "screen":
        sheet = np.pad(image, [(edge, edge), (edge, edge), (0, 0)], constant_values=14)
    angle = np.deg2rad(generator.uniform(-LARGEST_ANGLE, LARGEST_ANGLE))
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    places = (corners_of(sheet.shape) - np.array(sheet.shape[1::-1]) / 2) @ turn
    factor = 0.7 * min(width / np.ptp(places[:, 0]), height / np.ptp(places[:, 1]))
    places = places * factor + (width / 2, height / 2)
    fine = [2 * side for side in image.shape[:2]]
    white = np.full(sheet.shape[:2], 255, np.uint8)
    laid, share = (
        np.asarray(Image.fromarray(project(x, corners_of(x.shape), 2 * places, fine)).reduce(2))
        for x in (sheet, white)
    )
    share = share[..., None] / 255
    desk = share * laid + (1 - share) * background(scene, image.shape, generator)
    inner = corners_of(image.shape) + edge
    corners = (inner - np.array(sheet.shape[1::-1]) / 2) @ turn * factor + (width / 2, height / 2)
    return np.rint(desk).clip(0, 255).astype(np.uint8), corners


def background(scene, shape, generator):
    """A desk, float `(H, W, 3)`: a slow change of colour, or grain like that of wood."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / max(shape[:2])
    first, second = generator.uniform(40, 220, (2, 3))
    angle = generator.uniform(0, 2 * np.pi)
    ramp = 0.5 + 0.5 * (np.cos(angle) * (columns - 0.5) + np.sin(angle) * (rows - 0.5))
    desk = first + ramp[..., None] * (second - first)
    if scene in ("texture", "margin"):
        grain = ndimage.gaussian_filter(generator.standard_normal(shape[:2]), (1.5, 25))
        fine = ndimage.gaussian_filter(generator.standard_normal(shape[:2]), 1)
        desk = desk + (14 * grain / grain.std() + 6 * fine / fine.std())[..., None]
    return desk


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", default="bundled:test", help="folder; bundled:test by default")
    parser.add_argument("--count", type=int, default=20, help="photos, the first ones")
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=SCENES)
    parser.add_argument("--output", type=Path, default=ROOT / "results/corners")
    args = parser.parse_args()
    photos = Photos.of(args.images, color=True, limit=args.count)
    rows = []
    for scene in args.scenes:
        for level in (1, 2, 3):
            rows.append(measure(scene, level, photos.images))
            print(rows[-1], flush=True)
    head = result_head(f"{photos.name}, {len(photos.images)} images")
    write_csv(rows, args.output / "rectify.csv", head)


def measure(scene, level, images):
    first, any_of, offs, counts, seconds = [], [], [], [], []
    for number, image in enumerate(tqdm(images, desc=f"{scene} {level}")):
        generator = np.random.default_rng([SCENES.index(scene), level, number])
        picture, corners = photograph_in(scene, image, level, generator)
        start = time.perf_counter()
        found = find_quadrilaterals(Photo(picture))
        seconds.append(time.perf_counter() - start)
        side = np.mean(mean_sides(corners))
        away = [np.hypot(*(f - corners).T).max() / side for f in found] or [np.inf]
        first.append(away[0] <= TOLERANCE)
        any_of.append(min(away) <= TOLERANCE)
        offs += [min(away)] if any_of[-1] else []
        counts.append(len(found))
    low, high = wilson_interval(np.mean(any_of), len(any_of))
    return {
        "scene": scene,
        "level": level,
        "images": len(images),
        "found": float(np.mean(any_of)),
        "found_low": low,
        "found_high": high,
        "found_first": float(np.mean(first)),
        "candidates": float(np.mean(counts)),
        "corner_error_median": float(np.median(offs)) if offs else "",
        "seconds_median": float(np.median(seconds)),
    }


if __name__ == "__main__":
    main()
