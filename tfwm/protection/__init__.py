from tfwm.protection.barrier import Barrier, load_barrier
from tfwm.protection.commitment_file import check_commitment_file, write_commitment
from tfwm.protection.files import protect_files, read_files
from tfwm.protection.key import check_commitment, commitment, derive_key, new_secret
from tfwm.protection.keyed_reader import KeyedReader, load_host, load_keyed_reader
from tfwm.protection.proof import Proof, prove
from tfwm.protection.protect import protect
from tfwm.protection.prove_files import FilesProof, prove_files
from tfwm.protection.qr import decode_qr
from tfwm.protection.secret_file import read_secret_file, write_secret
from tfwm.protection.verification import Verification, verify_files, verify_images
from tfwm.protection.watermark_barrier import WatermarkBarrier

__all__ = [
    "Barrier",
    "FilesProof",
    "KeyedReader",
    "Proof",
    "Verification",
    "WatermarkBarrier",
    "check_commitment",
    "check_commitment_file",
    "commitment",
    "decode_qr",
    "derive_key",
    "load_barrier",
    "load_host",
    "load_keyed_reader",
    "new_secret",
    "protect",
    "protect_files",
    "prove",
    "prove_files",
    "read_files",
    "read_secret_file",
    "verify_files",
    "verify_images",
    "write_commitment",
    "write_secret",
]
