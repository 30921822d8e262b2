"""The messages of TensorFlow Serving, held to those of `tensorflow-serving-api`."""

import subprocess
import sys

import numpy as np
import pytest

from tfwm.serving import wire
from tfwm.serving.signatures import SIGNATURES

INPUTS = {
    "image_bytes": [b"\xff\xd8", b""],
    "message": np.eye(2, 5),
    "strength": [1.0, 0.5],
    "format": ["png", "keep"],
    "quality": [95, 80],
}


def test_messages_are_those_of_tensorflow_serving():
    pytest.importorskip("tensorflow_serving")
    from google.protobuf import descriptor_pool
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        predict_pb2,
        prediction_log_pb2,
    )

    theirs = descriptor_pool.Default()
    assert predict_pb2 and get_model_status_pb2 and prediction_log_pb2 and get_model_metadata_pb2
    for name in wire.MESSAGES:
        own, other = wire._POOL.FindMessageTypeByName(name), theirs.FindMessageTypeByName(name)
        for field in own.fields:
            same = other.fields_by_number[field.number]
            assert (field.name, field.is_repeated) == (same.name, same.is_repeated)
            enum = (field.type, same.type) == (field.TYPE_INT32, field.TYPE_ENUM)
            assert enum or field.type == same.type


def test_tensorflow_reads_a_request_and_we_its_answer():
    predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    import tensorflow as tf

    request = wire.predict_request("photo", SIGNATURES["embed_bytes"], INPUTS, version=3)
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert read.model_spec.name == "photo" and read.model_spec.version.value == 3
    assert read.model_spec.signature_name == "embed_bytes"
    for name, values in INPUTS.items():
        array = tf.make_ndarray(read.inputs[name])
        if name in ("image_bytes", "format"):
            values = [x.encode() if isinstance(x, str) else x for x in values]
        np.testing.assert_array_equal(array, np.array(values, array.dtype))
    answer = predict_pb2.PredictResponse()
    sent = {
        "votes": np.float32([[1, np.nan], [-2, 3]]),
        "psnr": np.full(3, 40, np.float32),  # one value for all
        "error": np.array([b"", b"no"], object),
    }
    for name, values in sent.items():
        answer.outputs[name].CopyFrom(tf.make_tensor_proto(values))
    answer.outputs["psnr"].CopyFrom(tf.make_tensor_proto(40.0, shape=(3,)))
    found = wire.PredictResponse.FromString(answer.SerializeToString())
    for name, values in sent.items():
        np.testing.assert_array_equal(wire.from_tensor(found.outputs[name]), values)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: setattr(t, "dtype", 8), "Expected a tensor of float32, int32"),
        (lambda t: t.tensor_shape.dim.add(size=-1), "whose sides are known"),
        (lambda t: t.tensor_shape.dim.add(size=7), "Expected 14 values"),
    ],
)
def test_odd_tensors_are_refused(change, match):
    tensor = wire.to_tensor([1.0, 2.0], "float32")
    change(tensor)
    with pytest.raises(ValueError, match=match):
        wire.from_tensor(tensor)


def test_needs_no_tensorflow():
    command = "import sys, tfwm.serving.wire; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
