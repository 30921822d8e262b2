import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tfwm.convert import convert_stegastamp
from tfwm.convert.graph import SavedGraph
from tfwm.convert.stegastamp import INPUTS, OUTPUTS, read_layers
from tfwm.models.stegastamp_released import GridTransformer
from tfwm.networks import load_network

SIZE, BITS = 64, 12


@pytest.fixture(scope="module")
def published(write_released, tmp_path_factory):
    """Folder of a SavedModel as it is published, variables beside the graph, and what runs it."""
    folder = tmp_path_factory.mktemp("published") / "stegastamp"
    return folder, write_released(folder, SIZE, BITS)


@pytest.fixture(scope="module")
def frozen(write_released, tmp_path_factory):
    """The same as the authors' `train.py` writes it, weights as constants."""
    folder = tmp_path_factory.mktemp("frozen") / "stegastamp"
    return folder, write_released(folder, SIZE, BITS, frozen=True)


@pytest.fixture
def packaged(monkeypatch):
    """What would be packed: embedder, extractor and card, without the seconds that it takes."""
    found = []
    monkeypatch.setattr(
        "tfwm.convert.stegastamp.package_network",
        lambda first, second, directory, card: found.extend((first, second, card)),
    )
    return found


def compare(run, network, size, bits, photo):
    """Marks photos with both networks, and reads the marked and other photos with both."""
    generator = np.random.default_rng(1)
    covers = np.concatenate([photo[:, :size, :size], photo[:, -size:, -size:]])
    message = generator.integers(0, 2, (2, bits)).astype(np.float32)
    original = run(message, covers)
    embedder, extractor = network
    marked = embedder(covers, message[:, None, None])
    np.testing.assert_allclose(marked, original["stegastamp"], atol=1e-4)
    assert np.abs(marked - covers).max() > 0.1
    for image, read in ((covers, original), (marked, run(message, marked))):
        odds = 1 / (1 + np.exp(-extractor(image)[:, 0, 0]))
        np.testing.assert_allclose(odds, read["odds"], atol=1e-4)
        np.testing.assert_array_equal(odds > 0.5, read["decoded"] == 1)
        assert odds.std() > 0.2


@pytest.mark.parametrize("released", ["published", "frozen"])
def test_same_outputs(released, request, packaged, photo, tmp_path):
    """Image and bits are those of the original graph."""
    folder, run = request.getfixturevalue(released)
    report = convert_stegastamp(folder, tmp_path / "out")
    assert report == {"path": str(tmp_path / "out" / "1"), "size": SIZE, "bits": BITS}
    embedder, extractor, card = packaged

    def embed(image, message):
        inputs = {"image": image, "message": message, "strength": np.ones(len(image))}
        return np.clip(embedder(inputs), 0, 1)

    network = embed, lambda image: np.asarray(extractor(image))
    compare(run, network, SIZE, BITS, photo)
    assert card["geometry"]["bits"] == BITS and card["geometry"]["whole"]


def test_trust_compares(published, packaged, tmp_path):
    folder, _ = published
    differences = convert_stegastamp(folder, tmp_path / "out", trust=True)["differences"]
    assert differences["bits_different"] == 0
    assert max(differences["pixels"], differences["probabilities"]) < 1e-5


def test_differences_are_refused(published, packaged, tmp_path, monkeypatch):
    folder, _ = published

    monkeypatch.setattr(GridTransformer, "call", lambda self, inputs: inputs[0])
    with pytest.raises(ValueError, match="differs from .* It is not written"):
        convert_stegastamp(folder, tmp_path / "out", trust=True)
    assert not packaged


def narrow(weights):
    kernel, bias = weights["encoder", "conv3"]
    weights["encoder", "conv3"] = [kernel[..., :48], bias[:48]]
    kernel, bias = weights["encoder", "conv4"]
    weights["encoder", "conv4"] = [kernel[:, :, :48], bias]
    kernel, bias = weights["encoder", "conv7"]
    weights["encoder", "conv7"] = [kernel[:, :, :112], bias]


def not_finite(weights):
    weights["decoder", "dense"][1][3] = np.nan


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            narrow,
            r"expected conv3 \(stega_stamp_encoder/conv2d_2/kernel\) to have the shapes "
            r"\[\(3, 3, 32, 64\), \(64,\)\]\. Received: \[\(3, 3, 32, 48\), \(48,\)\]",
        ),
        (not_finite, r"expected dense \(stega_stamp_decoder/sequential_1/dense_2/kernel\) to hold"),
    ],
)
def test_wrong_weights(write_released, tmp_path, change, match):
    write_released(tmp_path / "net", 32, 4, change=change)
    with pytest.raises(ValueError, match=match) as error:
        convert_stegastamp(tmp_path / "net", tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_too_few_layers(published, tmp_path):
    graph = SavedGraph(published[0], INPUTS, OUTPUTS)
    with pytest.raises(ValueError, match="Expected 1 layers with weights before residual"):
        read_layers(graph, "residual", [("conv1", (3, 3, 6, 32), 1)])


def test_other_networks(tmp_path, packaged):
    module = tf.Module()
    module.double = tf.function(lambda image: 2 * image, [tf.TensorSpec((None, 8, 8, 3))])
    tf.saved_model.save(module, str(tmp_path / "other"), signatures=module.double)
    with pytest.raises(ValueError, match="inputs secret, image and the outputs stegastamp"):
        convert_stegastamp(tmp_path / "other", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="There is no SavedModel in"):
        convert_stegastamp(tmp_path, tmp_path / "out")


def test_damaged_folders(published, tmp_path, packaged):
    folder = tmp_path / "net"
    shutil.copytree(published[0], folder)
    content = (folder / "saved_model.pb").read_bytes()
    variables = sorted((folder / "variables").iterdir())
    for path in variables:
        path.rename(path.with_suffix(".away"))
        with pytest.raises(ValueError, match="variables cannot be read") as error:
            convert_stegastamp(folder, tmp_path / "out")
        assert "\n" not in str(error.value)
        path.with_suffix(".away").rename(path)
    for size in (100, len(content) // 2):
        (folder / "saved_model.pb").write_bytes(content[:size])
        with pytest.raises(ValueError, match="is no SavedModel of one graph, or damaged"):
            convert_stegastamp(folder, tmp_path / "out")


@pytest.mark.parametrize("trust", [False, True])
def test_operations_that_do_more_are_refused(published, tmp_path, trust):
    """Whether it shall be run or not; what lies beside the way to the outputs does not matter."""
    from tensorflow.core.protobuf import saved_model_pb2

    folder = tmp_path / "net"
    shutil.copytree(published[0], folder)
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    graph = saved.meta_graphs[0]
    nodes = {node.name: node for node in graph.graph_def.node}
    image = nodes[graph.signature_def["serving_default"].inputs["image"].name.partition(":")[0]]
    evil = graph.graph_def.node.add(name="evil", op="WriteFile", input=["evil_name", image.name])
    path.write_bytes(saved.SerializeToString())
    SavedGraph(folder, INPUTS, OUTPUTS)
    first = next(node for node in graph.graph_def.node if node.op == "Sub")
    evil.op = "PyFunc"
    del evil.input[0]
    first.input[0], first.input[1] = "evil", first.input[1]
    path.write_bytes(saved.SerializeToString())
    with pytest.raises(ValueError, match="which has the operation PyFunc.*not loaded, also not"):
        convert_stegastamp(folder, tmp_path / "out", trust)
    assert not (tmp_path / "out").exists()


def test_map_that_leaves_the_image():
    """Beyond the border is 0, and the identity goes to the last pixel but one."""
    image = np.arange(1, 17, dtype=np.float32).reshape(1, 4, 4, 1)
    shift = np.float32([[1, 0, 1.0, 0, 1, 0]])
    shifted = GridTransformer()([image, shift])[0, ..., 0].numpy()
    # Places 1, 1 2/3, 2 1/3 and 3: the last is on the border.
    np.testing.assert_allclose(shifted[0], [2, 2 + 2 / 3, 3 + 1 / 3, 0], atol=1e-6)


@pytest.mark.slow
def test_the_published_size(write_released, tmp_path, photo):
    """400 x 400 pixels and 100 bits, as a user converts it: all forms give the same."""
    from tfwm import cli

    folder = tmp_path / "stegastamp_pretrained"
    run = write_released(folder)
    # As many bytes as the published file has.
    assert (folder / "variables/variables.data-00000-of-00001").stat().st_size == 217_018_916
    assert cli.main(["convert", "stegastamp", str(folder), str(tmp_path / "out"), "--trust"]) == 0
    card = json.loads((tmp_path / "out/card.json").read_text())
    assert card["geometry"]["bits"] == 100 and card["geometry"]["patch"] == [400, 400]
    network = load_network(tmp_path / "out", trust=True, runtime="tensorflow")
    large = photo.repeat(2, 1).repeat(2, 2)
    compare(run, (network.embed, network.extract), 400, 100, large)
