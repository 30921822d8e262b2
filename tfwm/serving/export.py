"""Networks as TensorFlow Serving wants them: photos' bytes in and out, warm-up, configuration."""

import io
import re
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tfwm.files import atomic_directory, write_whole
from tfwm.marking.filtered import check_unfiltered
from tfwm.marking.tiling import tiling_of
from tfwm.networks import KerasNetwork
from tfwm.networks.keras_files import find_keras_models, read_keras_models
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.places import network_directory
from tfwm.serving.photo_endpoints import photo_endpoints
from tfwm.serving.signatures import QUALITY, SIGNATURES
from tfwm.serving.wire import PredictionLog, predict_request

WARM_UP = "assets.extra/tf_serving_warmup_requests"
MODELS, BATCHING = "models.config", "batching.config"
# Where the folder lies for the server, in its container.
SERVED = "/models"
# Photos in a batch of the server; and how long, in microseconds, the first one waits for others.
BATCH, WAIT, QUEUED, THREADS = 8, 5000, 64, 2
WARM_BATCHES = (1, BATCH)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def export_for_serving(sources, directory, base=SERVED):
    """Writes networks for TensorFlow Serving, which marks and reads photos with nothing of tfwm.

    Each becomes `directory/<name>/<version>/`, a SavedModel with the signatures of
    `tfwm.serving.signatures` and requests to warm it up. If there are versions, the next one is
    written, which a running server takes up by itself. `models.config` names all networks in
    the folder, `batching.config` is there for `--batching_parameters_file`.

    Args:
        sources: names or folders of networks that carry messages, with their Keras files.
        directory: folder to write to; what is there stays.
        base: where `directory` lies for the server.

    Returns:
        List of `pathlib.Path`, the versions that were written.

    Example:

    >>> export_for_serving(["redmark-mt"], "served")  # doctest: +SKIP
    [PosixPath('served/redmark-mt/1')]
    """
    directory = Path(directory)
    opened = [_open(source) for source in sources]
    names = [network.name for network in opened]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected networks of different names. Received: {', '.join(names)}")
    written = []
    for network in opened:
        target = directory / network.name
        version = max(versions_in(target), default=0) + 1
        with atomic_directory(target / str(version)) as draft:
            write_photo_model(network, draft)
        written.append(target / str(version))
    write_whole(directory / MODELS, models_config(directory, base), overwrite=True)
    if not (directory / BATCHING).exists():  # which people tune
        write_whole(directory / BATCHING, batching_config())
    return written


def write_photo_model(network, folder):
    """Writes the SavedModel of a `KerasNetwork`, with its warm-up, directly into `folder`."""
    archive = keras.export.ExportArchive()
    for name, function in photo_endpoints(network, network.embedder, network.extractor).items():
        archive.add_endpoint(name, function)
    archive.write_out(str(folder), verbose=False)
    path = Path(folder) / WARM_UP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in warm_up(network):
            writer.write(record)


def warm_up(network):
    """Yields `PredictionLog` records, bytes: photos to mark and to read, one and several."""
    photos = [_texture(file_format) for file_format in ("JPEG", "PNG")]
    slots = np.arange(tiling_of(network).slots) % 2
    for count in WARM_BATCHES:
        files = [photos[n % 2] for n in range(count)]
        inputs = {
            "image_bytes": files,
            "message": np.tile(slots, (count, 1)),
            "strength": np.ones(count),
            "format": [b"keep"] * count,
            "quality": [QUALITY] * count,
        }
        for name in ("embed_bytes", "extract_bytes"):
            signature = SIGNATURES[name]
            needed = {tensor.name: inputs[tensor.name] for tensor in signature.inputs}
            record = PredictionLog()
            request = predict_request(network.name, signature, needed)
            record.predict_log.request.CopyFrom(request)
            yield record.SerializeToString()


def models_config(directory, base=SERVED):
    """Returns the text of `models.config` for all networks in a folder."""
    names = sorted(path.name for path in Path(directory).iterdir() if any(versions_in(path)))
    entries = "".join(
        f'  config {{\n    name: "{name}"\n    base_path: "{base.rstrip("/")}/{name}"\n'
        '    model_platform: "tensorflow"\n  }\n'
        for name in names
    )
    return f"model_config_list {{\n{entries}}}\n"


def batching_config():
    """Returns the text of `batching.config`, TensorFlow Serving's batching parameters.

    There are no `allowed_batch_sizes`: each photo is work of its own, also one that fills up.
    """
    values = {
        "max_batch_size": BATCH,
        "batch_timeout_micros": WAIT,
        "max_enqueued_batches": QUEUED,
        "num_batch_threads": THREADS,
    }
    return "".join(f"{name} {{ value: {value} }}\n" for name, value in values.items())


def versions_in(folder):
    """Returns the numbers of a network's versions in a folder."""
    if not Path(folder).is_dir():
        return []
    files = Path(folder).glob("*/saved_model.pb")
    return [int(file.parent.name) for file in files if file.parent.name.isdecimal()]


def _open(source):
    folder = find_keras_models(network_directory(source))
    files = NetworkFiles(folder)
    card = files.card
    if card.get("kind", "message") != "message":
        raise ValueError(
            f"Expected a network that carries messages. Received: {source}, of the kind "
            f"{card['kind']}"
        )
    name = card.get("name", folder.name)
    if not NAME.fullmatch(name):
        raise ValueError(
            "Expected a network whose name has letters, digits, dots and dashes only, as it stands "
            f"in addresses. Received: {name}"
        )
    network = KerasNetwork(*read_keras_models(files, "message"), name, card)
    check_unfiltered(network, "a server does not get the key")
    return network


def _texture(file_format):
    """The file of a photo-like picture of 768 x 512 pixels."""
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(0, 256, (64, 96, 3), np.uint8))
    buffer = io.BytesIO()
    small.resize((768, 512), Image.BICUBIC).save(buffer, file_format)
    return buffer.getvalue()
