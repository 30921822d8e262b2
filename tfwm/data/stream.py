"""Endless batches of crops, cut anew from photos that are read while a network trains.

What is in a batch depends on the photos, the seed and the batch's number only, so that a training
that goes on at `first_step` sees what it would have seen without the interruption. Memory is
bounded whatever the number of photos: names, two pools of crops, and photos up to `CACHE_BYTES`.
"""

import concurrent.futures
import os
import threading
import warnings

import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.data.crops import part_of, squeezed
from tfwm.data.sources import none_readable, open_photos

# Crops of so many photos are shuffled together, or of as many as fit in so many bytes.
POOL_PHOTOS, POOL_BYTES = 512, 2**28
CACHE_BYTES = 2**29
# Photos that are looked at first, to find how many crops tile one.
SAMPLE = 25
MIRRORS = {"none": (), "left-right": (1,), "both": (1, 0)}
# Random numbers of a crop: top, left, size, and two to mirror it.
DRAWS = 5


class CropStream:
    """Endless batches of crops of a source's photos, anew in each pass over the photos.

    In each pass the photos come in another order. Each gives `per_photo` crops, at random places,
    mirrored at random, which are shuffled with those of other photos. What cannot be read or is too
    small is left out, and counted in `skipped`; another photo gives its crops.

    Args:
        photos: what `open_photos` takes, or a sequence of uint8 arrays `(height, width, channels)`.
        size: side of a crop in pixels.
        batch_size: crops in a batch, over all replicas of all workers.
        channels: 1 for gray photos, 3 for color, where `photos` is a source.
        per_photo: crops of a photo in a pass; by default as many as tile a photo of the source's
            median size, or 1 if `whole`.
        whole: whether crops are photos squeezed to the size: first the largest square in the
            middle, then random parts; or else cut at random places.
        mirror: `"both"` (left-right and up-down), `"left-right"` or `"none"`.
        seed: integer.
        worker: number of this process and of all that train together; each has its own photos.

    Attributes:
        skipped: dict of the names of photos that were left out, and why.

    Example:

    >>> batches = CropStream("bundled:train", 32, batch_size=8, channels=1).dataset()
    >>> next(iter(batches)).shape
    TensorShape([8, 32, 32, 1])
    """

    def __init__(
        self,
        photos,
        size,
        batch_size,
        channels=3,
        per_photo=None,
        whole=False,
        mirror="both",
        seed=0,
        worker=(0, 1),
    ):
        named = photos if isinstance(photos, str | os.PathLike | list | tuple) else None
        photos = photos if named is None else open_photos(photos, channels)
        self.photos = photos[worker[0] :: worker[1]]
        self.size, self.batch_size, self.whole = size, batch_size, whole
        self.axes = MIRRORS[one_of("mirror", mirror, MIRRORS)]
        self.seed, self.worker = seed, worker
        self.skipped, self._told = {}, 0
        self._cache, self._cached, self._lock = {}, 0, threading.Lock()
        good = self._sample(named)
        self._spare = good[0]
        tiles = [np.prod(self._photo(i).shape[:2]) // size**2 for i in good]
        self.per_photo = per_photo or (1 if whole else max(1, int(np.median(tiles))))
        self.channels = self._photo(self._spare).shape[-1]
        bytes_each = self.per_photo * size**2 * self.channels
        self.pool_photos = min(len(self.photos), POOL_PHOTOS, max(1, POOL_BYTES // bytes_each))

    def dataset(self, first_step=0):
        """Returns the batches from a step on.

        Returns:
            `tf.data.Dataset` of float32 `(batch_size, size, size, channels)` in [0, 1].
        """

        def to_float(batch):
            return tf.image.convert_image_dtype(batch, tf.float32)

        return self.integers(first_step).map(to_float).prefetch(2)

    def integers(self, first_step=0):
        """Returns the same as uint8."""
        sides = (self.batch_size, self.size, self.size, self.channels)
        dataset = tf.data.Dataset.from_generator(
            lambda: self.batches(first_step), output_signature=tf.TensorSpec(sides, tf.uint8)
        )
        return dataset.with_options(self.options)

    @property
    def options(self):
        """Options of its data sets: the workers' photos are shared out already."""
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        return options

    def batches(self, first_step=0):
        """Yields the batches from a step on, uint8 arrays."""
        batch, filled = None, 0
        # A strategy takes each worker's share of a batch in each step, and its rest in the next.
        for crops, order in self._pools(first_step * self.batch_size // self.worker[1]):
            start = 0
            while start < len(order):
                if batch is None:
                    batch = np.empty((self.batch_size, *crops.shape[1:]), np.uint8)
                taken = order[start : start + self.batch_size - filled]
                np.take(crops, taken, axis=0, out=batch[filled : filled + len(taken)])
                start, filled = start + len(taken), filled + len(taken)
                if filled == self.batch_size:
                    yield batch
                    batch, filled = None, 0

    def tell_skipped(self):
        """Warns, with their number, if photos were left out since the last call."""
        if len(self.skipped) > self._told:
            name, reason = next(iter(self.skipped.items()))
            warnings.warn(
                f"{len(self.skipped)} of {len(self.photos)} photos were left out so far, others "
                f"are trained with instead; the first is {name}: {reason}",
                stacklevel=2,
            )
            self._told = len(self.skipped)

    def _pools(self, number):
        """Yields pools of crops, and the order in which they come, from a crop's number on."""
        count = len(self.photos)
        turn, rest = divmod(number, count * self.per_photo)
        pool, start = divmod(rest, self.pool_photos * self.per_photo)
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(1) as ahead:
            try:
                next_one = ahead.submit(self._pool, turn, pool, stop)
                while True:
                    crops, order = next_one.result()
                    last = (pool + 1) * self.pool_photos >= count
                    turn, pool = (turn + 1, 0) if last else (turn, pool + 1)
                    next_one = ahead.submit(self._pool, turn, pool, stop)
                    yield crops, order[start:]
                    start = 0
            finally:
                stop.set()

    def _pool(self, turn, pool, stop):
        photos = np.random.default_rng([self.seed, turn]).permutation(len(self.photos))
        photos = photos[pool * self.pool_photos :][: self.pool_photos]
        rng = np.random.default_rng([self.seed, turn, pool])
        draws = rng.random((len(photos), self.per_photo, DRAWS))
        order = rng.permutation(len(photos) * self.per_photo)
        crops = np.empty((*draws.shape[:2], self.size, self.size, self.channels), np.uint8)

        def fill(slots):
            return [
                i for i in slots if not stop.is_set() and self._fill(crops[i], photos[i], draws[i])
            ]

        workers = os.cpu_count() or 1
        parts = np.array_split(np.arange(len(photos)), min(len(photos), 8 * workers))
        with concurrent.futures.ThreadPoolExecutor(workers) as readers:
            filled = [i for part in readers.map(fill, parts) for i in part]
        # Others' photos for those that were left out, cut at places of their own.
        for lack, i in enumerate(sorted(set(range(len(photos))) - set(filled))):
            other = photos[filled[lack % len(filled)]] if filled else self._spare
            if not stop.is_set():
                self._fill(crops[i], other, draws[i])
        return crops.reshape(-1, *crops.shape[2:]), order

    def _fill(self, crops, index, draws):
        """Cuts a photo's crops; returns whether it can be read and is large enough."""
        photo = self._photo(index)
        if photo is None:
            return False
        height, width = photo.shape[:2]
        for number, (crop, draw) in enumerate(zip(crops, draws, strict=True)):
            if self.whole:
                part = part_of(photo, *draw[:3]) if number else photo
                part = squeezed(part, self.size)
            else:
                top = int(draw[0] * (height - self.size + 1))
                left = int(draw[1] * (width - self.size + 1))
                part = photo[top : top + self.size, left : left + self.size]
            for axis in self.axes:
                if draw[3 + axis] < 0.5:
                    part = part[::-1] if axis == 0 else part[:, ::-1]
            crop[...] = part
        return True

    def _photo(self, index):
        """The photo with a number, or `None`; kept in memory while there is room."""
        photo = self._cache.get(index)
        if photo is not None:
            return photo
        try:
            photo, reason = self.photos[index], ""
            if not self.whole and min(photo.shape[:2]) < self.size:
                reason = f"smaller than {self.size} x {self.size} pixels"
        except (ValueError, OSError) as error:
            reason = " ".join(str(error).split())
        if reason:
            names = getattr(self.photos, "names", None)
            self.skipped[f"{names[index] if names else 'photo'} ({index})"] = reason
            return None
        with self._lock:
            if self._cached + photo.nbytes <= CACHE_BYTES and index not in self._cache:
                self._cache[index] = photo
                self._cached += photo.nbytes
        return photo

    def _sample(self, source):
        """Some photos, far from each other, that can be trained with: their numbers."""
        count = len(self.photos)
        first = np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(int))
        good = [i for i in first if self._photo(i) is not None]
        rest = iter(set(range(count)) - set(first.tolist()))
        while not good:
            index = next(rest, None)
            if index is None:
                if any(reason.startswith("smaller") for reason in self.skipped.values()):
                    raise ValueError(
                        f"Expected photos of at least {self.size} x {self.size} pixels. "
                        "Received: none"
                    )
                raise FileNotFoundError(none_readable(source or "the sequence of photos", count))
            good = [index] if self._photo(index) is not None else []
        return good
