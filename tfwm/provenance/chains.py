"""Certificates in PEM, and what C2PA and its validators ask of a chain of them."""

import contextlib
import datetime

from tfwm.checks import need, one_line
from tfwm.files import read_bounded

EXTRA = "provenance"
LARGEST = 2**20
BEGIN = b"-----BEGIN CERTIFICATE-----"
FIRST = "the first certificate"
# Extended key usages that C2PA takes: its own, then e-mail and documents, which come before it.
CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
USAGES = (CLAIM_SIGNING, "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36")


@contextlib.contextmanager
def known(name):
    """Raises `ValueError`, one line, where keys or certificates of a file are of unknown kinds."""
    x509 = need("cryptography.x509", EXTRA)
    unsupported = need("cryptography.exceptions", EXTRA).UnsupportedAlgorithm
    odd = x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType
    try:
        yield
    except (unsupported, *odd) as error:
        raise ValueError(
            f"Expected keys and certificates of usual kinds in {name}. Received: {one_line(error)}"
        ) from error


def read_chain(pem, name):
    """Returns the `cryptography.x509.Certificate`s in PEM; `ValueError`, one line, if none is."""
    x509 = need("cryptography.x509", EXTRA)
    with known(name):
        try:
            return x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise ValueError(
                f"Expected certificates in PEM (-----BEGIN CERTIFICATE-----). Received: {name}"
            ) from error


def name_of(name):
    """Returns the organization of an X.509 name, else its common name, else all of it."""
    oid = need("cryptography.x509.oid", EXTRA).NameOID
    for part in (oid.ORGANIZATION_NAME, oid.COMMON_NAME):
        found = name.get_attributes_for_oid(part)
        if found:
            return str(found[0].value)
    return name.rfc4514_string() or "no name"


def read_certificates(path, most, what):
    """Returns the PEM of all certificates of a file, without what stands between them.

    Args:
        path: of the file.
        most: see `read_bounded`, also for `what`.

    Raises:
        ValueError: one line that names the file; one of them cannot be read, or there is none.
    """
    encoding = need("cryptography.hazmat.primitives.serialization", EXTRA).Encoding.PEM
    pem = read_bounded(path, most, what)
    found = read_chain(pem, path)
    if len(found) != pem.count(BEGIN):
        raise ValueError(f"{what} {path} is cut off or damaged: take it from a copy.")
    return b"".join(certificate.public_bytes(encoding) for certificate in found)


def check_chain(chain, name):
    """Raises `ValueError`, one line, where C2PA or its validators would refuse a chain.

    Args:
        chain: list of `cryptography.x509.Certificate`, the signer's first.
        name: of their file, for the error.
    """
    with known(name):
        _check_signer(chain[0], name)
        for lower, upper in zip(chain, chain[1:], strict=False):
            _check_issued(lower, upper, name)
        for below, upper in enumerate(chain[1:]):
            _check_authority(upper, below, name)


def _check_signer(leaf, name):
    x509 = need("cryptography.x509", EXTRA)
    _expect(leaf.version == x509.Version.v3, name, "a certificate of X.509 version 3")
    _expect(leaf.issuer != leaf.subject, name, "one that an authority issued, not a self-signed")
    _check_time(leaf, name)
    basic = _extension(leaf, x509.BasicConstraints)
    _expect(basic is None or not basic.ca, name, "a signer's certificate, not an authority's")
    usage = _extension(leaf, x509.KeyUsage)
    _expect(usage is not None and usage.digital_signature, name, "the key usage digitalSignature")
    extended = _extension(leaf, x509.ExtendedKeyUsage) or ()
    _expect(
        any(usage.dotted_string in USAGES for usage in extended),
        name,
        "the extended key usage c2pa-kp-claimSigning, emailProtection or documentSigning",
    )
    identifier = _extension(leaf, x509.AuthorityKeyIdentifier)
    _expect(identifier is not None, name, "an authority key identifier")


def _check_issued(lower, upper, name):
    try:
        lower.verify_directly_issued_by(upper)
    except Exception as error:
        raise ValueError(
            f"Expected the certificates of {name} in order, each issued by the next. Received: "
            f"{name_of(lower.subject)}, which {name_of(upper.subject)} did not issue"
        ) from error


def _check_authority(certificate, below, name):
    """Raises `ValueError` if a certificate may not stand above the signer's.

    Args:
        certificate: of the authority.
        below: number of authorities between it and the signer.
        name: of the file.
    """
    x509 = need("cryptography.x509", EXTRA)
    which = f"the authority {name_of(certificate.subject)}"
    _check_time(certificate, name, which)
    basic = _extension(certificate, x509.BasicConstraints)
    _expect(basic is not None and basic.ca, name, "the basic constraint CA", which)
    fits = basic.path_length is None or below <= basic.path_length
    _expect(fits, name, f"a path length for the {below} authorities below it", which)
    usage = _extension(certificate, x509.KeyUsage)
    _expect(usage is None or usage.key_cert_sign, name, "the key usage keyCertSign", which)


def _extension(certificate, kind):
    x509 = need("cryptography.x509", EXTRA)
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_time(certificate, name, which=FIRST):
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    now = datetime.datetime.now(datetime.UTC)
    _expect(begin <= now, name, f"one whose time has begun by {now:%Y-%m-%d}", which)
    _expect(now <= end, name, f"one that has not expired, on {end:%Y-%m-%d}", which)


def _expect(holds, name, what, which=FIRST):
    if not holds:
        raise ValueError(f"Expected of {which} of {name}: {what}.")
