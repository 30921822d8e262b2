"""Provenance: signed C2PA manifests beside the mark, and what a picture says of its origin."""

from tfwm.provenance.binding import ALGORITHM, algorithm_of, from_value, network_of, to_value
from tfwm.provenance.certificates import Signer, load_signer, make_test_signer
from tfwm.provenance.manifest import Claims
from tfwm.provenance.reading import ManifestReport, read_manifest
from tfwm.provenance.signing import (
    SigningWatermarker,
    SignReport,
    new_id,
    sign,
    write_manifest,
)
from tfwm.provenance.source_types import SOURCE_TYPES

__all__ = [
    "ALGORITHM",
    "SOURCE_TYPES",
    "Claims",
    "ManifestReport",
    "SignReport",
    "Signer",
    "SigningWatermarker",
    "algorithm_of",
    "from_value",
    "load_signer",
    "make_test_signer",
    "network_of",
    "new_id",
    "read_manifest",
    "sign",
    "to_value",
    "write_manifest",
]
