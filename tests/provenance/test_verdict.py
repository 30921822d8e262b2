import dataclasses
import json

import pytest

from tfwm.marking import Extraction
from tfwm.provenance import ManifestReport, Recovery, Signpost, judge
from tfwm.provenance.reading import Ingredient, SoftBinding
from tfwm.provenance.verdict import TECHNIQUES, Verdict

BINDING = SoftBinding("org.tfwm.photo.1", "AWFkYQ==", "photo", b"ada")
SIGNED = ManifestReport(
    "valid",
    signature_holds=True,
    hash_holds=True,
    label="urn:c2pa:1",
    signed_by="ACME",
    source_type="trainedAlgorithmicMedia",
    soft_bindings=(BINDING,),
)
BROKEN = dataclasses.replace(SIGNED, state="invalid", problem="the file was changed")
BACK = Recovery("watermark", "urn:c2pa:1", SIGNED, True, "same")
OTHER = dataclasses.replace(BACK, picture="another")
COPIED = dataclasses.replace(OTHER, drawn=True)


def mark(decision="present", message=b"ada"):
    kind = "bytes" if message else None
    return Extraction(message, kind, decision, "", 1e-30, 1e-6, 4.0, None, 0, None)


def with_parent(kind, parent, relation="parentOf", before=None):
    types = tuple(filter(None, (parent, before)))
    part = Ingredient("a.jpg", relation, "urn:c2pa:0", None, types)
    return dataclasses.replace(SIGNED, source_type=kind, ingredients=(part,))


CASES = {
    "nothing at all": ({}, "nothing", "none", "none"),
    "unmarked": ({"mark": mark("absent", None)}, "nothing", "none", "none"),
    "metadata": ({"told": "digitalCapture"}, "told", "metadata", "low"),
    "manifest": ({"manifest": SIGNED}, "signed", "manifest", "low"),
    "manifest of a signer who is trusted": (
        {"manifest": dataclasses.replace(SIGNED, state="trusted", trust="trusted")},
        *("signed", "manifest", "high"),
    ),
    "changed, and marked as its manifest says": (
        {"manifest": BROKEN, "mark": mark(), "picture": "same"},
        *("marked", "recovered", "low"),
    ),
    "changed, and marked as a trusted signer's manifest says": (
        {
            "manifest": dataclasses.replace(BROKEN, trust="trusted"),
            "mark": mark(),
            "picture": "same",
        },
        *("marked", "recovered", "low"),
    ),
    "marked, and what its manifest says was changed": (
        {"manifest": dataclasses.replace(BROKEN, signature_holds=False), "mark": mark()},
        *("marked", "mark", "low"),
    ),
    "changed, and marked, with a manifest that names no mark": (
        {"manifest": dataclasses.replace(BROKEN, soft_bindings=()), "mark": mark()},
        *("marked", "mark", "low"),
    ),
    "both": ({"manifest": SIGNED, "mark": mark()}, "signed", "both", "low"),
    "both, of a signer who is trusted": (
        {"manifest": dataclasses.replace(SIGNED, trust="trusted"), "mark": mark()},
        *("signed", "both", "high"),
    ),
    "stripped": ({"mark": mark(), "recovery": BACK}, "recovered", "recovered", "low"),
    "cut": (
        {"mark": mark(), "recovery": dataclasses.replace(BACK, picture="unclear")},
        *("recovered", "recovered", "low"),
    ),
    "likeness": (
        {"recovery": dataclasses.replace(BACK, by="fingerprint")},
        *("recovered", "likeness", "low"),
    ),
    "mark alone": ({"mark": mark()}, "marked", "mark", "low"),
    "eight bytes of one's own, which another picture carries too": (
        {"mark": mark(message=b"an id 8b"), "recovery": OTHER},
        *("marked", "mark", "low"),
    ),
    "a layer's id, which all of its pictures carry": (
        {"mark": mark(message="gen:acme/3.1/batch-00004"), "recovery": OTHER},
        *("marked", "mark", "low"),
    ),
    "signed, and an id that leads to another picture": (
        {"manifest": SIGNED, "mark": mark(), "recovery": COPIED},
        *("signed", "both", "low"),
    ),
    "a message that another picture carries": (
        {"mark": mark(), "recovery": OTHER},
        *("marked", "mark", "low"),
    ),
    "metadata that name what is no source type": ({"told": "lorem"}, "nothing", "none", "none"),
    "a photo with a model's changes": (
        {"manifest": with_parent("compositeWithTrainedAlgorithmicMedia", "digitalCapture")},
        *("signed", "manifest", "low"),
    ),
    "a photo that a model was given": (
        {"manifest": with_parent("digitalCapture", "trainedAlgorithmicMedia", "inputTo")},
        *("signed", "manifest", "low"),
    ),
    "broken": ({"manifest": BROKEN}, "broken", "none", "none"),
    "edited": (
        {"manifest": BROKEN, "mark": mark(), "recovery": BACK},
        *("recovered", "recovered", "low"),
    ),
}
CONFLICTS = {
    "the mark was copied from another picture": {
        "mark": mark(),
        "recovery": COPIED,
    },
    "captured by a camera, its parent's says generated": {
        "manifest": with_parent("digitalCapture", "digitalCapture", before="compositeSynthetic")
    },
    "captured by a camera, that of a part says generated": {
        "manifest": with_parent("print", "trainedAlgorithmicMedia", "componentOf")
    },
    "does not name this mark": {
        "mark": mark(),
        "recovery": dataclasses.replace(BACK, names_binding=False),
    },
    "that the mark leads to does not hold": {
        "mark": mark(),
        "recovery": dataclasses.replace(BACK, report=BROKEN),
    },
    "does not fit what the picture shows": {"mark": mark("copied")},
    "names another mark": {"manifest": SIGNED, "mark": mark(message=b"eve")},
    "the manifest was copied from another picture": {"manifest": BROKEN, "picture": "another"},
    "manifest says generated, unsigned metadata says captured by a camera": {
        "manifest": SIGNED,
        "told": "digitalCapture",
    },
    "manifest says captured by a camera, mark says generated": {
        "manifest": dataclasses.replace(
            SIGNED, label="urn:c2pa:2", source_type="digitalCapture", soft_bindings=()
        ),
        "mark": mark(),
        "recovery": BACK,
    },
    "the manifest says captured by a camera, mark says generated": {
        "manifest": dataclasses.replace(SIGNED, source_type="digitalCapture", soft_bindings=()),
        "mark": mark(message="gen:acme/3.1/Zk3vT0aLq9w"),
    },
    "mark says generated, unsigned metadata says captured by a camera": {
        "mark": mark(),
        "recovery": BACK,
        "told": "digitalCapture",
    },
}


@pytest.mark.parametrize("layers, conclusion, technique, confidence", CASES.values(), ids=CASES)
def test_layers_that_agree(layers, conclusion, technique, confidence):
    verdict = judge(**layers)
    assert (verdict.conclusion, verdict.confidence) == (conclusion, confidence), verdict
    assert verdict.technique == TECHNIQUES[technique] and not verdict.contradictions
    assert verdict.line and "\n" not in verdict.line


@pytest.mark.parametrize("told, layers", CONFLICTS.items(), ids=list(CONFLICTS))
def test_layers_that_do_not_agree(told, layers):
    verdict = judge(**layers)
    assert verdict.conclusion == "contradicted" and verdict.confidence == "none"
    assert any(told in line for line in verdict.contradictions), verdict.contradictions
    assert verdict.line == verdict.contradictions[0]


def test_a_mark_that_the_manifest_names_and_nobody_finds_is_told():
    line = judge(manifest=SIGNED, mark=mark("absent", None)).line
    assert "the mark that it names was not found" in line and "trained model" in line
    assert "there are traces of a mark" in judge(mark=mark("uncertain", None)).line


def test_only_what_a_trusted_signer_signed_is_sure():
    """Mark and likeness can be copied: a residual, and a nudge of the lowest frequencies."""
    for layers, *_, confidence in CASES.values():
        manifest = layers.get("manifest")
        is_sure = manifest is not None and manifest.holds and manifest.trust == "trusted"
        assert (confidence == "high") == is_sure


def test_whether_a_broken_manifest_s_picture_is_shown_is_told():
    assert "looks like the one that was signed" in judge(manifest=BROKEN, picture="same").line
    line = judge(manifest=BROKEN, picture="unclear").line
    assert "it was cut or changed much, or the manifest is another picture's" in line
    assert "which may be used for many" in judge(mark=mark(), recovery=OTHER).line
    assert "name 'lorem' as its origin, which is none of IPTC's" in judge(told="lorem").line


def test_strangers_learn_no_more_than_the_conclusion():
    signpost = Signpost("example.org", "present", "", 1e-30)
    verdict = judge(mark=mark(), recovery=BACK, signpost=signpost)
    assert verdict.ask == "example.org"
    assert verdict.coarse() == {
        "conclusion": "recovered",
        "technique": TECHNIQUES["recovered"],
        "confidence": "low",
        "generated": True,
        "ask": "example.org",
    }
    alone = judge(mark=mark("absent", None), signpost=signpost)
    assert alone.conclusion == "nothing" and "ask example.org" in alone.line
    assert judge(told="print").coarse()["generated"] is False
    assert judge(told="screenCapture").coarse()["generated"] is None
    assert judge(signpost=dataclasses.replace(signpost, decision="uncertain")).ask is None
    assert json.dumps(verdict.to_dict()) and isinstance(verdict, Verdict)
