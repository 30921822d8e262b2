"""One verdict over all that a picture says of its origin: manifest, mark, store, metadata.

Each layer can be right by itself and wrong together with another: a mark that was copied, a
manifest of another picture, a camera's manifest over a generated picture. So they are judged
together, and the verdict names the technique that it rests on.
"""

import dataclasses

from tfwm.checks import shortened
from tfwm.provenance.manifest import COMPONENT, PARENT
from tfwm.provenance.source_types import CAPTURED, GENERATED, SOURCE_TYPES
from tfwm.provenance.stamp import Stamp

SIGNED, RECOVERED, MARKED = "signed", "recovered", "marked"
CONTRADICTED, BROKEN, TOLD, NOTHING = "contradicted", "broken", "told", "nothing"
TECHNIQUES = {
    "both": "signed metadata and watermark",
    "manifest": "signed metadata",
    "mark": "watermark",
    "recovered": "watermark, and the signed metadata that it leads to",
    "likeness": "fingerprint, and the signed metadata that it leads to",
    "metadata": "metadata without a signature",
    "none": "none",
}
HIGH, LOW, NONE = "high", "low", "none"
# What is added where a manifest does not hold: whether the picture is the one that was signed.
SHOWN = {
    "same": "; the picture looks like the one that was signed",
    "unclear": "; it does not look like the picture that was signed: it was cut or changed much, "
    "or the manifest is another picture's",
}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a picture says of its origin, all layers together.

    Args:
        conclusion: `"signed"`: its manifest holds. `"recovered"`: it has none, and its mark leads
            to one that holds. `"marked"`: a mark, and no manifest that holds for this picture.
            `"contradicted"`: the layers do not agree. `"broken"`: its manifest does not hold.
            `"told"`: only metadata without a signature speak. `"nothing"`: no layer says anything,
            which does not mean that it was made by a camera or a person.
        technique: what the conclusion rests on, one of `TECHNIQUES`.
        confidence: `"high"`, `"low"` or `"none"`. High only where a signer whom one trusts signed
            this very file: mark and likeness can be copied, by work.
        source_type: name of IPTC's digital source type, by the layer that counts; `None` unknown.
        line: the conclusion in one sentence.
        contradictions: sentences, one for each pair of layers that do not agree.
        ask: host that a signpost names, or `None`.
    """

    conclusion: str
    technique: str
    confidence: str
    source_type: str | None
    line: str
    contradictions: tuple = ()
    ask: str | None = None

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "contradictions": list(self.contradictions)}

    def coarse(self):
        """Returns what a stranger may know: nothing that helps to take a mark out step by step.

        Returns:
            Dict of `conclusion`, `technique`, `confidence`, `generated` (`True`, `False`, or `None`
            if unknown) and `ask`: no p-values, no confidence of bits, no message.
        """
        known = self.source_type in GENERATED, self.source_type in CAPTURED
        return {
            "conclusion": self.conclusion,
            "technique": self.technique,
            "confidence": self.confidence,
            "generated": known[0] if any(known) else None,
            "ask": self.ask,
        }


def judge(*, manifest=None, mark=None, recovery=None, told=None, signpost=None, picture=None):
    """Returns the `Verdict` over the layers of one picture.

    Args:
        manifest: `ManifestReport` of the file; `None` if it has none.
        mark: `tfwm.marking.Extraction`; `None` if no mark was looked for.
        recovery: `Recovery`, what a store knows; `None` if it knows nothing or was not asked.
        told: name of the digital source type in the unsigned metadata, or `None`.
        signpost: `Signpost`, or `None`.
        picture: whether the file shows what its manifest was signed for, see `Recovery.picture`.

    Example:

    >>> judge(told="digitalCapture").conclusion
    'told'
    """
    conflicts = tuple(_conflicts(manifest, mark, recovery, told, picture))
    conclusion, technique, confidence, line, source = _conclusion(
        manifest, mark, recovery, told, picture
    )
    traces = mark is not None and mark.decision == "uncertain" and not mark.authentic
    if traces and conclusion in (BROKEN, TOLD, NOTHING):
        line = f"{line}; there are traces of a mark"
    if conflicts:
        conclusion, confidence = CONTRADICTED, NONE
        line = conflicts[0]
    elif source in SOURCE_TYPES and conclusion not in (BROKEN, NOTHING):
        line = f"{line}; it says: {SOURCE_TYPES[source]}"
    host = signpost.host if signpost is not None and signpost.decision == "present" else None
    if host and conclusion in (BROKEN, TOLD, NOTHING):
        line = f"{line}; its signpost says: ask {host}"
    return Verdict(conclusion, TECHNIQUES[technique], confidence, source, line, conflicts, host)


def _conclusion(manifest, mark, recovery, told, picture):
    """Conclusion, technique, confidence, line and digital source type, without the conflicts."""
    present = mark is not None and mark.accepted
    if manifest is not None and manifest.holds:
        line = f"a manifest that {_signer(manifest)} signed belongs to this file"
        if mark is not None and not present and any(b.network for b in manifest.soft_bindings):
            line += "; the mark that it names was not found (with the right key?)"
        # Anybody can sign, and name a mark that a manifest told: only who is trusted is sure.
        sure = HIGH if manifest.trust == "trusted" else LOW
        return SIGNED, "both" if present else "manifest", sure, line, manifest.source_type
    if recovery is not None and recovery.holds:
        whom, source = _signer(recovery.report), recovery.report.source_type
        if recovery.by != "watermark":
            line = f"no mark was found; the picture looks like one that {whom} signed"
            return RECOVERED, "likeness", LOW, line, source
        gone = f"does not hold ({manifest.problem})" if manifest is not None else "was stripped"
        line = f"its manifest {gone}, and the mark leads to one that {whom} signed"
        # Who copies a mark can nudge the picture until its fingerprint fits: never sure.
        return RECOVERED, "recovered", LOW, line, source
    if (
        present
        and manifest is not None
        and manifest.signature_holds
        and manifest.names(mark.message)
    ):
        line = f"it was changed after {_signer(manifest)} signed it, and still carries the mark "
        return MARKED, "recovered", LOW, f"{line}that its manifest names", manifest.source_type
    if present:
        but = f"its manifest proves nothing: {manifest.problem}" if manifest else "no manifest"
        if _is_another(recovery):
            but = f"{but}; another picture carries this message, which may be used for many"
        whose = "it carries the mark of this key"
        if mark.kind == "signature":
            whose = "it carries a signature, which no public key was named for"
            whose = f"{mark.signer} signed what it shows" if mark.signer else whose
        return MARKED, "mark", LOW, f"{whose}; {but}", None
    if manifest is not None:
        line = f"its manifest proves nothing: {manifest.problem}"
        return BROKEN, "none", NONE, f"{line}{SHOWN.get(picture, '')}", None
    if told in SOURCE_TYPES:
        line = "only metadata without a signature speak of its origin: anybody can write them"
        return TOLD, "metadata", LOW, line, told
    line = "nothing was found, which says nothing about its origin"
    if told is not None:
        line = f"its metadata name {shortened(told)} as its origin, which is none of IPTC's"
    return NOTHING, "none", NONE, line, None


def _is_another(recovery):
    """Whether the mark's message leads to a picture that shows something else."""
    return recovery is not None and recovery.by == "watermark" and recovery.picture == "another"


def _signer(report):
    words = {"unknown": " (who it is, nobody vouches for)", "test certificate": " (a mere test)"}
    return f"{report.signed_by or 'somebody without a name'}{words.get(report.trust, '')}"


def _conflicts(manifest, mark, recovery, told, picture):
    """Sentences about pairs of layers that do not agree, the gravest first."""
    if mark is not None and mark.decision == "copied":
        yield "the mark does not fit what the picture shows: it was carried, or much was changed"
    present = mark is not None and mark.accepted
    if recovery is not None and recovery.by == "watermark":
        if recovery.picture == "another":
            if recovery.drawn and present and not (manifest and manifest.holds):
                yield (
                    "the mark was copied from another picture: its id is that of one that shows "
                    "something else"
                )
        elif not recovery.names_binding:
            yield "the store's manifest does not name this mark"
        elif not recovery.report.holds:
            yield f"the manifest that the mark leads to does not hold: {recovery.report.problem}"
    if manifest is not None and not manifest.holds and picture == "another":
        yield "the manifest was copied from another picture: the signed one shows something else"
    if manifest is not None and present and mark.message is not None:
        if any(b.network for b in manifest.soft_bindings) and not manifest.names(mark.message):
            yield "the manifest names another mark than the picture carries"
    if manifest is not None and manifest.holds:
        if recovery is not None and recovery.holds and recovery.id != manifest.label:
            if recovery.by == "watermark":
                yield from _origins(
                    "the manifest", manifest.source_type, "mark", recovery.report.source_type
                )
        yield from _parents(manifest)
        yield from _origins("the manifest", manifest.source_type, "unsigned metadata", told)
        if present and Stamp.parse(mark.message) is not None:
            yield from _origins("the manifest", manifest.source_type, "mark", GENERATED[0])
    elif recovery is not None and recovery.holds and recovery.by == "watermark":
        yield from _origins("the mark", recovery.report.source_type, "unsigned metadata", told)


def _parents(manifest):
    """Of a photo, no part can have been generated; what was captured may be changed by a model."""
    for part in manifest.ingredients:
        if part.relationship in (PARENT, COMPONENT) and manifest.source_type in CAPTURED:
            made = next((kind for kind in part.source_types if kind in GENERATED), None)
            whose = "its parent's" if part.relationship == PARENT else "that of a part"
            yield from _origins("the manifest", manifest.source_type, whose, made)


def _origins(first, one, second, two):
    """A sentence if one source says that a picture was captured and another that it was made."""
    for a, b in ((GENERATED, CAPTURED), (CAPTURED, GENERATED)):
        if one in a and two in b:
            words = {True: "generated", False: "captured by a camera"}
            yield f"{first} says {words[one in GENERATED]}, {second} says {words[two in GENERATED]}"
