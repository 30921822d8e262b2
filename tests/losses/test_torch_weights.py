import hashlib
import pickle
import types
from pathlib import Path

import keras
import numpy as np
import pytest

from tfwm.losses import torch_weights
from tfwm.losses.torch_weights import download, read_state_dict

HERE = Path(__file__).parent


# state_dict*.pth were written by PyTorch 2.13: torch.manual_seed(0), the state of a
# Conv2d(2, 3, (1, 2)) in a Sequential, and views of arange.
@pytest.mark.parametrize("name", ["state_dict.pth", "state_dict_legacy.pth"])
def test_reads_both_formats(name):
    state = read_state_dict(HERE / name)
    assert list(state) == ["0.weight", "0.bias", "half", "count", "part"]
    assert state["0.weight"].shape == (3, 2, 1, 2)
    np.testing.assert_allclose(state["0.weight"][1, 1, 0], [-0.009906590, 0.396444738], rtol=1e-6)
    np.testing.assert_allclose(state["0.bias"], [-0.47767425, -0.33114105, -0.20611155])
    np.testing.assert_array_equal(state["half"], [[0, 3], [1, 4], [2, 5]])
    assert state["half"].dtype == np.float16
    assert state["count"] == 7
    np.testing.assert_array_equal(state["part"], [2, 4, 6])


def test_reads_npz(tmp_path):
    np.savez(tmp_path / "x.npz", **{"features.0.weight": np.arange(3)})
    state = read_state_dict(tmp_path / "x.npz")
    np.testing.assert_array_equal(state["features.0.weight"], [0, 1, 2])


class Harm:
    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize(
    "content", [b"", b"photo", pickle.dumps(Harm()), pickle.dumps(1), pickle.dumps({"a": 1})]
)
def test_other_files_are_refused_and_not_run(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.pth").write_bytes(content)
    with pytest.raises(ValueError, match="state dict"):
        read_state_dict("x.pth")
    assert not Path("harm").exists()


@pytest.mark.parametrize("place", [(2, (2, 2), (2, 1)), (5, (), ()), (0, (2,), (-1,))])
def test_tensors_beyond_their_data_are_refused(place):
    storage = types.SimpleNamespace(kind=np.dtype(np.float32), data=bytes(5 * 4))
    with pytest.raises(ValueError, match="beyond"):
        torch_weights._Tensor(storage, *place).array()


def test_no_file():
    with pytest.raises(FileNotFoundError, match="none"):
        read_state_dict("nowhere.pth")


def test_download_checks_the_sum(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"weights")
    digits = hashlib.sha256(b"weights").hexdigest()[:8]
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: str(path))
    assert download(f"https://example.org/x-{digits}.pth") == path
    with pytest.raises(OSError, match="SHA-256"):
        download("https://example.org/x-00000000.pth")


def test_failed_download_says_what_to_do(monkeypatch):
    def fail(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    with pytest.raises(OSError, match="give its path"):
        download("https://example.org/x-00000000.pth")
