"""Who signs: the user's certificates and key, checked, or a test certificate made here."""

import contextlib
import dataclasses
import datetime
import os
from collections.abc import Callable
from pathlib import Path

from tfwm.batch.lock import only_run
from tfwm.checks import need, shortened
from tfwm.files import read_bounded, write_whole
from tfwm.provenance.chains import EXTRA, LARGEST, check_chain, known, name_of, read_chain

TEST_NAME = "tfwm TEST certificate"
TEST_DAYS = 365
SECONDS = 10.0  # to wait for another process that makes one
CHAIN_FILE, KEY_FILE = "chain.pem", "key.pem"
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
ALGORITHMS = (*CURVES.values(), "ps256", "ps384", "ps512", "ed25519")


@dataclasses.dataclass(frozen=True)
class Signer:
    """Certificates and the key that signs; `load_signer` makes one of files.

    Args:
        certificates: PEM of the chain, the signer's own first, without the root.
        algorithm: one of `ALGORITHMS`.
        key: PEM of the private key; `None` if `sign` signs.
        sign: instead, a function of the bytes to sign that returns the signature, such as one that
            asks a key service or a smart card.
        time_authority: URL of an RFC 3161 time-stamp service; `None` asks none.
        is_test: whether it is a test certificate made here.
    """

    certificates: bytes
    algorithm: str
    key: bytes | None = dataclasses.field(default=None, repr=False)
    sign: Callable | None = None
    time_authority: str | None = None
    is_test: bool = False

    @property
    def name(self):
        """Whom the certificate names: organization, else common name."""
        return name_of(read_chain(self.certificates, "the certificates")[0].subject)

    @property
    def expires(self):
        """The day on which the signer's certificate expires, in ISO form."""
        leaf = read_chain(self.certificates, "the certificates")[0]
        return f"{leaf.not_valid_after_utc:%Y-%m-%d}"

    @property
    def fingerprint(self):
        """The first 8 digits of the SHA-256 of the signer's certificate."""
        hashes = need("cryptography.hazmat.primitives.hashes", EXTRA)
        leaf = read_chain(self.certificates, "the certificates")[0]
        return leaf.fingerprint(hashes.SHA256()).hex()[:8]

    def open(self):
        """Returns the `c2pa.Signer`, which serves many files."""
        c2pa = need("c2pa", EXTRA)
        authority = self.time_authority
        if self.sign is None:
            info = c2pa.C2paSignerInfo(self.algorithm, self.certificates, self.key, authority)
            return c2pa.Signer.from_info(info)
        algorithm = c2pa.C2paSigningAlg[self.algorithm.upper()]
        certificates = self.certificates.decode()
        return c2pa.Signer.from_callback(self.sign, algorithm, certificates, authority)


def load_signer(certificates, key, *, password=None, time_authority=None):
    """Returns a `Signer` of the user's files, after checks of all that C2PA asks of them.

    Args:
        certificates: path of a PEM file: the signer's certificate first, then those of the
            authorities in between, each signed by the next.
        key: path of the PEM file of the private key: EC P-256, P-384 or P-521, RSA of at least 2048
            bits, or Ed25519.
        password: bytes or text that opens the key's file.
        time_authority: URL of an RFC 3161 time-stamp service.

    Raises:
        ValueError: one line that says what does not fit.
    """
    pem = read_bounded(certificates, LARGEST, "The file of certificates")
    chain = read_chain(pem, certificates)
    private = _private_key(key, password)
    serialization = need("cryptography.hazmat.primitives.serialization", EXTRA)
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    with known(certificates):
        public = chain[0].public_key()
    if private.public_key().public_bytes(*form) != public.public_bytes(*form):
        raise ValueError(
            f"The key {key} does not belong to the first certificate of {certificates}: expected "
            "the signer's own certificate first, and its key."
        )
    check_chain(chain, certificates)
    if time_authority and not str(time_authority).startswith(("http://", "https://")):
        raise ValueError(f"Expected the URL of a time-stamp service. Received: {time_authority}")
    return Signer(
        pem,
        _algorithm(private, key),
        _key_pem(private),
        time_authority=time_authority,
        is_test=name_of(chain[0].subject) == TEST_NAME,
    )


def make_test_signer(folder=None, time_authority=None):
    """Returns a `Signer` with a test certificate, which is made at its first use and kept.

    It names itself a test, and says nothing about who signed: for trying things out.

    Args:
        folder: where `chain.pem` and `key.pem` lie or are written; by default
            `tfwm/test-certificate` in the user's folder of settings. Whatever else is there stays.
        time_authority: see `load_signer`.

    Raises:
        ValueError: a certificate or key is there that is not of a test, and does not serve.
    """
    folder = Path(folder or certificate_folder())
    files = folder / CHAIN_FILE, folder / KEY_FILE

    def kept():
        if all(file.is_file() for file in files):
            with contextlib.suppress(ValueError):  # such as expired: a new one is made
                return load_signer(*files, time_authority=time_authority)

    if signer := kept():
        return signer
    folder.mkdir(parents=True, exist_ok=True)
    with only_run(folder, SECONDS):  # another process may be making one
        if signer := kept():
            return signer
        write_test_certificate(folder)
        return load_signer(*files, time_authority=time_authority)


def certificate_folder():
    """Returns the folder of the test certificate of this user."""
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "tfwm" / "test-certificate"


def write_test_certificate(folder, days=TEST_DAYS):
    """Makes a test authority, and a certificate and key of it: `chain.pem` and `key.pem`.

    Args:
        folder: to write them into; whatever else is there stays.
        days: for which they are valid.

    Raises:
        ValueError: a file of these names is there that is not of a test certificate.
    """
    files = Path(folder) / CHAIN_FILE, Path(folder) / KEY_FILE
    if any(map(os.path.lexists, files)) and not _is_test(*files):
        raise ValueError(
            f"Expected a folder for a test certificate. Received: {folder}, whose {CHAIN_FILE} or "
            f"{KEY_FILE} is not of one, and stays: name another folder, or move it away."
        )
    chain, key = make_test_certificate(days)
    # A chain alone tells that it is a test's, a key alone does not.
    write_whole(files[0], chain)
    write_whole(files[1], key, mode=0o600)


def _is_test(chain_file, key_file):
    """Whether two files, or the first alone, are of a test's certificate and may be replaced."""
    try:
        chain = read_chain(
            read_bounded(chain_file, LARGEST, "The file of certificates"), chain_file
        )
        key = _private_key(key_file, None) if os.path.lexists(key_file) else None
        with known(chain_file):
            public = chain[0].public_key()
    except (OSError, ValueError):
        return False
    fits = key is None or key.public_key() == public
    return fits and name_of(chain[0].subject) == TEST_NAME


def make_test_certificate(days=TEST_DAYS, usage="1.3.6.1.5.5.7.3.4"):
    """Returns the PEM of a chain of two certificates, and of its key.

    Args:
        days: for which they are valid, from yesterday on.
        usage: the extended key usage, in numbers.
    """
    x509 = need("cryptography.x509", EXTRA)
    hashes = need("cryptography.hazmat.primitives.hashes", EXTRA)
    ec = need("cryptography.hazmat.primitives.asymmetric.ec", EXTRA)
    serialization = need("cryptography.hazmat.primitives.serialization", EXTRA)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _test_name("authority of the tests")
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)

    def certificate(subject, public, *extensions):
        builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(begin)
        builder = builder.not_valid_after(begin + datetime.timedelta(days=days + 1))
        name = x509.SubjectKeyIdentifier.from_public_key(public)
        for extension, critical in (*extensions, (name, False)):
            builder = builder.add_extension(extension, critical)
        return builder.sign(authority_key, hashes.SHA256())

    authority = certificate(
        issuer,
        authority_key.public_key(),
        (x509.BasicConstraints(True, 0), True),
        (_key_usage(x509, key_cert_sign=True, crl_sign=True), True),
    )
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    leaf = certificate(
        _test_name("says nothing about who signed"),
        key.public_key(),
        (x509.BasicConstraints(False, None), True),
        (_key_usage(x509, digital_signature=True), True),
        (x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), False),
        (identifier, False),
    )
    form = serialization.Encoding.PEM
    return leaf.public_bytes(form) + authority.public_bytes(form), _key_pem(key)


def check_signer(signer):
    """Raises `ValueError`, one line, if something is no `Signer`."""
    if not isinstance(signer, Signer):
        raise ValueError(
            "Expected a signer, as load_signer and make_test_signer return. Received: "
            f"{shortened(signer)}"
        )


def _private_key(path, password):
    serialization = need("cryptography.hazmat.primitives.serialization", EXTRA)
    pem = read_bounded(path, LARGEST, "The key file")
    password = password.encode() if isinstance(password, str) else password
    with known(path):
        try:
            return serialization.load_pem_private_key(pem, password)
        except TypeError:  # a password that lacks, or is not needed
            what = "no password" if password else "the password that opens it"
            raise ValueError(f"The key {path} needs {what}.") from None
        except ValueError as error:
            raise ValueError(
                "Expected a private key in PEM (-----BEGIN PRIVATE KEY-----), and its password if "
                f"it has one. Received: {path}"
            ) from error


def _algorithm(key, path):
    if (curve := getattr(key, "curve", None)) is not None and curve.name in CURVES:
        return CURVES[curve.name]
    kind = type(key).__name__
    if "RSA" in kind and key.key_size >= 2048:
        return "ps256"
    if "Ed25519" in kind:
        return "ed25519"
    raise ValueError(
        "Expected a key of EC P-256, P-384 or P-521, of RSA with at least 2048 bits, or Ed25519. "
        f"Received: another kind in {path}"
    )


def _key_pem(key):
    serialization = need("cryptography.hazmat.primitives.serialization", EXTRA)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _key_usage(x509, **used):
    names = "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
    names = [*names.split(), "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{name: name in used for name in names})


def _test_name(text):
    x509 = need("cryptography.x509", EXTRA)
    oid = x509.oid.NameOID
    parts = (oid.ORGANIZATION_NAME, TEST_NAME), (oid.COMMON_NAME, f"{TEST_NAME}: {text}")
    return x509.Name([x509.NameAttribute(*part) for part in parts])
