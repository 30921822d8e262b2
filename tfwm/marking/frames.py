"""Reads any frame of an animation, and its frames together."""

import itertools

import numpy as np

from tfwm.marking.canvas import Canvas
from tfwm.marking.reader import Reader
from tfwm.marking.search import candidates

# So many frames, spread over the animation, are read; one of them is searched further.
FRAMES_READ = 8
TOGETHER = "frames"


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
    readers, together = [], {}

    def trials():
        return sum(reader.trials for reader in readers)

    def reading(reader, stage, alignment, cells):
        cells, votes = reader.fitted(cells)
        return stage, alignment, votes, trials(), None, cells

    for number, frame in enumerate(chosen):
        readers.append(Reader(network, Canvas.of(network, frame), codec))
        if progress:
            progress(0.0, f"frame {number + 1} of {len(chosen)}")
        for stage, alignment in candidates(readers[-1], "none"):
            cells = readers[-1].cells(alignment.moved(pattern=0))
            together.setdefault(alignment, []).append(cells)
            yield reading(readers[-1], stage, alignment, [cells])
    for alignment, cells in together.items():
        yield reading(readers[0], TOGETHER, alignment, cells)
    for stage, alignment in itertools.filterfalse(
        lambda candidate: candidate[0] == "none", candidates(readers[0], search, progress)
    ):
        cells, read = readers[0].read(alignment)
        yield stage, alignment, read, trials(), None, [cells]
