"""Provenance: signed C2PA manifests beside the mark, and what a picture says of its origin."""

from tfwm.startup import on_first_use

# Where each name lies; they are imported on first use, as the layer starts TensorFlow.
_HOMES = {
    "binding": "ALGORITHM algorithm_of from_value network_of to_value",
    "certificates": "Signer load_signer make_test_signer",
    "client": "StoreClient open_store",
    "fields": "origin_fields",
    "folders": "inspect_folder",
    "inspection": "Inspection inspect whole_size",
    "manifest": "Claims",
    "reading": "ManifestReport read_manifest",
    "recovery": "Recovery recover",
    "signing": "SigningWatermarker SignReport fingerprint sign write_manifest",
    "signpost": "Signpost read_signpost",
    "source_types": "SOURCE_TYPES",
    "stamp": "Stamp new_id",
    "stamp_layer": "StampLayer",
    "stamper": "Signed Stamped Stamper",
    "store": "ManifestStore Match Record",
    "verdict": "Verdict judge",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _HOMES)
