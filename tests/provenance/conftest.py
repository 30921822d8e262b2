import io

import pytest
from PIL import Image
from skimage import data

from tfwm.provenance import Claims, make_test_signer, sign_bytes


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    """A test certificate of the default kind."""
    return make_test_signer(tmp_path_factory.mktemp("certificates") / "test")


@pytest.fixture(scope="session")
def picture():
    """Bytes of a JPEG, 512 x 512."""
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def signed(picture, signer, watermarker):
    """`(bytes, SignReport)` of a picture that a model made."""
    claims = Claims("trainedAlgorithmicMedia", "acme-diffusion 3.1")
    return sign_bytes(picture, signer=signer, claims=claims, watermarker=watermarker)
