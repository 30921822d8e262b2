"""Finds prints and screens in a photo by their straight edges."""

import itertools
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from tfwm.checks import need
from tfwm.corners.projection import to_image
from tfwm.images import largest_level

# Long side of the photo when edges are looked for, in pixels.
LOOK_SIDE = 512
# Candidates at most.
LIMIT = 5
# Slope of an edge, in the range of the photo per pixel: above the noise of dim photos.
LEAST_SLOPE = 0.008
# Lines at most, in all and among those of similar direction.
LINES = 60
SECTOR = 10.0
SECTOR_LINES = 6
# Lines are looked for among all edges, and among those so many times steeper than the median:
# the grain of a table gives many weak ones.
STEEP = (0.0, 2.0)
# Degrees between the direction of an edge and of its line.
ALONG = 8.0
# Pixels between an edge and its line.
NEAR = 1.5
# Degrees between opposite sides; neighbors are at least 90 less this apart.
SKEW = 35.0
# Least side, as a share of the photo's short one and of the longest of the quadrilateral; least
# area, as a share of the photo's.
LEAST_SIDE = 0.15
SLIMMEST = 0.2
LEAST_AREA = 0.05
# Score of a side at the edge of the photo; an unbroken edge scores 1.
AT_BORDER = 0.4
LEAST_SCORE = 0.5
# So many are looked at closely.
CLOSER = 300
# Pixels outside a side at which its surroundings are looked at, and places along it.
OUTSIDE = 4.0
PLACES = 24
# Deviation of the surroundings' color at which a score falls to 1 / e.
EVEN = 0.15
# Corners nearer than this share of the long side are the same.
SAME = 0.02


def find_quadrilaterals(photo):
    """Finds large quadrilaterals with straight edges, which may be prints or screens.

    The search finds straight lines along which the color changes. Of the quadrilaterals that four
    lines form, it keeps those whose sides are edges from corner to corner and end there. A framed
    picture yields two, with and without its frame. Scenery may contain quadrilaterals too.

    Args:
        photo: `tfwm.images.Photo`.

    Returns:
        List of at most 5 arrays `(4, 2)`, the likeliest first: `(x, y)` of the corners in
        pixels, clockwise from the one that is top left if the picture is turned by less than
        45 degrees. Empty if there is none.

    Example:

    >>> pixels = np.full((480, 640, 3), 90, np.uint8)
    >>> pixels[80:380, 100:500] = 200
    >>> find_quadrilaterals(tfwm.images.Photo(pixels))[0].round().tolist()
    [[100.0, 80.0], [500.0, 80.0], [500.0, 380.0], [100.0, 380.0]]
    """
    values, scale = _reduced(photo)
    if min(values.shape[:2]) < 16:
        return []
    edges = _edges(values)
    if not len(edges.slopes):
        return []
    lines = _lines(edges, values.shape)
    quads, corners = _quadrilaterals(lines, values.shape)
    if not len(quads):
        return []
    scores = _edge_scores(quads, corners, lines, edges, values.shape)
    best = np.argsort(-scores)[:CLOSER]
    corners, scores = corners[best], scores[best]
    scores = scores * np.exp(-_unevenness(corners, values) / EVEN)
    found = []
    for index in np.argsort(-scores):
        if scores[index] < LEAST_SCORE or len(found) == LIMIT:
            break
        near = (np.abs(corners[index] - other).max() < SAME * LOOK_SIDE for other in found)
        if not any(near):
            found.append(corners[index])
    return [_upright(c / scale) for c in found]


class _Edges(NamedTuple):
    """Edge pixels: places `(n, 2)` (x, y), slopes and their directions in [0, pi)."""

    places: np.ndarray
    slopes: np.ndarray
    angles: np.ndarray


def _reduced(photo):
    """The photo in [0, 1] at the size for looking, and the factors (x, y) to it."""
    pixels = photo.pixels
    height, width = pixels.shape[:2]
    factor = min(1.0, LOOK_SIDE / max(height, width))
    size = tuple(max(round(side * factor), 1) for side in (width, height))
    planes = []
    for plane in np.moveaxis(pixels, -1, 0):
        image = to_image(plane).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        planes.append(np.asarray(image, np.float32) / np.float32(largest_level(pixels.dtype)))
    return np.dstack(planes), np.divide(size, (width, height))


def _edges(values):
    """Ridges of the color's slope (structure tensor over all channels)."""
    dy, dx = (ndimage.gaussian_filter(values, (1, 1, 0), order) for order in ((1, 0, 0), (0, 1, 0)))
    yy, xx, xy = (dy**2).sum(axis=2), (dx**2).sum(axis=2), (dx * dy).sum(axis=2)
    spread = np.hypot(xx - yy, 2 * xy)
    slope = np.sqrt((xx + yy + spread) / 2)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    rows, columns = np.nonzero(slope > LEAST_SLOPE)
    step = np.array([np.cos(angle[rows, columns]), np.sin(angle[rows, columns])])
    here = slope[rows, columns]
    before, after = (
        ndimage.map_coordinates(
            slope, (rows + sign * step[1], columns + sign * step[0]), order=1, mode="nearest"
        )
        for sign in (-1, 1)
    )
    ridge = (here >= before) & (here > after)
    rows, columns, step = rows[ridge], columns[ridge], step[:, ridge]
    before, here, after = before[ridge], here[ridge], after[ridge]
    shift = 0.5 * (before - after) / np.minimum(before - 2 * here + after, -1e-9)
    places = np.c_[columns, rows] + 0.5 + (shift.clip(-0.5, 0.5) * step).T
    return _Edges(places, here, angle[rows, columns] % np.pi)


def _lines(edges, shape):
    """The longest straight lines and the photo's own edges: `(n, 3)` of angle, distance, border.

    A line holds the points with x cos(angle) + y sin(angle) = distance.
    """
    hough = need("skimage.transform", "evaluate")
    image = np.zeros(shape[:2], bool)
    columns, rows = np.floor(edges.places).astype(int).T.clip(0, [[shape[1] - 1], [shape[0] - 1]])
    found = []
    sector, margin = np.deg2rad(SECTOR), np.deg2rad(ALONG) / 2
    least = 0.3 * LEAST_SIDE * max(shape[:2])
    middle = np.median(edges.slopes)
    steep = [edges.slopes >= factor * middle for factor in STEEP]
    starts = np.arange(-np.pi / 2, np.pi / 2 - 1e-6, sector)
    for start, strong in itertools.product(starts, steep):
        inside = _apart(edges.angles, start + sector / 2) < sector / 2 + margin
        image[:] = False
        image[rows[inside & strong], columns[inside & strong]] = True
        angles = np.arange(start, start + sector - 1e-6, np.deg2rad(0.5))
        space, angles, distances = hough.hough_line(image, angles)
        votes = 3 * ndimage.uniform_filter1d(space.astype(float), 3, axis=0)
        peaks = hough.hough_line_peaks(
            *(votes, angles, distances),
            min_distance=4,
            min_angle=4,
            threshold=least,
            num_peaks=SECTOR_LINES,
        )
        found += list(zip(*peaks, strict=True))
    found.sort(key=lambda peak: -peak[0])
    lines = []
    for _, angle, distance in found:
        # hough_line counts from the center of the first pixel.
        line = _fit(edges, angle, distance + 0.5 * (np.cos(angle) + np.sin(angle)))
        if not any(_same_line(line, other, shape) for other in lines):
            lines.append(line)
        if len(lines) == LINES:
            break
    height, width = shape[:2]
    borders = [(0.0, 0.0), (0.0, width), (np.pi / 2, 0.0), (np.pi / 2, height)]
    return np.array([(*line, 0) for line in lines] + [(*line, 1) for line in borders])


def _fit(edges, angle, distance):
    """The line through the edges that are near it and run along it."""
    for reach in (2 * NEAR, NEAR):
        normal = np.array([np.cos(angle), np.sin(angle)])
        near = np.abs(edges.places @ normal - distance) < reach
        near &= _apart(edges.angles, angle) < np.deg2rad(ALONG)
        if near.sum() < 8:
            break
        points = edges.places[near]
        center = points.mean(axis=0)
        along = np.linalg.svd(points - center, full_matrices=False)[2][0]
        normal = np.array([-along[1], along[0]])
        angle = np.arctan2(normal[1], normal[0])
        if abs(angle) > np.pi / 2:
            normal, angle = -normal, np.arctan2(-normal[1], -normal[0])
        distance = center @ normal
    return angle, distance


def _same_line(line, other, shape):
    """Whether two lines stay within some pixels of each other in the photo."""
    middle = np.array(shape[1::-1]) / 2
    if _apart(line[0], other[0]) > np.deg2rad(1.5):
        return False
    feet = [middle + (d - middle @ n) * n for n, d in ((_normal(a), d) for a, d in (line, other))]
    return np.hypot(*(feet[0] - feet[1])) < 2.5


def _quadrilaterals(lines, shape):
    """All quadrilaterals of the lines: their lines `(n, 4)` and corners `(n, 4, 2)`."""
    height, width = shape[:2]
    angles = lines[:, 0]
    pairs = np.array(list(itertools.combinations(range(len(lines)), 2)))
    pairs = pairs[_apart(*angles[pairs].T) < np.deg2rad(SKEW)]
    first, second = np.triu_indices(len(pairs), 1)
    quads = np.concatenate([pairs[first], pairs[second]], axis=1)[:, [0, 2, 1, 3]]
    steep = np.deg2rad(90 - SKEW)
    for side in range(4):
        a, b = angles[quads[:, side]], angles[quads[:, (side + 1) % 4]]
        quads = quads[_apart(a, b) > steep]
    quads = quads[lines[quads, 2].sum(axis=1) < 3]
    # Side k goes from corner k to corner k + 1, where it meets the next one.
    corners = np.stack(
        [_meet(lines[quads[:, k - 1]], lines[quads[:, k]]) for k in range(4)], axis=1
    )
    sides = np.roll(corners, -1, axis=1) - corners
    turns = _cross(sides, np.roll(sides, -1, axis=1))
    area = _cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]) / 2
    lengths = np.hypot(*np.moveaxis(sides, -1, 0))
    slack = 0.02 * max(height, width)
    good = (np.sign(turns) == np.sign(area)[:, None]).all(axis=1)
    good &= np.abs(area) > LEAST_AREA * height * width
    least = np.maximum(LEAST_SIDE * min(height, width), SLIMMEST * lengths.max(axis=1))
    good &= lengths.min(axis=1) > least
    good &= (corners > -slack).all(axis=(1, 2))
    good &= (corners < np.array([width, height]) + slack).all(axis=(1, 2))
    return quads[good], corners[good]


def _edge_scores(quads, corners, lines, edges, shape):
    """Share of each quadrilateral's sides that are edges, less what continues past its corners."""
    lengths = np.hypot(*np.moveaxis(np.roll(corners, -1, axis=1) - corners, -1, 0))
    reach = 2 * int(np.hypot(*shape[:2]))
    covers = np.stack([_cover(line, edges, shape, reach) for line in lines])
    sums = np.concatenate([np.zeros((len(lines), 1)), covers.cumsum(axis=1)], axis=1)
    angles = lines[:, 0][quads]
    along = np.stack([-np.sin(angles), np.cos(angles)], axis=-1)
    ends = [np.sum(c * along, axis=-1) + reach / 2 for c in (corners, np.roll(corners, -1, axis=1))]
    low, high = np.minimum(*ends), np.maximum(*ends)

    def share(start, end):
        start, end = (np.rint(t).astype(int).clip(0, reach) for t in (start, end))
        return (sums[quads, end] - sums[quads, start]) / np.maximum(end - start, 1)

    border = lines[:, 2][quads] > 0
    inside = np.where(border, AT_BORDER, share(low + 2, high - 2))
    ahead = 0.15 * lengths
    beyond = (share(low - ahead, low - 3) + share(high + 3, high + ahead)) / 2
    weights = lengths / lengths.sum(axis=1, keepdims=True)
    mean = np.sum(weights * np.where(border, 0, beyond), axis=1)
    return np.exp(np.sum(weights * np.log(inside + 0.02), axis=1)) - 0.5 * mean


def _unevenness(corners, values):
    """How much the color around each quadrilateral differs from a slow change, `(n,)`.

    The ground around a picture looks alike on all sides; the picture itself does not.
    """
    height, width, channels = values.shape
    soft = ndimage.gaussian_filter(values, (1.5, 1.5, 0))
    ways = np.roll(corners, -1, axis=1) - corners
    lengths = np.hypot(*np.moveaxis(ways, -1, 0))[..., None]
    outwards = np.stack([ways[..., 1], -ways[..., 0]], axis=-1) / lengths
    outwards *= np.sign(_cross(ways[:, :1], ways[:, 1:2]))[..., None]
    along = (np.arange(PLACES) + 0.5) / PLACES
    places = (corners + OUTSIDE * outwards)[:, :, None] + along[:, None] * ways[:, :, None]
    places = places.reshape(len(corners), -1, 2)
    inside = ((places > 0) & (places < (width, height))).all(axis=-1)
    columns, rows = np.floor(places).astype(int).transpose(2, 0, 1)
    seen = soft[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    # Least squares of a plane in x and y for each channel, over what is inside the photo.
    basis = np.concatenate([places / max(height, width) - 0.5, np.ones_like(places[..., :1])], -1)
    weighted = basis * inside[..., None]
    square = weighted.transpose(0, 2, 1) @ basis + 1e-3 * np.eye(3)
    rest = seen - basis @ np.linalg.solve(square, weighted.transpose(0, 2, 1) @ seen)
    total = (np.square(rest).mean(axis=-1) * inside).sum(axis=1)
    return np.sqrt(total / np.maximum(inside.sum(axis=1), 1))


def _cover(line, edges, shape, reach):
    """For each pixel along a line whether there is an edge, 0 or 1."""
    angle, distance, border = line
    cover = np.zeros(reach)
    if border:
        return cover
    normal = _normal(angle)
    near = np.abs(edges.places @ normal - distance) < NEAR
    near &= _apart(edges.angles, angle) < np.deg2rad(2 * ALONG)
    places = edges.places[near] @ (-normal[1], normal[0]) + reach / 2
    cover[places.astype(int)] = 1
    return ndimage.maximum_filter1d(cover, 3)


def _upright(corners):
    """Clockwise from the top left corner of the picture turned by less than 45 degrees."""
    center = corners.mean(axis=0)
    angles = np.arctan2(*(corners - center).T[::-1])
    corners = corners[np.argsort(angles)]  # clockwise, as y points down
    ways = np.roll(corners, -1, axis=0) - corners
    # From the top left corner, sides go right, down, left and up.
    turns = [
        np.sum(np.roll(ways, -k, axis=0) * [(1, 0), (0, 1), (-1, 0), (0, -1)]) for k in range(4)
    ]
    return np.roll(corners, -int(np.argmax(turns)), axis=0)


def _normal(angle):
    return np.array([np.cos(angle), np.sin(angle)])


def _apart(first, second):
    """The angle between directions, which are the same a half turn on."""
    return np.abs((first - second + np.pi / 2) % np.pi - np.pi / 2)


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _meet(first, second):
    """Where lines cross, `(n, 2)`."""
    (a, d), (b, e) = first[:, :2].T, second[:, :2].T
    sine = np.sin(b - a)
    return (
        np.stack([d * np.sin(b) - e * np.sin(a), e * np.cos(a) - d * np.cos(b)], axis=1)
        / sine[:, None]
    )
