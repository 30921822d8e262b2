"""The kinds of networks: which Keras models they consist of, and what their files answer to."""

import dataclasses

from tfwm.checks import nearest


@dataclasses.dataclass(frozen=True)
class Kind:
    """What every network of a kind has in common.

    Attributes:
        name: the `kind` in the card.
        keras_files: names of the two Keras files.
        signatures: names of the functions that SavedModel and TFLite files answer to.
        what: a few words for lists.
    """

    name: str
    keras_files: tuple[str, str]
    signatures: tuple[str, str]
    what: str


PAIR = ("embedder.keras", "extractor.keras"), ("embed", "extract")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("message", *PAIR, "hides messages in photos: tfwm embed"),
        Kind("barrier", *PAIR, "marks images with a picture: tfwm barrier"),
        Kind(
            "keyed",
            ("host.keras", "extractor.keras"),
            ("run", "extract"),
            "does a task, and its outputs carry the owner's mark: tfwm keyed",
        ),
    )
}


def kind_of(card):
    """Returns the `Kind` of a network by its card; a card without a kind is of `"message"`."""
    name = card.get("kind", "message")
    return KINDS[nearest("kind of network", name, KINDS)]
