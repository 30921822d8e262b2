import sys

import numpy as np
import pytest

from tfwm.export import write_tflite
from tfwm.networks import TFLITE_FORMATS, load_network, tflite_name


@pytest.mark.parametrize("kind", TFLITE_FORMATS)
def test_builtin_operations_and_both_signatures(packaged, kind):
    network = load_network(packaged / tflite_name("tiny", kind))
    operations = {op["op_name"] for op in network.form.runtime._get_ops_details()}
    assert "CONV_2D" in operations
    assert not [name for name in operations if name.startswith("Flex") or "CUSTOM" in name.upper()]
    signatures = network.form.runtime.get_signature_list()
    assert sorted(signatures["embed"]["inputs"]) == ["image", "message", "strength"]
    assert signatures["embed"]["outputs"] == ["watermarked"]
    assert signatures["extract"] == {"inputs": ["image"], "outputs": ["logits"]}


def test_parity_on_photos(packaged, compare_networks):
    reference = load_network(packaged)
    limits = {"float32": (1e-2, 1e-3), "float16": (0.5, 0.02), "int8": (20, 1)}
    for kind, (pixels, logits) in limits.items():
        network = load_network(packaged / tflite_name("tiny", kind))
        found = compare_networks(network, reference, noise=5)
        assert found["watermarked_rms"] <= found["watermarked_max"] < pixels
        assert found["logits_max"] < logits
        assert abs(found["psnr"] - found["psnr_reference"]) < 0.5
        if kind == "float32":
            assert found["bits_changed"] < 1e-3


def test_weights_are_int8_and_half(packaged):
    for kind, dtype in (("float16", np.float16), ("int8", np.int8), ("float32", np.float32)):
        network = load_network(packaged / tflite_name("tiny", kind))
        tensors = network.form.runtime.get_tensor_details()
        assert any(t["dtype"] == dtype and np.prod(t["shape"]) >= 2 * 2 * 8 * 64 for t in tensors)


def test_file_names():
    assert [tflite_name("a", k) for k in TFLITE_FORMATS] == [
        "a.tflite",
        "a-float16.tflite",
        "a-int8.tflite",
    ]


def test_falls_back_to_tensorflow(packaged, monkeypatch, image):
    expected = load_network(packaged / "tiny.tflite").extract(image)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    network = load_network(packaged / "tiny.tflite")
    assert type(network.form.runtime).__module__.startswith("tensorflow")
    np.testing.assert_allclose(network.extract(image), expected, atol=1e-5)


def test_errors(packaged, tmp_path):
    with pytest.raises(ValueError, match="Expected one of"):
        write_tflite(packaged / "1", tmp_path / "x.tflite", "int4")
    with pytest.raises(FileNotFoundError, match="no network at"):
        load_network(tmp_path / "x.tflite")
    (tmp_path / "x.tflite").write_bytes(b"no model")
    with pytest.raises(ValueError, match="is not a TFLite file"):
        load_network(tmp_path / "x.tflite")
