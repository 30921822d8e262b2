"""Marked models in use: barriers, keyed networks, and the evidence that images carry their mark."""

from tfwm.protection.barrier import Barrier, WatermarkBarrier, load_barrier, protect
from tfwm.protection.commitment import (
    check_commitment,
    check_commitment_file,
    make_commitment,
    write_commitment,
)
from tfwm.protection.evidence import (
    Comparison,
    Proof,
    compare_with_unmarked,
    prove_files,
    prove_images,
)
from tfwm.protection.files import protect_files, read_files
from tfwm.protection.keyed import KeyedNetwork, KeyedReader, load_keyed
from tfwm.protection.picture import decode_qr

__all__ = [
    "Barrier",
    "Comparison",
    "KeyedNetwork",
    "KeyedReader",
    "Proof",
    "WatermarkBarrier",
    "check_commitment",
    "check_commitment_file",
    "compare_with_unmarked",
    "decode_qr",
    "load_barrier",
    "load_keyed",
    "make_commitment",
    "protect",
    "protect_files",
    "prove_files",
    "prove_images",
    "read_files",
    "write_commitment",
]
