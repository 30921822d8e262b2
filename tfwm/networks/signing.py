"""Who packed a network: signatures `manifest.json.sig`, which OpenSSH reads and writes too.

The manifest lists the checksums of all files, so that its signature covers them. Keys are Ed25519
in OpenSSH's format; `ssh-keygen -Y sign -n tfwm` writes the same signatures.
"""

import base64
import hashlib
import os
import struct
from pathlib import Path

from tfwm.checks import need, one_line
from tfwm.files import write_whole
from tfwm.networks.inside import read_inside

SIGNED, SIGNATURE = "manifest.json", "manifest.json.sig"
NAMESPACE, KIND = b"tfwm", b"ssh-ed25519"
OTHER_KINDS = "ssh-rsa", "ssh-dss", "ecdsa-", "sk-"
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
VARIABLE = "TFWM_SIGNERS"


def signers_file():
    """Returns the path of the file of trusted signers: one public key a line, as OpenSSH writes it.

    It is what the environment variable `TFWM_SIGNERS` names, else `tfwm/signers` in the user's
    folder of settings (`XDG_CONFIG_HOME`, `~/.config`). It need not exist.
    """
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get(VARIABLE) or Path(settings) / "tfwm" / "signers")


def read_public_keys(path):
    """Returns `{32 bytes of an Ed25519 key: comment}` of a file of OpenSSH public keys.

    Lines with keys of other kinds, such as RSA, are left out.
    """
    path = Path(path)
    keys, text = {}, _text_of(path, "public keys")
    if "PRIVATE KEY" in text:
        raise ValueError(f"{path} is a private key: name the public one, {path}.pub.")
    for number, line in enumerate(text.splitlines(), 1):
        kind, _, rest = line.strip().partition(" ")
        if not kind or kind.startswith(("#", *OTHER_KINDS)):
            continue
        text, _, comment = rest.strip().partition(" ")
        try:
            fields = _fields(base64.b64decode(text, validate=True))
            if (
                [kind.encode(), len(fields)] != [KIND, 2]
                or fields[0] != KIND
                or len(fields[1]) != 32
            ):
                raise ValueError
        except ValueError:
            raise ValueError(
                f"Expected public keys in {path}, lines such as 'ssh-ed25519 AAAA... name', as "
                f"`ssh-keygen -t ed25519` writes them. Received another line, line {number}."
            ) from None
        keys[fields[1]] = comment.strip() or "without a name"
    return keys


def sign_network(folder, key_file):
    """Signs a network's manifest with a private Ed25519 key; writes `manifest.json.sig`.

    Args:
        folder: a network's folder with a manifest.
        key_file: OpenSSH or PEM file of the key, without a pass phrase; or what `read_private_key`
            returned for it.

    Returns:
        `pathlib.Path` of the signature.
    """
    return write_whole(Path(folder) / SIGNATURE, _signature(read_inside(folder, SIGNED), key_file))


def signer_of(data, signature, keys):
    """Returns the comment of the key that signed; `None` if it is not among `keys`.

    Args:
        data: bytes of the manifest.
        signature: bytes of its signature file.
        keys: dict, see `read_public_keys`.

    Returns:
        str or `None`. Raises `ValueError` if the signature is damaged or of other data.
    """
    key, raw, algorithm = _parse(signature)
    if key not in keys:
        return None
    ed25519 = need("cryptography.hazmat.primitives.asymmetric.ed25519", "sign")
    invalid = need("cryptography.exceptions", "sign").InvalidSignature
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(raw, _message(data, algorithm))
    except invalid:
        raise ValueError(
            f"The signature in {SIGNATURE} is not of this {SIGNED}: one of them was changed."
        ) from None
    return keys[key]


def new_key_pair(name):
    """Returns a new private Ed25519 key and its public key, as two texts that OpenSSH reads."""
    serialization = need("cryptography.hazmat.primitives.serialization", "sign")
    ed25519 = need("cryptography.hazmat.primitives.asymmetric.ed25519", "sign")
    key, encoding = ed25519.Ed25519PrivateKey.generate(), serialization.Encoding
    form = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    public = encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    line = key.public_key().public_bytes(*public).decode()
    return key.private_bytes(encoding.PEM, *form).decode().strip(), f"{line} {name}\n"


def read_private_key(key_file):
    """Returns the `Ed25519PrivateKey` of a file in OpenSSH's or PEM's format."""
    serialization = need("cryptography.hazmat.primitives.serialization", "sign")
    ed25519 = need("cryptography.hazmat.primitives.asymmetric.ed25519", "sign")
    unsupported = need("cryptography.exceptions", "sign").UnsupportedAlgorithm
    text = _text_of(key_file, "private key")
    load = "load_ssh_private_key" if "OPENSSH" in text else "load_pem_private_key"
    try:
        key = getattr(serialization, load)(text.encode(), password=None)
        kind = type(key).__name__.removeprefix("_")
        received = f"a {kind}" if not isinstance(key, ed25519.Ed25519PrivateKey) else None
    except TypeError:
        received = "one with a pass phrase, which `ssh-keygen -p -f FILE` takes off a copy"
    except unsupported as error:
        received = f"another one ({one_line(error, 100)})"
    except ValueError:
        received = "a public key" if text.startswith(("ssh-", "ecdsa-")) else "no private key"
    if received:
        raise ValueError(
            "Expected a private Ed25519 key without a pass phrase, as `ssh-keygen -t ed25519` "
            f"writes it, in {key_file}. Received: {received if text.strip() else 'an empty file'}"
        )
    return key


def _text_of(path, what):
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"The {what} cannot be read from {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise ValueError(f"Expected a text, {what}, in {path}. Received: other bytes") from None


def _signature(data, key_file):
    is_file = isinstance(key_file, str | os.PathLike)
    key = read_private_key(key_file) if is_file else key_file
    public = key.public_key().public_bytes_raw()
    raw = key.sign(_message(data, b"sha512"))
    blob = b"SSHSIG" + struct.pack(">I", 1)
    blob += _strings(_strings(KIND, public), NAMESPACE, b"", b"sha512", _strings(KIND, raw))
    body = base64.b64encode(blob).decode()
    lines = [body[i : i + 70] for i in range(0, len(body), 70)]
    return "\n".join([BEGIN, *lines, END, ""])


def _parse(signature):
    """Key, raw signature and hash of a signature file."""
    try:
        body = signature.decode("ascii").strip().removeprefix(BEGIN).removesuffix(END)
        blob = base64.b64decode("".join(body.split()), validate=True)
        public, namespace, _, algorithm, raw = _fields(blob[10:])
        (kind, key), (raw_kind, raw) = _fields(public), _fields(raw)
        if (blob[:10], namespace) != (b"SSHSIG\0\0\0\1", NAMESPACE) or {kind, raw_kind} != {KIND}:
            raise ValueError
        if algorithm not in (b"sha256", b"sha512"):
            raise ValueError
    except ValueError:
        raise ValueError(
            "Expected a signature of Ed25519 in the namespace tfwm, as `tfwm export --sign` "
            f"writes it. Received: a damaged or other {SIGNATURE}"
        ) from None
    return key, raw, algorithm


def _message(data, algorithm):
    digest = hashlib.new(algorithm.decode(), data).digest()
    return b"SSHSIG" + _strings(NAMESPACE, b"", algorithm, digest)


def _strings(*parts):
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def _fields(data):
    fields = []
    while data:
        if len(data) < 4:
            raise ValueError("cut off")
        end = 4 + struct.unpack(">I", data[:4])[0]
        if end > len(data):
            raise ValueError("cut off")
        fields.append(data[4:end])
        data = data[end:]
    return fields
