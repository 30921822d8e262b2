"""Why a manifest does not hold, in one line: C2PA's validation codes in words."""

import re

# C2PA 2.4, section "Validation": failure codes, the gravest first. `{what}` is the assertion.
LINES = {
    "claim.missing": "the manifest has no claim: it was damaged",
    "claim.multiple": "the manifest has several claims: it was forged or damaged",
    "claim.malformed": "the claim cannot be read: it was damaged",
    "claim.cbor.invalid": "the claim cannot be read: it was damaged",
    "claim.hardBindings.missing": "no hash binds the manifest to a picture",
    "assertion.multipleHardBindings": "several hashes claim to bind the manifest to the picture",
    "claimSignature.missing": "the manifest is not signed",
    "claimSignature.mismatch": "the signature does not fit the claim: it was changed or forged",
    "signingCredential.invalid": "the certificate may not sign manifests ({why})",
    "signingCredential.revoked": "the certificate was revoked",
    "signingCredential.ocsp.revoked": "the certificate was revoked",
    "signingCredential.expired": "the certificate has expired, and no time stamp shows that it was "
    "valid at the signing",
    "claimSignature.outsideValidity": "it was signed at a time when the certificate was not valid",
    "algorithm.unsupported": "it was signed or hashed in a way that C2PA does not allow ({why})",
    "algorithm.deprecated": "it was signed or hashed in a way that C2PA no longer allows ({why})",
    "assertion.missing": "the assertion {what} was taken out",
    "assertion.undeclared": "the assertion {what} is not covered by the signature: it was added",
    "assertion.notInManifest": "the assertion {what} lies outside the manifest",
    "assertion.outsideManifest": "the assertion {what} lies outside the manifest",
    "assertion.hashedURI.mismatch": "{what} was changed after the signing",
    "ingredient.manifest.missing": "the manifest of an ingredient was taken out",
    "ingredient.manifest.mismatch": "the manifest of an ingredient was changed",
    "ingredient.claimSignature.mismatch": "the signature of an ingredient was changed",
    "ingredient.unknownProvenance": "an ingredient has no manifest",
    "ingredient.hashedURI.mismatch": "an ingredient was changed after the signing",
    "assertion.dataHash.mismatch": "the file was changed after the signing: its hash does not fit",
    "assertion.bmffHash.mismatch": "the file was changed after the signing: its hash does not fit",
    "assertion.boxesHash.mismatch": "the file was changed after the signing: its hash does not fit",
    "assertion.dataHash.malformed": "the hash of the file cannot be read",
    "assertion.bmffHash.malformed": "the hash of the file cannot be read",
    "assertion.boxesHash.malformed": "the hash of the file cannot be read",
    "assertion.action.malformed": "its actions are against the rules of C2PA ({why})",
    "assertion.action.ingredientMismatch": "an action names an ingredient that is not there",
    "assertion.action.softBindingMissing": "it says that the picture is watermarked, and names no "
    "watermark (no soft binding)",
    "assertion.action.redacted": "its actions were taken out",
    "manifest.multipleParents": "it names several parents",
    "manifest.update.invalid": "it is an update that changes what an update may not",
    "manifest.inaccessible": "the manifest lies elsewhere and was not fetched",
    "timeStamp.mismatch": "the time stamp is of another signature",
    "timeStamp.malformed": "the time stamp cannot be read",
    "timeStamp.outsideValidity": "the time stamp was made when its certificate was not valid",
}
ORDER = {code: place for place, code in enumerate(LINES)}
# What no test of the file can decide: whether the signer is to be trusted.
TRUST = ("signingCredential.untrusted", "timeStamp.untrusted")
SIGNATURE = (
    *("claimSignature.missing", "claimSignature.mismatch", "claimSignature.outsideValidity"),
    *("claim.missing", "claim.multiple", "claim.malformed", "claim.cbor.invalid"),
    *("signingCredential.invalid", "signingCredential.expired", "algorithm.unsupported"),
    *("signingCredential.revoked", "signingCredential.ocsp.revoked"),
    # The claim is signed, and holds hashes of the assertions: what these say is signed only then.
    *("assertion.hashedURI.mismatch", "assertion.missing", "assertion.undeclared"),
    *("assertion.notInManifest", "assertion.outsideManifest"),
)
MOVED = ("assertion.dataHash.mismatch",)
MOVED_LINE = (
    "the manifest lies elsewhere, or is longer or shorter, than it was signed: it is that of "
    "another file, or was changed"
)
# What c2pa's reader says of a store that it cannot read, as a pattern, and the line for it.
REMOTE = re.compile(r"fetch remote manifests? from url (\S+)")
UNREADABLE = (
    (REMOTE, "its manifest lies at {what}, and was not fetched: no network is used"),
    (r"asset could not be parsed", "the file is damaged or cut off: its manifest cannot be read"),
    (r"more than one manifest store", "the file has several manifest stores: one was added"),
    (r"claim signature box was not found", "the signature was taken out of the manifest"),
    (r"claim superbox not found", "the claim was taken out of the manifest"),
    (r"multiple claim boxes|more than one claim", "the manifest has several claims: it was forged"),
    (r"assertion store superbox not found", "all assertions were taken out of the manifest"),
    (
        r"AssertionNotFound",
        "the manifest has an assertion that its claim does not list: it was added or renamed",
    ),
    (r"could not decode assertion", "the assertion {what} cannot be read: it was damaged"),
    (r"claim could not be converted", "the claim cannot be read: it was damaged"),
    (
        r"^Signature:|CoseSign|could not parse signature",
        "the signature cannot be read: it was damaged",
    ),
    (r"provenance not found", "the manifest store is empty"),
    (r"invalid JUMBF header", "the manifest store is no JUMBF: it was overwritten"),
    (r"JUM|box|end of file|block not found", "the manifest store is cut off or damaged"),
)
HASHES = ("assertion.dataHash", "assertion.bmffHash", "assertion.boxesHash")


def lines_of(failures):
    """Returns a line for each different failure, the gravest first.

    Args:
        failures: list of dicts of `code`, `url`, `explanation`, as c2pa's reader lists them, and
            `ingredient`, whether it is one of the manifest of an ingredient.
    """
    failures = [failure for failure in failures if failure["code"] not in TRUST]
    failures.sort(key=lambda failure: ORDER.get(failure["code"], len(ORDER)))
    return tuple(dict.fromkeys(_line(failure) for failure in failures))


def line_of_error(error):
    """Returns the line on a manifest that c2pa's reader cannot read."""
    text = " ".join(str(error).split())
    found = (line for pattern, line in UNREADABLE if re.search(pattern, text))
    line = next(found, f"the manifest cannot be read ({text[:120]})")
    what = re.search(r"decode assertion (\S+)", text) or REMOTE.search(text)
    return line.replace("{what}", what[1] if what else "a part")


def advice_on(error):
    """Returns what to check where c2pa cannot sign, by what it says."""
    if re.search(r"^(Json|StringTooLong|Encoding|Decoding)|assertion", str(error)):
        return "check what is said of the picture: title, generator and assertions"
    return "check the certificate, the key and, if there is one, the time-stamp service"


def _line(failure):
    code, why = failure["code"], failure.get("explanation") or failure["code"]
    line = LINES.get(code, f"{code}: {why}")
    if code in MOVED and "exclusion does not match" in why:
        line = MOVED_LINE
    what = (failure.get("url") or "a part").rsplit("/", 1)[-1].removeprefix("self#jumbf=")
    line = line.replace("{what}", what).replace("{why}", " ".join(why.split())[:120])
    return f"in the manifest of an ingredient, {line}" if failure.get("ingredient") else line
