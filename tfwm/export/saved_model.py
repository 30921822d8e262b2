"""Writing a network as SavedModel, the form that TF Serving and plain TensorFlow read."""

from pathlib import Path

import keras

from tfwm.files import atomic_directory
from tfwm.networks.endpoints import make_endpoints


def export_saved_model(first, second, directory, version=1, kind="message"):
    """Writes the two models of a network as one SavedModel, `directory/1`.

    `tf.saved_model.load` and TF Serving (its folder is `directory`) open it without tfwm. Its
    signatures are those of `tfwm.networks.make_endpoints`, such as
    `embed(image, message, strength) -> {"watermarked"}` and `extract(image) -> {"logits"}`;
    batch, height and width are free, `strength` is one float32 number, and `watermarked`
    is clipped to [0, 1]. The folder appears whole or not at all.

    Args:
        first: the embedder, such as `tfwm.models.redmark.build_embedder` gives; of a keyed
            network the host.
        second: the extractor, such as `tfwm.models.redmark.build_extractor` gives.
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
