"""`tfwm.load`: a trained network in use, whatever its kind."""

from typing import TYPE_CHECKING

from tfwm.startup import import_tensorflow, quiet

if TYPE_CHECKING:
    from tfwm.protection import Barrier, KeyedNetwork
    from tfwm.watermarker import Watermarker


def load(
    name: str = "photo", trust: bool = False, runtime: str = "auto"
) -> "Watermarker | Barrier | KeyedNetwork":
    """Opens a trained network for use on photos; its kind tells what comes back.

    A network that hides messages is opened at its first use; a wrong name or kind is an error at
    once, `watermarker.open()` opens it now. LiteRT runs it, without TensorFlow, if it comes as
    a TFLite file. TensorFlow's lines at its start are held back, unless `TF_CPP_MIN_LOG_LEVEL` is 0
    or 1.

    Args:
        name: a network that comes with tfwm (`tfwm list`), or the path of an exported one.
        trust: whether a SavedModel that does not come with tfwm may be run, see
            `tfwm.networks.load_network`. TFLite and Keras files need no trust.
        runtime: of a network that hides messages, `"auto"`, `"lite"` or `"tensorflow"`, see
            `tfwm.networks.load_network`.

    Returns:
        `tfwm.Watermarker` for a network that hides messages; `tfwm.protection.Barrier` for one
        that marks images with a picture; `tfwm.protection.KeyedNetwork` for one that does a task
        and marks what it gives.

    Example:

    >>> tfwm.load().embed("photo.jpg", "(c) Ada Lovelace").save("marked.png")
    >>> tfwm.load("barrier-derain")
    Barrier('barrier-derain')
    """
    from tfwm.networks import network_directory, read_card

    folder = network_directory(name)
    kind = read_card(folder)["kind"] if (folder / "card.json").is_file() else "message"
    if kind == "message":
        from tfwm import watermarker

        return watermarker.load(name, trust, runtime)
    import_tensorflow()
    with quiet():
        from tfwm import protection

        load_kind = protection.load_barrier if kind == "barrier" else protection.load_keyed
        return load_kind(folder)
