import h5py
import numpy as np
import pytest

from tfwm.convert.redmark import SHAPES, compare_with_golden, convert_redmark, read_redmark_weights
from tfwm.networks import KerasNetwork, load_network
from tfwm.ops.transforms import block_matrix


def write_h5(path, change=None):
    """A file laid out as the authors' ones, with small random weights."""
    generator = np.random.default_rng(3)
    weights = {
        layer: [generator.normal(0, 0.05, shape).astype(np.float32) for shape in shapes]
        for layer, shapes in SHAPES.items()
    }
    matrix = block_matrix("dct", (8, 8)).astype(np.float32)
    weights["dct"], weights["idct"] = [matrix.T[None, None]], [matrix[None, None]]
    weights["smoothing_attak"] = [np.full((3, 3, 1, 1), 1 / 9, np.float32)]
    if change:
        change(weights)
    with h5py.File(path, "w") as file:
        file.attrs["backend"] = "tensorflow"
        file.create_group("input_img")
        for layer, arrays in weights.items():
            for name, array in zip(("kernel:0", "bias:0"), arrays, strict=False):
                file[f"{layer}/{layer}/{name}"] = array
    return path, weights


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def circular(x, kernel, bias):
    """The formula of the convolution, one sum for each tap."""
    y = sum(np.roll(x, (-a, -c), (1, 2)) @ kernel[a, c] for a in range(2) for c in range(2))
    return elu(y + bias)


def numpy_forward(weights, image, bits):
    """One 32 x 32 patch in NumPy, float64, straight from the layer table."""
    x = (image - 128) / 255
    blocks = x.reshape(4, 8, 4, 8).transpose(0, 2, 1, 3).reshape(1, 4, 4, 64)
    h = np.concatenate([blocks @ weights["dct"][0][0, 0], bits.reshape(1, 4, 4, 1)], -1)
    h = elu(h @ weights["enc_conv1"][0][0, 0] + weights["enc_conv1"][1])
    for i in range(2, 6):
        h = circular(h, *weights[f"enc_conv{i}"])
    marked = blocks + h @ weights["idct"][0][0, 0]
    h = marked @ weights["dct"][0][0, 0]
    h = elu(h @ weights["dec_conv1"][0][0, 0] + weights["dec_conv1"][1])
    for i in range(2, 5):
        h = circular(h, *weights[f"dec_conv{i}"])
    kernel, bias = weights["dec_output_depth2space"]
    marked = marked.reshape(4, 4, 8, 8).transpose(0, 2, 1, 3).reshape(32, 32)
    return marked + 128 / 255, (h @ kernel[0, 0] + bias)[0, ..., 0]


def test_against_numpy(tmp_path):
    path, weights = write_h5(tmp_path / "MT-Net.h5")
    generator = np.random.default_rng(4)
    image = generator.integers(60, 190, (32, 32))
    bits = generator.integers(0, 2, (4, 4)).astype(float)
    marked, logits = numpy_forward(weights, image, bits)
    report = convert_redmark(path, tmp_path / "out")
    assert report == {"path": str(tmp_path / "out" / "1")}
    network = load_network(tmp_path / "out")
    found = network.embed(np.float32(image / 255)[None, ..., None], bits[None, ..., None])
    np.testing.assert_allclose(found[0, ..., 0], marked, atol=2e-6)
    logits_found = network.extract(np.float32(marked)[None, ..., None])[0, ..., 0]
    np.testing.assert_allclose(logits_found, logits, atol=1e-5)
    assert network.name == "out" and "local use only" in network.card["licence"]["weights"]


@pytest.fixture
def in_memory(monkeypatch):
    """Conversion to a network in memory, without the seconds that packing every form takes."""
    found = []

    def pack(embedder, extractor, directory, card):
        found.append(KerasNetwork(embedder, extractor, card["name"], card))

    monkeypatch.setattr("tfwm.convert.redmark.package_network", pack)
    return lambda *arguments: (convert_redmark(*arguments), found[-1])


def test_other_transforms_are_kept(tmp_path, in_memory):
    matrix = block_matrix("hadamard", (8, 8)).astype(np.float32)

    def change(weights):
        weights["dct"], weights["idct"] = [matrix.T[None, None]], [matrix[None, None]]

    path, weights = write_h5(tmp_path / "net.h5", change)
    image, bits = np.full((32, 32), 100.0), np.eye(4)
    _, network = in_memory(path, tmp_path / "out")
    found = network.embed(np.float32(image / 255)[None, ..., None], bits[None, ..., None])
    expected, _ = numpy_forward(weights, image, bits)
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=2e-6)


def drop(weights):
    del weights["dec_conv3"]


def add(weights):
    weights["enc_conv6"] = weights["enc_conv5"]


def shrink(weights):
    weights["enc_conv2"][0] = weights["enc_conv2"][0][..., :32]


def no_bias(weights):
    weights["dec_conv1"].pop()


def not_finite(weights):
    weights["dec_conv1"][1][0] = np.nan


def not_inverse(weights):
    weights["idct"] = weights["dct"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (drop, r"layers missing: \['dec_conv3'\], unknown: none"),
        (add, r"layers missing: none, unknown: \['enc_conv6'\]"),
        (shrink, "expected enc_conv2 to have the shapes"),
        (no_bias, "expected dec_conv1 to have the shapes"),
        (not_finite, "dec_conv1 holds values that are not finite"),
        (not_inverse, "idct is not the inverse"),
    ],
)
def test_wrong_weights(tmp_path, change, match):
    path, _ = write_h5(tmp_path / "net.h5", change)
    with pytest.raises(ValueError, match=match) as error:
        convert_redmark(path, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_damaged_files(tmp_path):
    path, _ = write_h5(tmp_path / "net.h5")
    content = path.read_bytes()
    for size in (0, 100, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="truncated or not an HDF5 file"):
            read_redmark_weights(path)
    with pytest.raises(FileNotFoundError, match="no weight file"):
        convert_redmark(tmp_path / "none.h5", tmp_path / "out")


@pytest.mark.parametrize(
    "net", ["MT", *(pytest.param(net, marks=pytest.mark.slow) for net in ("GT", "JT"))]
)
def test_authors_weights(shared, official_mt, in_memory, tmp_path, net):
    """Marked images equal the reference but where it lies on the edge between two levels."""
    anchors = shared / "anchors" / "redmark"
    golden = anchors / "golden.npz"
    report, _ = in_memory(anchors / f"{net}-Net.h5", tmp_path / net, golden)
    rows = report["differences"]
    if net == "MT":
        rows += compare_with_golden(load_network(official_mt), golden, net)
    names = ["camera", "brick", "grass"]
    assert [row["image"] for row in rows] == names * (2 if net == "MT" else 1)
    for row in rows:
        assert row["logits_difference"] < 1e-3
        assert row["pixels_different"] <= 10
        assert row["farthest_from_integer"] < 1e-4


def test_golden_of_another_network(tmp_path):
    path, _ = write_h5(tmp_path / "XT-Net.h5")
    np.savez(tmp_path / "golden.npz", cover_a=np.zeros((32, 32), np.uint8))
    with pytest.raises(ValueError, match="holds no outputs of 'XT'"):
        convert_redmark(path, tmp_path / "out", tmp_path / "golden.npz")
    assert not (tmp_path / "out").exists()


def test_damaged_golden(tmp_path):
    path, _ = write_h5(tmp_path / "XT-Net.h5")
    golden = tmp_path / "golden.npz"
    for content in (b"", b"no archive", b"PK\x03\x04 cut off"):
        golden.write_bytes(content)
        with pytest.raises(ValueError, match=r"golden\.npz is truncated"):
            convert_redmark(path, tmp_path / "out", golden)
    np.savez(golden, cover_a=np.zeros((32, 32)), XT_a_marked=np.zeros((32, 32)))
    with pytest.raises(ValueError, match="holds no outputs of 'XT'"):
        convert_redmark(path, tmp_path / "out", golden)


def test_failed_card_leaves_the_old_network(tmp_path, monkeypatch):
    path, _ = write_h5(tmp_path / "net.h5")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("kept")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfwm.export.package.write_card", full)
    monkeypatch.setattr("tfwm.export.package.write_tflite", lambda *_: None)  # takes seconds
    with pytest.raises(OSError, match="No space left on device. Nothing was changed"):
        convert_redmark(path, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["old"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.h5", "out"]
