import io

import pytest
from PIL import Image
from skimage import data

from tfwm.provenance import Claims, ManifestStore, make_test_signer, sign


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    """A test certificate of the default kind."""
    return make_test_signer(tmp_path_factory.mktemp("certificates") / "test")


@pytest.fixture(scope="session")
def picture():
    """Bytes of a JPEG, 320 x 320."""
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()[:320, 80:400]).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def sign_bytes(signer, watermarker):
    """A function that signs bytes, over a mark too, with a network that needs no training."""

    def run(encoded, **options):
        target = io.BytesIO()
        how = {"signer": signer, "network": watermarker.network, "over": True} | options
        report = sign(encoded, target, **how)
        return target.getvalue(), report

    return run


@pytest.fixture(scope="session")
def signed(picture, sign_bytes):
    """`(bytes, SignReport)` of a picture that a model made."""
    return sign_bytes(picture, claims=Claims("trainedAlgorithmicMedia", "acme-diffusion 3.1"))


@pytest.fixture(scope="session")
def kept(tmp_path_factory, picture, sign_bytes):
    """`(store, bytes, SignReport)` of one signed picture."""
    store = ManifestStore(tmp_path_factory.mktemp("store") / "manifests.db", create=True)
    return store, *sign_bytes(picture, key="secret", store=store)


@pytest.fixture(scope="session")
def copy_of():
    """A function that returns a copy of a picture without metadata, saved again as JPEG."""

    def run(encoded, **options):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(encoded)).save(buffer, "JPEG", **{"quality": 75} | options)
        return buffer.getvalue()

    return run
