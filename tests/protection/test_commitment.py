"""Commitments bind a key, a watermark and the files of networks."""

import hashlib
import re

import numpy as np
import pytest

from tfwm.keys import new_key
from tfwm.protection import check_commitment, commitment
from tfwm.protection.commitment import watermark_digest

KEY = "demonstration secret, not for use"
FILES = {"extractor.keras": "ab" * 32, "host.keras": "0123456789abcdef" * 4}
MARK = np.eye(16)[..., None]


def test_commitment_binds_everything():
    published = commitment(KEY, MARK, FILES)
    assert re.fullmatch("[0-9a-f]{64}", published)
    assert check_commitment(published, KEY, MARK, FILES)
    assert check_commitment(f" {published.upper()}\n", KEY, MARK, FILES)
    assert commitment(KEY, np.uint8(255 * MARK), dict(reversed(FILES.items()))) == published
    changed = MARK.copy()
    changed[0, 0] = 0.9
    for other in (
        (KEY + ".", MARK, FILES),
        (KEY, changed, FILES),
        (KEY, MARK.reshape(8, 32, 1), FILES),
        (KEY, MARK, {"extractor.keras": FILES["extractor.keras"]}),
        (KEY, MARK, {**FILES, "host.keras": "cd" * 32}),
    ):
        assert not check_commitment(published, *other)


def test_commitment_is_salted_by_the_key():
    """The watermark and the files, without the key, do not give the commitment."""
    guess = hashlib.sha256(watermark_digest(MARK).encode()).hexdigest()
    assert commitment(KEY, MARK, FILES) not in (guess, commitment(new_key(), MARK, FILES))


@pytest.mark.parametrize("files", [{}, {"a": "12"}, {"a": "XY" * 32}, {"a": b"ab" * 32}])
def test_bad_digests(files):
    with pytest.raises(ValueError, match="SHA-256"):
        commitment(KEY, MARK, files)


def test_bad_watermark():
    with pytest.raises(ValueError, match=r"Received: watermark of shape \(16, 16\)"):
        watermark_digest(MARK[..., 0])
