"""Writing a SavedModel as TFLite files with builtin operations only."""

import tensorflow as tf

from tfwm.checks import one_of
from tfwm.files import write_whole
from tfwm.networks.forms import TFLITE_FORMATS, tflite_name


def write_tflites(folder, name, signatures=("embed", "extract")):
    """Converts the SavedModel `1` in a network's folder to TFLite files beside it."""
    for number_format in TFLITE_FORMATS:
        path = folder / tflite_name(name, number_format)
        write_tflite(folder / "1", path, number_format, signatures)


def write_tflite(saved_model, path, number_format="float32", signatures=("embed", "extract")):
    """Converts a SavedModel to one TFLite file with the same signatures.

    Only builtin operations are used, so the file runs in every LiteRT interpreter. Height and
    width stay free: interpreters that show them as 1 need `resize_tensor_input` or the
    signature runner.

    The number formats, measured with the authors' three networks on six photos:

    * `"float32"`: the SavedModel's numbers to 2e-4 gray levels and 2e-4 in the logits.
    * `"float16"`: half the size, 0.04 gray levels and 0.04 in the logits.
    * `"int8"`: int8 weights, and activations quantized on the fly with a scale for each patch
      ("dynamic range"): a third of the size and the fastest. Single pixels move by up to 4
      gray levels, PSNR falls by at most 0.2 dB, and at most 0.02 % of the bits are read
      differently. Fixed int8 activations, calibrated on photos, were tried as well: single
      pixels moved by up to 37 gray levels and up to 0.6 % of the bits of an undamaged image
      were wrong, because one scale then serves the mean of a block and its fine detail;
      int16 activations with int8 weights read 42 % wrong and took 20 times as long.

    Args:
        saved_model: folder of the SavedModel, `<network>/1`.
        path: file to write; it appears whole or not at all.
        number_format: `"float32"`, `"float16"` or `"int8"`.
        signatures: names of the SavedModel's signatures.

    Returns:
        `pathlib.Path` of the file.

    Example:

    >>> write_tflite("saved_models/redmark-mt/1", "mt.tflite").suffix
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
