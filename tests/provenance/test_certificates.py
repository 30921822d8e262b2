import base64
import datetime
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tfwm.provenance import certificates, load_signer, make_test_signer
from tfwm.provenance.certificates import TEST_NAME, write_test_certificate
from tfwm.provenance.chains import CLAIM_SIGNING

PEM = serialization.Encoding.PEM
AUTHORITY = x509.BasicConstraints(True, 0)
EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def key_usage(digital_signature=True):
    names = "content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
    others = dict.fromkeys([*names.split(), "crl_sign", "encipher_only", "decipher_only"], False)
    return x509.KeyUsage(digital_signature=digital_signature, **others)


def write_chain(
    folder,
    key=None,
    begin=-1,
    end=30,
    usage=EMAIL,
    ca=False,
    signs=True,
    own=False,
    upper=None,
    authority=(AUTHORITY,),
    until=30,
    called="Authority",
):
    """Writes a chain of two and its key; returns their paths."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    root = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    days = datetime.timedelta

    def certificate(subject, issuer, public, signing, *extensions, end=end):
        builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(now + days(begin)).not_valid_after(now + days(end))
        for extension in extensions:
            builder = builder.add_extension(extension, False)
        algorithm = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        return builder.sign(signing, algorithm).public_bytes(PEM)

    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    extensions = [x509.BasicConstraints(ca, None), key_usage(signs), identifier]
    if usage:
        extensions.append(x509.ExtendedKeyUsage([usage]))
    issuer, signing = (named("Ada Ltd"), key) if own else (named("Authority"), root)
    leaf = certificate(named("Ada Ltd"), issuer, key.public_key(), signing, *extensions)
    other = upper or root
    name = named(called)
    top = certificate(name, name, other.public_key(), other, *authority, end=until)
    (folder / "chain.pem").write_bytes(leaf + top)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(PEM, *form))
    return folder / "chain.pem", folder / "key.pem"


@pytest.mark.parametrize(
    "key, algorithm",
    [
        (ec.generate_private_key(ec.SECP256R1()), "es256"),
        (ec.generate_private_key(ec.SECP384R1()), "es384"),
        (ec.generate_private_key(ec.SECP521R1()), "es512"),
        (rsa.generate_private_key(65537, 2048), "ps256"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_keys_that_c2pa_knows_are_taken(key, algorithm, tmp_path):
    signer = load_signer(*write_chain(tmp_path, key, usage=x509.ObjectIdentifier(CLAIM_SIGNING)))
    assert (signer.algorithm, signer.name, signer.is_test) == (algorithm, "Ada Ltd", False)
    assert "PRIVATE" not in repr(signer)
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(30)
    assert signer.expires == f"{ends:%Y-%m-%d}"


@pytest.mark.parametrize(
    "change, told",
    [
        ({"begin": -9, "end": -2}, "expired"),
        ({"begin": 2}, "begun"),
        ({"ca": True}, "not an authority's"),
        ({"signs": False}, "digitalSignature"),
        ({"usage": None}, "c2pa-kp-claimSigning"),
        ({"usage": ExtendedKeyUsageOID.SERVER_AUTH}, "c2pa-kp-claimSigning"),
        ({"own": True}, "self-signed"),
        ({"upper": ec.generate_private_key(ec.SECP256R1())}, "did not issue"),
        ({"called": "Other"}, "which Other did not issue"),
        ({"authority": ()}, "of the authority Authority of .*: the basic constraint CA"),
        ({"authority": [x509.BasicConstraints(False, None)]}, "the basic constraint CA"),
        ({"authority": [AUTHORITY, key_usage()]}, "keyCertSign"),
        ({"until": -0.5}, "of the authority Authority of .*: one that has not expired"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "2048 bits"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "P-256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_validators_refuse_is_told_before_the_work(change, told, tmp_path):
    with pytest.raises(ValueError, match=told) as error:
        load_signer(*write_chain(tmp_path, **change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("key.pem", "2a8648ce3d0201", "2a8648ce3d0209"),  # another kind of key
        ("key.pem", "2a8648ce3d030107", "2a8648ce3d030177"),  # another curve
        ("chain.pem", "2a8648ce3d0201", "2a8648ce3d0209"),
        ("chain.pem", "a003020102", "a003020105"),  # another version of X.509
        ("chain.pem", "551d0f", "551d13"),  # an extension twice
    ],
)
def test_kinds_that_nobody_knows_are_told(file, old, new, tmp_path):
    paths = write_chain(tmp_path)
    lines = (tmp_path / file).read_text().split("-----")
    data = base64.b64decode(lines[2]).replace(bytes.fromhex(old), bytes.fromhex(new))
    lines[2] = f"\n{base64.encodebytes(data).decode()}"
    (tmp_path / file).write_text("-----".join(lines))
    with pytest.raises(ValueError, match=f"of usual kinds in .*{file}") as error:
        load_signer(*paths)
    assert "\n" not in str(error.value)


def test_a_key_of_another_certificate_is_told(tmp_path):
    chain, _ = write_chain(tmp_path)
    (tmp_path / "b").mkdir()
    _, other = write_chain(tmp_path / "b")
    with pytest.raises(ValueError, match="does not belong"):
        load_signer(chain, other)
    with pytest.raises(ValueError, match="in PEM"):
        load_signer(other, other)
    with pytest.raises(ValueError, match="private key in PEM"):
        load_signer(chain, chain)
    with pytest.raises(ValueError, match="time-stamp"):
        load_signer(*write_chain(tmp_path), time_authority="stamps.example.org")


def test_a_key_with_a_password(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    chain, path = write_chain(tmp_path, key)
    form = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    path.write_bytes(key.private_bytes(PEM, *form))
    assert load_signer(chain, path, password="word").algorithm == "es256"
    for password in (None, "other"):
        with pytest.raises(ValueError, match="password"):
            load_signer(chain, path, password=password)


def test_the_test_certificate_names_itself_so_and_is_kept(tmp_path):
    signer = make_test_signer(tmp_path / "test")
    assert signer.is_test and signer.name == TEST_NAME
    assert make_test_signer(tmp_path / "test") == signer
    assert stat.S_IMODE((tmp_path / "test" / "key.pem").stat().st_mode) == 0o600


def test_a_test_certificate_is_written_beside_what_is_there(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    (tmp_path / "more").mkdir()
    write_test_certificate(tmp_path, days=-1)  # expired
    signer = make_test_signer(tmp_path)
    assert signer.is_test and make_test_signer(tmp_path) == signer
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["chain.pem", "holiday.jpg", "key.pem", "more"]
    assert (tmp_path / "holiday.jpg").read_bytes() == b"mine"
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_two_who_make_a_test_certificate_at_once_get_the_same(tmp_path, monkeypatch):
    write = certificates.write_whole
    monkeypatch.setattr(
        certificates, "write_whole", lambda *a, **how: (time.sleep(0.05), write(*a, **how))
    )
    with ThreadPoolExecutor(4) as pool:
        signers = list(pool.map(lambda _: make_test_signer(tmp_path / "test"), range(4)))
    assert all(signer == signers[0] for signer in signers)
    assert sorted(p.name for p in (tmp_path / "test").iterdir()) == ["chain.pem", "key.pem"]


def test_half_of_a_test_certificate_is_made_again(tmp_path, monkeypatch):
    write, written = certificates.write_whole, []

    def fail_at_second(path, *args, **how):
        written.append(path)
        if len(written) == 2:
            raise OSError("the disk is full")
        return write(path, *args, **how)

    monkeypatch.setattr(certificates, "write_whole", fail_at_second)
    with pytest.raises(OSError, match="full"):
        make_test_signer(tmp_path)
    assert make_test_signer(tmp_path).is_test


@pytest.mark.parametrize("lost", [(), ("key.pem",), ("chain.pem",), ("key.pem", "junk")])
def test_one_s_own_certificate_is_never_lost(lost, tmp_path):
    """Not an expired one, nor a key or a chain alone, nor what nobody can read."""
    write_chain(tmp_path, begin=-9, end=-2)
    for name in lost[:1]:
        (tmp_path / name).unlink()
    if "junk" in lost:
        (tmp_path / "key.pem").write_bytes(b"junk")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="is not of one, and stays: name another folder") as error:
        make_test_signer(tmp_path)
    assert "\n" not in str(error.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
