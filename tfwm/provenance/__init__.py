"""Provenance: signed C2PA manifests beside the mark, and what a picture says of its origin."""

from tfwm.provenance.binding import ALGORITHM, algorithm_of, from_value, network_of, to_value
from tfwm.provenance.certificates import Signer, load_signer, make_test_signer
from tfwm.provenance.client import StoreClient, open_store
from tfwm.provenance.fingerprints import fingerprint
from tfwm.provenance.manifest import Claims
from tfwm.provenance.reading import ManifestReport, read_manifest
from tfwm.provenance.recovery import Recovery, recover
from tfwm.provenance.signing import (
    SigningWatermarker,
    SignReport,
    new_id,
    sign,
    write_manifest,
)
from tfwm.provenance.signpost import Signpost, read_signpost
from tfwm.provenance.source_types import SOURCE_TYPES
from tfwm.provenance.store import ManifestStore, Match, Record
from tfwm.provenance.verdict import Verdict, judge

__all__ = [
    "ALGORITHM",
    "SOURCE_TYPES",
    "Claims",
    "ManifestReport",
    "ManifestStore",
    "Match",
    "Record",
    "Recovery",
    "SignReport",
    "Signer",
    "SigningWatermarker",
    "Signpost",
    "StoreClient",
    "Verdict",
    "algorithm_of",
    "fingerprint",
    "from_value",
    "judge",
    "load_signer",
    "make_test_signer",
    "network_of",
    "new_id",
    "open_store",
    "read_manifest",
    "read_signpost",
    "recover",
    "sign",
    "to_value",
    "write_manifest",
]
