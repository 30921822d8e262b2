"""TensorFlow Serving's messages, without TensorFlow: what a client and a server exchange.

`tensorflow-serving-api` has the same messages and starts TensorFlow to define them. These are
written as its definitions are (Apache 2.0), in a pool of their own, so that both can be in one
process; a test holds them to it.
"""

import numpy as np
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
# tensorflow/core/framework/types.proto
DTYPES = {1: "float32", 3: "int32", 4: "uint8", 7: "string", 9: "int64", 10: "bool"}
NUMBERS = {name: number for number, name in DTYPES.items()}
VALUES = {
    "float32": "float_val",
    "int32": "int_val",
    "uint8": "int_val",
    "string": "string_val",
    "int64": "int64_val",
    "bool": "bool_val",
}
AVAILABLE = 30

# Full name: fields as "name number type", "*" for repeated; "map" for a map of texts.
MESSAGES = {
    "tensorflow.TensorShapeProto": (
        "dim 2 *.tensorflow.TensorShapeProto.Dim",
        "unknown_rank 3 bool",
    ),
    "tensorflow.TensorShapeProto.Dim": ("size 1 int64", "name 2 string"),
    "tensorflow.TensorProto": (
        "dtype 1 int32",
        "tensor_shape 2 .tensorflow.TensorShapeProto",
        "tensor_content 4 bytes",
        "float_val 5 *float",
        "int_val 7 *int32",
        "string_val 8 *bytes",
        "int64_val 10 *int64",
        "bool_val 11 *bool",
    ),
    "tensorflow.serving.ModelSpec": (
        "name 1 string",
        "version 2 .google.protobuf.Int64Value",
        "signature_name 3 string",
    ),
    "tensorflow.serving.PredictRequest": (
        "model_spec 1 .tensorflow.serving.ModelSpec",
        "inputs 2 map.tensorflow.TensorProto",
        "output_filter 3 *string",
    ),
    "tensorflow.serving.PredictResponse": (
        "outputs 1 map.tensorflow.TensorProto",
        "model_spec 2 .tensorflow.serving.ModelSpec",
    ),
    "tensorflow.serving.PredictLog": ("request 1 .tensorflow.serving.PredictRequest",),
    "tensorflow.serving.PredictionLog": ("predict_log 6 .tensorflow.serving.PredictLog",),
    "tensorflow.serving.StatusProto": ("error_code 1 int32", "error_message 2 string"),
    "tensorflow.serving.ModelVersionStatus": (
        "version 1 int64",
        "state 2 int32",
        "status 3 .tensorflow.serving.StatusProto",
    ),
    "tensorflow.TensorInfo": (
        "name 1 string",
        "dtype 2 int32",
        "tensor_shape 3 .tensorflow.TensorShapeProto",
    ),
    "tensorflow.SignatureDef": (
        "inputs 1 map.tensorflow.TensorInfo",
        "outputs 2 map.tensorflow.TensorInfo",
        "method_name 3 string",
    ),
    "tensorflow.serving.SignatureDefMap": ("signature_def 1 map.tensorflow.SignatureDef",),
    "tensorflow.serving.GetModelMetadataRequest": (
        "model_spec 1 .tensorflow.serving.ModelSpec",
        "metadata_field 2 *string",
    ),
    "tensorflow.serving.GetModelMetadataResponse": (
        "model_spec 1 .tensorflow.serving.ModelSpec",
        "metadata 2 map.google.protobuf.Any",
    ),
    "tensorflow.serving.GetModelStatusRequest": ("model_spec 1 .tensorflow.serving.ModelSpec",),
    "tensorflow.serving.GetModelStatusResponse": (
        "model_version_status 1 *.tensorflow.serving.ModelVersionStatus",
    ),
}


def _pool():
    pool = descriptor_pool.DescriptorPool()
    known = [wrappers_pb2.DESCRIPTOR, any_pb2.DESCRIPTOR]
    for descriptor in known:
        file = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(file)
        pool.Add(file)
    files = {}
    for package in ("tensorflow", "tensorflow.serving"):
        name = f"tfwm/{package}.proto"
        needed = [file.name for file in (*files.values(), *known)]
        files[package] = descriptor_pb2.FileDescriptorProto(
            name=name, package=package, syntax="proto3", dependency=needed
        )
    made = {}
    for full, fields in MESSAGES.items():
        parent, _, name = full.rpartition(".")
        inside = made[parent].nested_type if parent in made else files[parent].message_type
        made[full] = inside.add(name=name)
        for field in fields:
            _add_field(made[full], full, *field.split())
    for file in files.values():
        pool.Add(file)
    return pool


def _add_field(message, full, name, number, kind):
    """Adds a field, of a map also the message of its entries."""
    field = message.field.add(name=name, number=int(number), label=1)
    if kind.startswith("map"):
        camel = "".join(word.capitalize() for word in name.split("_")) + "Entry"
        entry = message.nested_type.add(name=camel)
        entry.options.map_entry = True
        _add_field(entry, full, "key", 1, "string")
        _add_field(entry, full, "value", 2, kind.removeprefix("map"))
        kind = f"*.{full}.{camel}"
    if kind.startswith("*"):
        field.label, kind = 3, kind[1:]
    if kind.startswith("."):
        field.type, field.type_name = field.TYPE_MESSAGE, kind
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")


_POOL = _pool()


def _message(name):
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


TensorProto = _message("tensorflow.TensorProto")
PredictRequest = _message("tensorflow.serving.PredictRequest")
PredictResponse = _message("tensorflow.serving.PredictResponse")
PredictionLog = _message("tensorflow.serving.PredictionLog")
SignatureDefMap = _message("tensorflow.serving.SignatureDefMap")
GetModelMetadataRequest = _message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _message("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest = _message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _message("tensorflow.serving.GetModelStatusResponse")


def to_tensor(values, dtype):
    """Returns the `TensorProto` of an array, or of a list of bytes.

    Args:
        values: array, or for strings a (nested) list of bytes or text.
        dtype: one of the names in `tfwm.serving.signatures`.

    Example:

    >>> to_tensor([1.0, 2.0], "float32").tensor_shape.dim[0].size
    2
    """
    array = np.array(values, object) if dtype == "string" else np.asarray(values, dtype)
    tensor = TensorProto(dtype=NUMBERS[dtype])
    for side in array.shape:
        tensor.tensor_shape.dim.add(size=side)
    if dtype == "string":
        texts = (x.encode() if isinstance(x, str) else bytes(x) for x in array.ravel())
        tensor.string_val.extend(texts)
    else:
        tensor.tensor_content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return tensor


def from_tensor(tensor):
    """Returns the array of a `TensorProto`; strings become an array of `bytes` objects.

    Raises `ValueError`, in one line, for what is none.

    Example:

    >>> from_tensor(to_tensor([b"a", b"b"], "string")).tolist()
    [b'a', b'b']
    """
    dtype = DTYPES.get(tensor.dtype)
    if dtype is None:
        raise ValueError(
            f"Expected a tensor of {', '.join(NUMBERS)}. Received: number {tensor.dtype} as dtype"
        )
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ValueError(f"Expected a tensor whose sides are known. Received: shape={shape}")
    count = int(np.prod(shape, dtype=np.float64))
    if tensor.tensor_content and dtype != "string":
        kind = np.dtype(dtype).newbyteorder("<")
        values = np.frombuffer(tensor.tensor_content, kind).astype(dtype)
    else:
        values = list(getattr(tensor, VALUES[dtype]))
        if len(values) == 1 and dtype != "string":  # the last value stands for those after it
            values *= min(count, 1 << 24)
        filled = np.empty(len(values), object if dtype == "string" else dtype)
        filled[:] = values
        values = filled
    if len(values) != count:
        raise ValueError(
            f"Expected {count} values for a tensor of shape {shape}. Received: {len(values)}"
        )
    return values.reshape(shape)


def predict_request(model, signature, inputs, version=None):
    """Returns a `PredictRequest`.

    Args:
        model: name at the server.
        signature: `tfwm.serving.signatures.Signature`.
        inputs: dict of its inputs.
        version: of the model, the newest by default.
    """
    request = PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature.name
    if version is not None:
        request.model_spec.version.value = version
    for tensor in signature.inputs:
        request.inputs[tensor.name].CopyFrom(to_tensor(inputs[tensor.name], tensor.dtype))
    return request
