"""The table of distortions, which fills itself, and the one function that applies them."""

import inspect

import numpy as np
from PIL import features

DISTORTIONS = {}
RANDOM = set()
NEEDS_COVER = set()
# A reader of these must find size and place again; suites of bits in known places cannot.
CHANGES_SIZE = set()
_CODECS = {}


def distortion(changes_size: bool = False, codec: str | None = None):
    """Registers a function as the distortion of its name.

    Args:
        changes_size: whether the result may have another height and width.
        codec: a codec that Pillow must have for it, such as `"webp"`, or `None`.

    Returns:
        A decorator. What the function's parameters `generator` and `cover` say is registered
        too: the distortion is random, or needs the cover.

    Example:

    >>> @distortion()
    ... def negative(image, level=None):
    ...     return 255 - image
    >>> int(distort("negative", np.zeros((8, 8), np.uint8), None).min())
    255
    >>> del DISTORTIONS["negative"]
    """

    def register(function):
        name = function.__name__
        parameters = inspect.signature(function).parameters
        DISTORTIONS[name] = function
        for names, member in (
            (RANDOM, "generator" in parameters),
            (NEEDS_COVER, "cover" in parameters),
            (CHANGES_SIZE, changes_size),
        ):
            if member:
                names.add(name)
        if codec:
            _CODECS[name] = codec
        return function

    return register


def distort(
    name: str,
    image: np.ndarray,
    level: float | None,
    generator: np.random.Generator | None = None,
    cover: np.ndarray | None = None,
    **options,
) -> np.ndarray:
    """Applies a distortion and passes on only the arguments that it needs.

    Args:
        name: a key of `DISTORTIONS`.
        image: uint8, `(H, W)` or `(H, W, 3)`.
        level: the distortion's parameter; its docstring explains it.
        generator: `numpy.random.Generator`, needed by those in `RANDOM`.
        cover: uint8 like `image`, needed by those in `NEEDS_COVER`.
        **options: further arguments of the distortion, such as `subsampling` of `jpeg`.

    Returns:
        uint8 image of the same shape; those in `CHANGES_SIZE` may return another height and
        width.

    Example:

    >>> image = np.full((64, 64), 100, np.uint8)
    >>> noisy = distort("gaussian_noise", image, 5, np.random.default_rng(0))
    >>> noisy.shape, noisy.dtype.name
    ((64, 64), 'uint8')
    """
    if name not in DISTORTIONS:
        raise ValueError(f"Expected one of {sorted(DISTORTIONS)}. Received: name={name!r}")
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            "Expected a uint8 image (H, W) or (H, W, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    if name in RANDOM:
        if generator is None:
            raise ValueError(f"Expected a numpy Generator for {name}. Received: generator=None")
        options["generator"] = generator
    if name in NEEDS_COVER:
        if cover is None:
            raise ValueError(f"Expected the cover image for {name}. Received: cover=None")
        options["cover"] = cover
    return DISTORTIONS[name](image, level, **options)


def missing(name: str) -> str | None:
    """Returns why a distortion cannot run here, or `None` if it can.

    Example:

    >>> missing("jpeg")
    """
    codec = _CODECS.get(name)
    if codec is None or features.check(codec):
        return None
    return f"Pillow is without {codec.upper()}; another build or a newer one has it"
