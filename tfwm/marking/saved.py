"""Marks photos and animations so strongly that their files read with room to spare."""

import numpy as np

from tfwm.images import (
    KEEP,
    Animation,
    ImageError,
    decode_any,
    decode_photo,
    encode_photo,
    encodings,
    ending_of,
    format_of,
    read_any,
    told_losses,
)
from tfwm.images.animation import check_holds
from tfwm.images.encoding import default_encoding
from tfwm.marking.check import BESIDE, FileReport
from tfwm.marking.earlier import objection_of, refuse
from tfwm.marking.mark import LARGEST_STRENGTH, STRENGTH_STEP
from tfwm.marking.strength import STRONGEST

# At least this share of an animation's frames must read by themselves.
ENOUGH = 0.5
HALF = "half of the places hold no more; "
ALONE = "no mark was noticed in it; the new one takes half of the places all the same"


def mark_any(
    watermarker, source, output, message, options, lane, *, file_format=KEEP, progress=None
):
    """Does the work of `tfwm.Watermarker.mark_file`, which describes the arguments."""
    cover = read_any(source)
    target = f"marked{ending_of(cover, file_format)}" if output is None else output

    def prepare(photo, like=None):
        with lane():
            return watermarker.prepare(photo, message, **options.placing, like=like)

    def check(photo, marked, copy, strength):
        with lane():
            what = strength, message, options.key, options.signpost
            return watermarker.check_copy(photo, marked, copy, *what)

    with lane():
        earlier = watermarker.earlier_mark(cover, key=options.key)
    refuse(cover.name, objection_of(watermarker, earlier, options.key, options.over))
    saved = mark_frames if isinstance(cover, Animation) else mark_photo
    encoded, best, encoding, notes = saved(cover, target, options, prepare, check, progress)
    values = best.strength, best.psnr, best.p_value, best.margin
    laid = (ALONE,) if options.over == BESIDE else ()
    if earlier:
        laid = (earlier.note(options.over),)
    if earlier and options.over is not True:
        with lane():
            earlier.check_kept(watermarker, encoded, cover.name)
    notes = (*cover.notes, *notes, *laid, *told_losses(cover, target))
    size = cover.encoding and cover.encoding.size
    return encoded, FileReport(
        cover.name, str(target), message, *values, notes, encoding, len(encoded), size
    )


def mark_photo(cover, target, options, prepare, check, progress=None):
    """Marks a photo at the first strength, and in the smallest file, that read with room to spare.

    Args:
        cover: `tfwm.images.Photo`.
        target: path of the file; its ending chooses the format.
        options: `tfwm.marking.EmbedOptions`.
        prepare: function of a `Photo`, and perhaps of one whose pattern it gets, to its `Mark`.
        check: function of a photo, the marked photo, its decoded copy and the strength that
            returns a `Check`.
        progress: not called: this takes a second.

    Returns:
        `(encoded, check, encoding, notes)`: the bytes of the file, the `Check` of what was read
        from it, its `tfwm.images.Encoding`, and sentences for the report.

    Raises:
        ImageError: it does not read with room to spare.
    """
    mark = prepare(cover)
    tried = encodings(cover, format_of(target), options.quality)
    for marked, strength in mark.attempts(options.strength, options.psnr):
        for encoding in tried:
            encoded = encode_photo(marked, target, encoding)
            best = check(cover, marked, decode_photo(encoded), strength)
            if best.fits and best.margin >= options.room:
                return encoded, best, encoding, mark.notes
    reason = best.reason
    if best.fits:
        reason = (
            f"at strength {best.strength:.3g} ({best.psnr:.1f} dB) {reason}, but "
            f"{options.room:g} times are wanted: "
        )
        reason += HALF if options.over == BESIDE else "raise the strength or the quality, "
        reason += "shorten the message, or take a larger photo"
    raise ImageError(f"{cover.name} was not marked: {reason}.")


def mark_frames(animation, target, options, prepare, check, progress=None):
    """Marks each frame, and raises the strength of those that do not read with room to spare.

    Args:
        animation: `tfwm.images.Animation`.
        target: see `mark_photo`, also for `options`, `prepare` and `check`.
        progress: called with the share done, 0 to 1, and a line.

    Returns:
        As `mark_photo`, with the weakest check of the frames that read.

    Raises:
        ImageError: fewer than half of the frames read.
    """
    check_holds(animation, format_of(target))
    encoding = default_encoding(format_of(target), options.quality)
    tell = progress or (lambda share, text: None)
    count = len(animation.frames)
    marked, checks = list(animation.frames), [None] * count
    strengths, todo = [options.strength] * count, list(range(count))
    largest = min(options.strength * LARGEST_STRENGTH, STRONGEST)
    while todo:
        for done, number in enumerate(todo):
            tell(0.5 * done / len(todo), f"frame {number + 1} of {count}")
            mark = prepare(animation.frames[number], animation.frames[0])
            try:
                marked[number], strengths[number] = mark.at(strengths[number], options.psnr)
            except ImageError:  # a flat frame has no such PSNR, and stays as it is
                continue
        encoded = encode_photo(animation.with_frames(marked), target, encoding)
        copies = _frames_of(decode_any(encoded), animation)
        for done, number in enumerate(todo):
            tell(0.5 + 0.5 * done / len(todo), f"frame {number + 1} of {count}")
            cover = animation.frames[number]
            checks[number] = check(cover, marked[number], copies[number], strengths[number])
        weak = [n for n in todo if checks[n].margin < options.room or not checks[n].fits]
        todo = []
        if options.psnr is None:
            todo = [n for n in weak if strengths[n] * STRENGTH_STEP <= largest]
        for number in todo:
            strengths[number] *= STRENGTH_STEP
    best, notes = _verdict(animation, checks, options)
    return encoded, best, encoding, notes


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
    good = [check for check in checks if check.fits and check.margin >= options.room]
    if len(good) < ENOUGH * len(checks):
        raise ImageError(
            f"{animation.name} was not marked: {len(good)} of its {len(checks)} frames read with "
            f"{options.room:g} times the signal needed; raise the strength, shorten the message, "
            "or take larger frames."
        )
    notes = []
    if len(good) < len(checks):
        weak = len(checks) - len(good)
        notes = [f"{weak} of {len(checks)} frames are too flat or too small to be read alone"]
    return min(good, key=lambda check: check.margin), notes
