"""Figures 4 to 6 of Zhang et al., "Model watermarking for image processing networks", AAAI 2020.

Figure 4 takes barriers, by name or folder; 5 and 6 take folders of finished runs of
`tfwm.recipes.barrier`, which know their task and hold their surrogates. All take photos (folder,
`"bundled:SPLIT"`) and return a figure. Numbers under what was read are similarities to the
watermark.
"""

import numpy as np

from tfwm import data
from tfwm.data.tasks import build_task
from tfwm.evaluation.runs import BarrierRun
from tfwm.evaluation.suites.photos import Photos
from tfwm.images.arrays import to_uint8
from tfwm.images.drawing import picture_figure
from tfwm.images.pictures import amplify
from tfwm.images.quality import mean_quality
from tfwm.metrics import watermark_similarity
from tfwm.protection import load_barrier

NUM_PHOTOS = 2
SIZE = 2.2, 2.508  # of a picture and its caption, inches
WHITE_BOX = "unet-l2"


def figure_4(names, images):
    """Cover, marked image, residual and what is read from the marked one, of two photos each."""
    lines = []
    for barrier in map(load_barrier, names):
        for photo in Photos.of(images, barrier.channels == 3).images[:NUM_PHOTOS]:
            cover = np.atleast_3d(photo)
            marked = to_uint8(barrier.mark(cover[None])[0])
            quality = mean_quality(cover[None], marked[None])
            quality = f"marked, {quality['psnr']:.2f} dB, SSIM {quality['ssim']:.4f}"
            line = [(barrier.name, cover), (quality, marked)]
            line += [("residual × 10", amplify(cover, marked)), _read(barrier, marked)]
            lines.append([("watermark", to_uint8(barrier.watermark)), *line])
    return picture_figure(lines, *SIZE)


def figure_5(folders, images):
    """What is read from unmarked images a and b: for runs with and without the clean loss."""
    lines = []
    for run in map(BarrierRun.load, folders):
        barrier = run.barrier()
        before, after, marked = _pair(run, barrier, images)
        line = []
        for name, image in (("a", before), ("b", after), ("b', marked", marked)):
            if image.shape[-1] == barrier.channels:
                line += [(name, image), _read(barrier, image)]
        lines.append([(run.name, to_uint8(barrier.watermark)), *line])
    return picture_figure(lines, *SIZE)


def figure_6(folders, images):
    """What is read from a surrogate's output: for runs with and without the consistency loss."""
    lines = []
    for run in map(BarrierRun.load, folders):
        if not run.surrogates:
            raise ValueError(f"Expected a run with a surrogate. Received: {run.folder}, no attack")
        name = WHITE_BOX if WHITE_BOX in run.surrogates else run.surrogates[0]
        barrier = run.barrier()
        before, _, marked = _pair(run, barrier, images)
        copied = to_uint8(np.asarray(run.surrogate(name)(before[None] / np.float32(255)))[0])
        line = [("a", before), ("b', marked", marked), _read(barrier, marked)]
        line += [(f"b'', output of {name}", copied), _read(barrier, copied)]
        lines.append([(run.name, to_uint8(barrier.watermark)), *line])
    return picture_figure(lines, *SIZE)


def _pair(run, barrier, images):
    """Input, target and marked output of the run's task for one photo, uint8."""
    config = run.config
    task = build_task(config["task"])
    crops = data.task_crops(images, task, config["crop_size"], config["seed"], 1, config["whole"])
    before, after = data.all_pairs(crops[:1], task, config["seed"])
    marked = barrier.mark(before if config.get("task_specific") else after)
    return tuple(to_uint8(images[0]) for images in (before, after, marked))


def _read(barrier, image):
    read = barrier.read(image[None])
    return f"read, {watermark_similarity(barrier.watermark, read)[0]:.3f}", to_uint8(read[0])
