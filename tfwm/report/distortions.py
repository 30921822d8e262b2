"""What happens to a marked photo, and whether its message is read afterwards."""

import dataclasses
import functools

from tfwm.marking import Alignment
from tfwm.report.pictures import thumbnail
from tfwm.report.words import in_words


@dataclasses.dataclass(frozen=True)
class DistortionResult:
    """What was read from one distorted copy.

    Args:
        name: of the distortion.
        label: the distortion and its level in words.
        level: number.
        counted: whether reports count it.
        survives: whether the message was read and the decision is `"present"`.
        decision: see `tfwm.marking.Extraction`; `None` if the distortion cannot run here.
        p_value: likewise.
        corrected_errors: likewise.
        alignment: `tfwm.marking.Alignment`, or `None`.
        size: `(height, width)` of the copy.
        found: the alignment in words, or why the distortion cannot run here.
        picture: `data:` address of a thumbnail.
    """

    name: str
    label: str
    level: float
    counted: bool
    survives: bool
    decision: str | None = None
    p_value: float | None = None
    corrected_errors: int | None = None
    alignment: Alignment | None = None
    size: tuple | None = None
    found: str = ""
    picture: str = dataclasses.field(default="", repr=False)

    def to_dict(self):
        """Returns plain values, ready for JSON, without the picture."""
        values = dataclasses.asdict(self)
        del values["picture"]
        return values


def try_distortions(image, suite, read, message, progress):
    """Applies all distortions of a suite to a marked uint8 photo and reads each copy.

    `read` is a function from a copy to an `Extraction`. Returns a list of `DistortionResult`.
    """
    columns = [(d, level) for d in suite.distortions for level in d.levels]
    results = []
    for number, (distortion, level) in enumerate(columns):
        label = f"{distortion.label} {distortion.show(level)}".strip()
        progress(number / len(columns), label)
        result = functools.partial(DistortionResult, distortion.name, label, level)
        if distortion.missing:
            results.append(result(counted=False, survives=False, found=distortion.missing))
            continue
        copy = distortion.apply(image, level, cover=image)
        found = read(copy)
        present = found.decision == "present"
        results.append(
            result(
                counted=distortion.counts(level),
                survives=present and found.message == message,
                decision=found.decision,
                p_value=found.p_value,
                corrected_errors=found.corrected_errors,
                alignment=found.alignment if present else None,
                size=copy.shape[:2],
                found=in_words(found.alignment, *copy.shape[:2]) if present else "",
                picture=thumbnail(copy),
            )
        )
    return results
