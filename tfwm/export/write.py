"""Writing a network as SavedModel, which TF Serving and plain TensorFlow read, and as TFLite."""

from pathlib import Path

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.files import atomic_directory, write_whole
from tfwm.networks import TFLITE_FORMATS, make_endpoints


def export_saved_model(first, second, directory, version=1, kind="message"):
    """Writes the two models of a network as one SavedModel, `directory/1`.

    `tf.saved_model.load` and TF Serving (its folder is `directory`) open it without tfwm. Its
    signatures are those of `tfwm.networks.make_endpoints`, such as
    `embed(image, message, strength) -> {"watermarked"}` and `extract(image) -> {"logits"}`;
    batch, height and width are free, `strength` is float32 `(batch,)`, and `watermarked`
    is clipped to [0, 1]. The folder appears whole or not at all.

    Args:
        first: the embedder or host, see `package_network`.
        second: the extractor.
        directory: folder of the network.
        version: name of the folder inside, a whole number.
        kind: `"message"`, `"barrier"` or `"keyed"`.

    Returns:
        `pathlib.Path` of the SavedModel.

    Example:

    >>> from tfwm.models.redmark import build_embedder, build_extractor
    >>> path = export_saved_model(build_embedder(), build_extractor(), "my-network")
    >>> signatures = tf.saved_model.load(path).signatures
    >>> signatures["extract"](image=tf.zeros((1, 64, 96, 1)))["logits"].shape
    TensorShape([1, 8, 12, 1])
    """
    target = Path(directory) / str(version)
    with atomic_directory(target) as draft:
        write_saved_model(first, second, draft, kind)
    return target


def write_saved_model(first, second, folder, kind="message"):
    """Writes the files of the SavedModel directly into `folder`."""
    # Without `track`, which would store each weight a second time.
    archive = keras.export.ExportArchive()
    for name, function in make_endpoints(first, second, kind).items():
        archive.add_endpoint(name, function)
    archive.write_out(str(folder), verbose=False)


def write_tflite(saved_model, path, number_format="float32", signatures=("embed", "extract")):
    """Converts a SavedModel to one TFLite file with the same signatures.

    Only builtin operations are used, so the file runs in every LiteRT interpreter. Height and
    width stay free: interpreters that show them as 1 need `resize_tensor_input` or the
    signature runner.

    The number formats, measured with the authors' three networks on six photos:

    * `"float32"`: the SavedModel's numbers to 2e-4 gray levels and 2e-4 in the logits.
    * `"float16"`: half the size, 0.04 gray levels and 0.04 in the logits.
    * `"int8"`: int8 weights, and activations quantized on the fly with a scale for each patch
      ("dynamic range"): a third of the size, the fastest on machines with instructions for it.
      Single pixels move by up to 4 gray levels (of `redmark-mt` 18), PSNR falls by at most 0.2 dB,
      and at most 0.02 % of the bits are read differently (of `photo` 0.05 %). Fixed
      int8 activations, calibrated on photos, were tried as well: single pixels moved by up to 37
      gray levels and up to 0.6 % of the bits of an undamaged image were wrong, because one scale
      then serves the mean of a block and its fine detail; int16 activations with int8 weights
      read 42 % wrong and took 20 times as long.

    Args:
        saved_model: folder of the SavedModel, `<network>/1`.
        path: file to write; it appears whole or not at all.
        number_format: `"float32"`, `"float16"` or `"int8"`.
        signatures: names of the SavedModel's signatures.

    Returns:
        `pathlib.Path` of the file.

    Example:

    >>> from tfwm.networks import network_directory
    >>> write_tflite(network_directory("redmark-mt") / "1", "mt.tflite").suffix
    '.tflite'
    """
    one_of("number_format", number_format, TFLITE_FORMATS)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=list(signatures)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if number_format != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if number_format == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return write_whole(path, converter.convert())
