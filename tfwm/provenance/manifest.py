"""What a manifest says: the definition that is signed, in C2PA's words."""

import dataclasses
import datetime
import re

from tfwm.checks import shortened
from tfwm.provenance.binding import LABEL
from tfwm.provenance.source_types import to_name, to_uri
from tfwm.version import __version__

ACTIONS = "c2pa.actions.v2"
CREATED, OPENED, EDITED = "c2pa.created", "c2pa.opened", "c2pa.edited"
# What a verdict must know of a mark, as only its maker does: an assertion of our own.
MARK = "org.tfwm.mark"
PLACED, WATERMARKED = "c2pa.placed", "c2pa.watermarked.bound"
PARENT, COMPONENT, INPUT = "parentOf", "componentOf", "inputTo"
LONGEST = 1000
SURROGATE = re.compile("[\ud800-\udfff]")  # what no UTF-8 holds
US = {"name": "tfwm", "version": __version__}
# Whoever signs writes the whole manifest: no action is added behind one's back.
SETTINGS = {
    "verify": {
        "verify_after_sign": False,
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
    },
    "builder": {
        # A thumbnail of the marked picture takes more room than all the rest.
        "thumbnail": {"enabled": False},
        "actions": {
            name: {"enabled": False}
            for name in ("auto_created_action", "auto_opened_action", "auto_placed_action")
        },
    },
}


@dataclasses.dataclass(frozen=True)
class Claims:
    """What the signer says of a picture, beside its mark.

    Args:
        source_type: name or URI of IPTC's digital source type of the picture as it is now, such as
            `"trainedAlgorithmicMedia"`; `None` says nothing of it.
        generator: program or model that made the picture, such as `"acme-diffusion 3.1"`: what
            stands behind the last space is its version.
        title: of the picture.
        assertions: further assertions, a dict of content by label.
        components: pictures of which parts were put in: paths, or bytes of files.
        inputs: pictures that a model was given.
        parent: the picture that this one was made of, if it is not the marked one.
        drawn: whether each message is an id that was drawn for one picture, such as `new_id()`:
            then the same one in another picture was copied there.
    """

    source_type: str | None = None
    generator: str | None = None
    title: str | None = None
    assertions: dict = dataclasses.field(default_factory=dict)
    components: tuple = ()
    inputs: tuple = ()
    parent: object = None
    drawn: bool = False

    def __post_init__(self):
        if self.source_type is not None:
            to_uri(self.source_type)
        for name in ("title", "generator"):
            text = getattr(self, name)
            if text is not None and not _is_short(text):
                raise ValueError(
                    f"Expected a {name} of 1 to {LONGEST} characters in UTF-8. Received: "
                    f"{shortened(text)}"
                )
        for label, content in self.assertions.items():
            if not isinstance(content, dict) or not re.fullmatch(r"[\w-]+(\.[\w-]+)+", label):
                raise ValueError(
                    "Expected assertions as objects by labels with a namespace, such as "
                    f"org.example.review. Received: {label}: {str(content)[:60]}"
                )
            if label.split("__")[0] in (ACTIONS, LABEL, MARK, "c2pa.actions") or ".hash." in label:
                raise ValueError(
                    f"Expected assertions beside those that signing writes. Received: {label}"
                )

    def settings(self):
        """Returns what was said of all pictures of a run, for its report: `["generator=a 1"]`."""
        names = "source_type", "generator", "title"
        return [f"{name}={getattr(self, name)}" for name in names if getattr(self, name)]


def _is_short(text):
    return isinstance(text, str) and 0 < len(text) <= LONGEST and not SURROGATE.search(text)


def definition(bindings, claims, ingredients, mime, when=None, size=None):
    """Returns the definition of a manifest, as `c2pa.Builder` takes it.

    A picture with a parent is `c2pa.opened`, and `c2pa.edited` if a digital source type is told
    that is not the parent's. One without is `c2pa.created` of that type.

    Args:
        bindings: contents of the assertions `c2pa.soft-binding`, that of the mark first.
        claims: `Claims`.
        ingredients: list of `(relationship, identifier, source type or None)`.
        mime: media type of the file.
        when: time of the marking; now by default.
        size: `(width, height)` of the picture in pixels.
    """
    when = when or datetime.datetime.now(datetime.UTC)
    stamp = when.isoformat(timespec="seconds").replace("+00:00", "Z")
    parents = [(name, kind) for relation, name, kind in ingredients if relation == PARENT]
    actions = [_first(claims, parents)]
    if parents and claims.source_type and to_name(claims.source_type) != parents[0][1]:
        actions.append(_made(EDITED, claims))
    placed = [name for relation, name, _ in ingredients if relation == COMPONENT]
    actions += [{"action": PLACED, "parameters": {"ingredientIds": [name]}} for name in placed]
    actions.append({"action": WATERMARKED, "when": stamp, "softwareAgent": US})
    assertions = [_assertion(ACTIONS, {"actions": actions})]
    assertions += [_assertion(LABEL, binding) for binding in bindings]
    if size is not None:
        told = dict(zip(("width", "height"), size, strict=True))
        assertions.append(_assertion(MARK, {**told, "drawn": claims.drawn}))
    assertions += [_assertion(label, data) for label, data in claims.assertions.items()]
    title = {"title": claims.title} if claims.title else {}
    return {"claim_generator_info": [US], "format": mime, **title, "assertions": assertions}


def _first(claims, parents):
    if parents:
        return {"action": OPENED, "parameters": {"ingredientIds": [parents[0][0]]}}
    return _made(CREATED, claims)


def _made(action, claims):
    made = {"action": action, "digitalSourceType": to_uri(claims.source_type)}
    if claims.generator:
        name, _, version = claims.generator.rpartition(" ")
        agent = {"name": name, "version": version} if name else {"name": version}
        made["softwareAgent"] = agent
    return made


def _assertion(label, data):
    # "created": said by the signer, not gathered from elsewhere.
    return {"label": label, "data": data, "created": True}
