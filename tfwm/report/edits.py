"""What happens to a marked photo, and whether its message is read afterwards."""

import dataclasses

from tfwm.distortions import missing
from tfwm.evaluation.messages.run import edit
from tfwm.marking import Alignment
from tfwm.report.pictures import thumbnail
from tfwm.report.words import in_words


@dataclasses.dataclass(frozen=True)
class EditResult:
    """What was read from one edited copy.

    Args:
        name: of the distortion.
        label: the edit and its level in words.
        level: number.
        counted: whether reports count it.
        survives: whether the message was read and the decision is `"present"`.
        decision: see `tfwm.marking.Extraction`; `None` if the edit could not be done.
        p_value: likewise.
        corrected_errors: likewise.
        alignment: `tfwm.marking.Alignment`, or `None`.
        size: `(height, width)` of the copy.
        found: the alignment in words, or why the edit could not be done.
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


def try_edits(image, suite, read, message, tell):
    """Edits a marked photo in all ways of a suite and reads each copy.

    Args:
        image: uint8 marked photo.
        suite: `tfwm.evaluation.Suite`.
        read: function from a uint8 copy to an `Extraction`.
        message: what should be read.
        tell: called with the share done and a few words.

    Returns:
        List of `EditResult`.
    """
    columns = [(attack, level) for attack in suite.attacks for level in attack.levels]
    results = []
    for number, (attack, level) in enumerate(columns):
        label = f"{attack.label} {attack.show(level)}".strip()
        tell(number / len(columns), label)
        known = {
            "name": attack.name,
            "label": label,
            "level": level,
            "counted": level not in attack.unpromising,
        }
        reason = missing(attack.name)
        if reason:
            results.append(EditResult(**known | {"counted": False}, survives=False, found=reason))
            continue
        copy = edit(image, attack, level, seed=0, number=0, cover=image)
        found = read(copy)
        present = found.decision == "present"
        results.append(
            EditResult(
                **known,
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
