"""Marks all frames of an animation with one message, and reads any of them."""

import itertools

import numpy as np

from tfwm.images import ImageError, decode_any, encode_photo
from tfwm.marking.canvas import Canvas
from tfwm.marking.mark import LARGEST_STRENGTH, STRENGTH_STEP
from tfwm.marking.reader import Reader
from tfwm.marking.search import candidates

# So many frames, spread over the animation, are read; one of them is searched further.
FRAMES_READ = 8
TOGETHER = "frames"
# At least this share of the frames must read by themselves.
ENOUGH = 0.5


def mark_frames(animation, target, options, prepare, check, progress=None):
    """Marks each frame, and raises the strength of those that do not read with room to spare.

    Args:
        animation: `tfwm.images.Animation`.
        target: path of the file; its ending chooses the format.
        options: `tfwm.marking.EmbedOptions`.
        prepare: function of a `Photo` that returns its `Mark`.
        check: function of a mark, the marked photo, its decoded copy and the strength that
            returns a `Check`.
        progress: called with the share done, 0 to 1, and a line.

    Returns:
        `(encoded, check, notes)`: the bytes of the file; the weakest check of the frames that
        read; sentences about frames that do not.

    Raises:
        ImageError: fewer than half of the frames read.
    """
    tell = progress or (lambda share, text: None)
    count = len(animation.frames)
    marked, checks = list(animation.frames), [None] * count
    strengths, todo = [options.strength] * count, list(range(count))
    largest = options.strength * LARGEST_STRENGTH
    while todo:
        for done, number in enumerate(todo):
            tell(0.5 * done / len(todo), f"frame {number + 1} of {count}")
            mark = prepare(animation.frames[number])
            try:
                marked[number], strengths[number] = mark.at(strengths[number], options.psnr)
            except ImageError:  # a flat frame has no such PSNR, and stays as it is
                continue
        encoded = encode_photo(animation.with_frames(marked), target, options.quality)
        copies = _frames_of(decode_any(encoded), animation)
        for done, number in enumerate(todo):
            tell(0.5 + 0.5 * done / len(todo), f"frame {number + 1} of {count}")
            cover = animation.frames[number]
            checks[number] = check(cover, marked[number], copies[number], strengths[number])
        weak = [n for n in todo if checks[n].margin < options.margin or not checks[n].fits]
        todo = []
        if options.psnr is None:
            todo = [n for n in weak if strengths[n] * STRENGTH_STEP <= largest]
        for number in todo:
            strengths[number] *= STRENGTH_STEP
    return encoded, *_verdict(animation, checks, options)


def frame_readings(network, codec, animation, search, progress=None):
    """Reads some frames of an animation as they are, all of these together, and searches in one.

    Frames have the same message at the same place, so that their votes add up.

    Args:
        network: a network that carries messages.
        codec: `tfwm.payload.Codec`.
        animation: `tfwm.images.Animation`.
        search: see `candidates`.
        progress: called with the share done, 0 to 1, and the name of the stage.

    Yields:
        The arguments of `Judge.add`.
    """
    frames = animation.frames
    places = np.unique(np.linspace(0, len(frames) - 1, FRAMES_READ + 2).round().astype(int))
    chosen = [frames[n] for n in (places[1:-1] if len(places) > FRAMES_READ else places)]
    chosen.sort(key=lambda frame: -frame.pixels.std())  # flat ones, such as black, hold least
    readers, votes = [], {}

    def trials():
        return sum(reader.trials for reader in readers)

    for number, frame in enumerate(chosen):
        readers.append(Reader(network, Canvas.of(network, frame), codec))
        if progress:
            progress(0.0, f"frame {number + 1} of {len(chosen)}")
        for stage, alignment in candidates(readers[-1], "none"):
            read = readers[-1].votes(alignment)
            votes[alignment] = votes.get(alignment, 0) + read
            yield stage, alignment, read, trials(), None
    for number, (alignment, read) in enumerate(votes.items(), 1):
        yield TOGETHER, alignment, read, trials() + number, None
    for stage, alignment in itertools.filterfalse(
        lambda candidate: candidate[0] == "none", candidates(readers[0], search, progress)
    ):
        read = readers[0].votes(alignment)
        yield stage, alignment, read, trials() + len(votes), None


def _frames_of(copy, animation):
    """The decoded frame for each frame; encoders join neighbors that are alike."""
    frames, count = getattr(copy, "frames", [copy]), len(animation.frames)
    if len(frames) == count:
        return frames
    if animation.still_first and len(frames) == count - 1:
        return [frames[0], *frames]
    starts = np.cumsum([0, *getattr(copy, "durations", [0])[:-1]])
    times = np.cumsum([0, *animation.durations[:-1]])
    return [frames[max(np.searchsorted(starts, time, "right") - 1, 0)] for time in times]


def _verdict(animation, checks, options):
    good = [check for check in checks if check.fits and check.margin >= options.margin]
    if len(good) < ENOUGH * len(checks):
        raise ImageError(
            f"{animation.name} was not marked: {len(good)} of its {len(checks)} frames read with "
            f"{options.margin:g} times the signal needed; raise the strength, shorten the message, "
            "or take larger frames."
        )
    notes = []
    if len(good) < len(checks):
        weak = len(checks) - len(good)
        notes = [f"{weak} of {len(checks)} frames are too flat or too small to be read alone"]
    return min(good, key=lambda check: check.margin), notes
