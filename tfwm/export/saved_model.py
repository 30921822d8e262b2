"""Writing a network as SavedModel, the form that TF Serving and plain TensorFlow read."""

from pathlib import Path

import keras

from tfwm.files import atomic_directory
from tfwm.networks.endpoints import make_endpoints


def export_saved_model(embedder, extractor, directory, version=1):
    """Writes an embedder and its extractor as one SavedModel, `directory/1`.

    The file loads without tfwm, by `tf.saved_model.load`, TF Serving (its folder is
    `directory`) or `tfwm.export.load_network`. Its signatures are
    `embed(image, message, strength) -> {"watermarked"}` and `extract(image) -> {"logits"}`;
    batch, height and width are free, `strength` is one float32 number, and `watermarked`
    is clipped to [0, 1]. The folder appears whole or not at all.

    Args:
        embedder: `keras.Model`, such as `tfwm.models.redmark.build_embedder` gives.
        extractor: `keras.Model`, such as `tfwm.models.redmark.build_extractor` gives.
        directory: folder of the network.
        version: name of the folder inside, a whole number.

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
        write_saved_model(embedder, extractor, draft)
    return target


def write_saved_model(embedder, extractor, folder):
    """Writes the files of the SavedModel straight into `folder`."""
    # Without `track`, which would store each weight a second time.
    archive = keras.export.ExportArchive()
    for name, function in make_endpoints(embedder, extractor).items():
        archive.add_endpoint(name, function)
    archive.write_out(str(folder), verbose=False)
