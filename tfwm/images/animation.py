"""Animations: GIF, WebP, PNG (APNG) and AVIF with several frames."""

import dataclasses
import io

import numpy as np
from PIL import Image

from tfwm.checks import one_line
from tfwm.images.arrays import to_uint8
from tfwm.images.deep import is_deep
from tfwm.images.photo import DamagedError, ImageError, Photo
from tfwm.startup import muted

ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
COLORS = 256


@dataclasses.dataclass
class Animation:
    """The frames of an animation, whole pictures of one size.

    Args:
        frames: list of `Photo`, all gray or all RGB, all with transparency or none.
        durations: milliseconds for which each frame is shown.
        plays: how often it is shown; 0 for ever.
        metadata: see `Photo`.
        notes: see `Photo`.
        losses: see `Photo`.
        name: see `Photo`.
        file_format: see `Photo`.
        still_first: whether the first frame is a still picture for programs that show no
            animations (APNG).
        rows_read: share of the frames that a damaged file held, 0 to 1.
        encoding: see `Photo`; not told.
    """

    frames: list
    durations: list
    plays: int = 0
    metadata: dict = dataclasses.field(default_factory=dict)
    notes: list = dataclasses.field(default_factory=list)
    losses: list = dataclasses.field(default_factory=list)
    name: str = "animation"
    file_format: str | None = None
    still_first: bool = False
    rows_read: float = 1.0
    encoding: object = None

    @property
    def pixels(self):
        """The pixels of the first frame."""
        return self.frames[0].pixels

    @property
    def middle(self):
        """The frame in the middle, which stands for all."""
        return self.frames[len(self.frames) // 2]

    def with_frames(self, frames):
        """Returns a copy with other frames."""
        return dataclasses.replace(self, frames=list(frames))


def read_frames(image, name, read_one, most_pixels, damaged=False):
    """Reads all frames of an animation.

    Args:
        image: `PIL.Image.Image` with several frames.
        name: for errors.
        read_one: function of a `PIL.Image.Image` and a name that returns a `Photo`.
        most_pixels: limit of the pixels of all frames together.
        damaged: whether to leave out what comes after the first frame that cannot be read.

    Returns:
        `Animation`.
    """
    count, (width, height) = image.n_frames, image.size
    if count * width * height > most_pixels:
        raise ImageError(
            f"{name} is too large: {count} frames of {width} x {height} pixels, expected at most "
            f"{most_pixels / 1e6:.1f} megapixels in all; cut or scale it down."
        )
    still_first = bool(image.info.get("default_image"))
    plays, deep = _plays(image), is_deep(image)
    frames, durations, notes = [], [], []
    for number in range(count):
        try:
            with muted():
                image.seek(number)
                image.load()
            frame = image.copy() if number else image
        except Exception as error:  # as many as Pillow raises
            if damaged and number:
                notes = [f"the file is cut off: its first frames were read, {number} of them"]
                break
            raise DamagedError(
                f"{name} is damaged or cut off (frame {number + 1} of {count}: "
                f"{one_line(error, 100)}): copy or download it again."
            ) from error
        durations.append(float(image.info.get("duration") or 0))
        if number and frame.mode == "P":
            frame = frame.convert("RGBA" if "transparency" in frame.info else "RGB")
        frames.append(_eight_bit(read_one(frame, name)))
    notes += ["16-bit color was read as 8-bit"] if deep else []
    first = frames[0]
    return Animation(
        frames=_alike(frames),
        durations=durations,
        plays=plays,
        metadata=first.metadata,
        notes=[*notes, *first.notes],
        losses=first.losses,
        name=name,
        file_format=image.format,
        still_first=still_first,
        rows_read=len(frames) / count,
    )


def check_holds(animation, file_format):
    """Raises `ImageError` if a format does not hold several frames."""
    if file_format not in ANIMATED:
        raise ImageError(
            f"{animation.name} holds {len(animation.frames)} frames, {file_format} holds one: save "
            "as .webp, .png or .gif."
        )


def encode_frames(animation, file_format, options):
    """Returns the bytes of a file with all frames of an animation.

    Args:
        animation: `Animation`.
        file_format: `"GIF"`, `"WEBP"`, `"PNG"` or `"AVIF"`.
        options: for Pillow's `save`.
    """
    check_holds(animation, file_format)
    frames, durations = animation.frames, list(animation.durations)
    still = animation.still_first and file_format == "PNG"
    if animation.still_first:
        durations = durations[1:]
        frames = frames if still else frames[1:]
    images = [(to_palette if file_format == "GIF" else Photo.to_pil)(frame) for frame in frames]
    for image in images:
        image.info = {key: image.info[key] for key in ("transparency",) if key in image.info}
    how = _options(animation, file_format, still)
    buffer = io.BytesIO()
    try:
        how["duration"] = durations if file_format == "PNG" else [round(d) for d in durations]
        images[0].save(
            buffer, file_format, save_all=True, append_images=images[1:], **{**options, **how}
        )
    except Exception as error:  # as many as Pillow raises
        raise ImageError(
            f"{animation.name} cannot be saved as {file_format} ({one_line(error)}): choose "
            "another format."
        ) from error
    return buffer.getvalue()


def to_palette(photo):
    """Returns a photo as a `PIL.Image.Image` with a palette: 256 colors, dithered."""
    clear = None if photo.alpha is None else photo.alpha == 0
    if clear is not None and np.any(~clear & (photo.alpha < 255)):
        raise ImageError(
            f"GIF holds no half-transparent pixels, {photo.name} has some: save as .webp or .png."
        )
    colors = photo.to_pil().convert("RGB")
    palette = colors.quantize(COLORS - (clear is not None), method=Image.Quantize.MAXCOVERAGE)
    image = colors.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    if clear is not None:
        image.paste(COLORS - 1, mask=Image.fromarray(clear.astype(np.uint8) * 255))
        image.info["transparency"] = COLORS - 1
    return image


def _plays(image):
    """How often an animation is shown; a GIF counts the repetitions, if it has any."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loop is None else loop and loop + 1
    return loop or 0


def _options(animation, file_format, still):
    if file_format == "GIF":
        # Frames are whole pictures: clear ones must not show what was before them.
        clear = animation.frames[0].alpha is not None
        loop = {"loop": max(animation.plays - 1, 0)} if animation.plays != 1 else {}
        return {**loop, "disposal": 2 if clear else 1, "optimize": False}
    if file_format == "WEBP":
        # Only key frames: else libwebp can lose transparency on top of opaque frames.
        return {"loop": animation.plays, "kmin": 0, "kmax": 1}
    if file_format == "PNG":
        return {"loop": animation.plays, "default_image": still, "blend": 0, "disposal": 0}
    return {}


def _eight_bit(photo):
    photo.pixels = to_uint8(photo.pixels)
    photo.alpha = None if photo.alpha is None else to_uint8(photo.alpha)
    return photo


def _alike(frames):
    """Frames of one mode: color if any is in color, with transparency if any has some."""
    channels = max(frame.pixels.shape[2] for frame in frames)
    clear = any(frame.alpha is not None for frame in frames)
    for frame in frames:
        if frame.pixels.shape[2] < channels:
            frame.pixels = np.repeat(frame.pixels, channels, axis=2)
        if clear and frame.alpha is None:
            frame.alpha = np.full(frame.pixels.shape[:2], 255, np.uint8)
    return frames
