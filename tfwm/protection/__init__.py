from tfwm.protection.barrier import Barrier, load_barrier
from tfwm.protection.commitment import check_commitment, commitment
from tfwm.protection.commitment_file import check_commitment_file, write_commitment
from tfwm.protection.files import protect_files, read_files
from tfwm.protection.keyed_reader import KeyedReader, load_host, load_keyed_reader
from tfwm.protection.proof import Proof, prove
from tfwm.protection.protect import protect
from tfwm.protection.prove_files import FilesProof, prove_files
from tfwm.protection.qr import decode_qr
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
    "load_barrier",
    "load_host",
    "load_keyed_reader",
    "protect",
    "protect_files",
    "prove",
    "prove_files",
    "read_files",
    "verify_files",
    "verify_images",
    "write_commitment",
]
