"""IPTC's digital source types: what a picture is by its origin."""

from tfwm.checks import nearest

BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# IPTC NewsCodes, scheme digitalsourcetype, without what was retired. The name, and what it means.
SOURCE_TYPES = {
    "trainedAlgorithmicMedia": "made by a trained model (generative AI)",
    "compositeWithTrainedAlgorithmicMedia": "a picture changed, or added to, by a trained model",
    "compositeSynthetic": "a composite in which at least one part is synthetic",
    "algorithmicMedia": "made by an algorithm that was not trained on samples",
    "dataDrivenMedia": "made by a program from data, such as a chart",
    "algorithmicallyEnhanced": "enhanced by an algorithm, with what it shows left as it was",
    "digitalCapture": "captured by a camera or scanner from a real scene",
    "computationalCapture": "captured from a real scene, by several frames or sensors",
    "compositeCapture": "a composite of captures of real scenes only",
    "composite": "a composite of several pictures",
    "negativeFilm": "digitized from a negative on film",
    "positiveFilm": "digitized from a positive on film, such as a slide",
    "print": "digitized from a print",
    "humanEdits": "a picture changed by a person with ordinary tools",
    "digitalCreation": "made by a person with digital tools",
    "virtualRecording": "recorded in a virtual scene, such as a game",
    "screenCapture": "captured from a screen",
}
# Those in which a trained model made what is seen, or part of it.
GENERATED = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
)
CAPTURED = (
    *("digitalCapture", "computationalCapture", "compositeCapture"),
    *("negativeFilm", "positiveFilm", "print"),
)


def to_uri(name):
    """Returns the URI of a digital source type.

    Args:
        name: such as `"trainedAlgorithmicMedia"`, or its URI.

    Raises:
        ValueError: it is unknown; the nearest name is told.

    Example:

    >>> to_uri("print")
    'http://cv.iptc.org/newscodes/digitalsourcetype/print'
    """
    return BASE + nearest("digital source type", to_name(str(name)), SOURCE_TYPES)


def to_name(uri):
    """Returns the name of a URI of IPTC's; any other text as it is.

    Example:

    >>> to_name("https://cv.iptc.org/newscodes/digitalsourcetype/print")
    'print'
    """
    plain = uri.strip().replace("https://", "http://", 1)
    return plain.removeprefix(BASE).removeprefix("digsrctype:")
