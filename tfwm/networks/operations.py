"""What SavedModels and TFLite files may do: compute, and nothing else.

Both are programs. Each of their operations must be on a list of those that only compute: nothing
that touches files, the network, Python, tables, data sets or the console. A list of what is
refused would lack the operations of tomorrow.
"""

import struct

from tfwm.checks import one_line

SAVED_MODEL_OPERATIONS = frozenset(
    """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool
    AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpace BatchToSpaceND BiasAdd
    BiasAddV1 Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo Bucketize Cast
    Ceil ClipByValue Complex ComplexAbs Concat ConcatV2 Conj Const Conv2D Conv2DBackpropInput
    Conv3D Conv3DBackpropInputV2 Cos Cosh CropAndResize Cross Cumprod Cumsum DepthToSpace
    DepthwiseConv2dNative Diag DiagPart Dilation2D Div DivNoNan DynamicStitch Einsum Elu
    EnsureShape Equal Erf Erfc Erfinv EuclideanNorm Exp ExpandDims Expm1 ExtractImagePatches FFT
    FFT2D FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill
    Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd
    GatherV2 Greater GreaterEqual HSVToRGB IFFT IFFT2D IRFFT IRFFT2D Identity IdentityN Imag
    ImageProjectiveTransformV2 ImageProjectiveTransformV3 Inv Invert InvertPermutation IsFinite
    IsInf IsNan L2Loss LRN LeakyRelu LeftShift Less LessEqual LinSpace Log Log1p LogSoftmax
    LogicalAnd LogicalNot LogicalOr MatMul MatrixBandPart MatrixDiag MatrixDiagPart
    MatrixDiagPartV3 MatrixDiagV3 Max MaxPool MaxPoolV2 MaxPool3D Maximum Mean Min Minimum
    MirrorPad Mod Mul MulNoNan Neg NoOp NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall
    Placeholder PlaceholderWithDefault Pow PreventGradient Prod RFFT RFFT2D RGBToHSV Range Rank
    ReadVariableOp Real RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic
    ResizeBilinear ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 RightShift Rint Roll
    Round Rsqrt ScaleAndTranslate ScatterNd SegmentMax SegmentMean SegmentMin SegmentSum Select
    SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign
    SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze
    StatefulPartitionedCall StatelessIf StatelessRandomGetKeyCounter StatelessRandomNormal
    StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformV2 StopGradient
    StridedSlice Sub Sum Tan Tanh TensorScatterUpdate Tile TopK TopKV2 Transpose TruncateDiv
    TruncateMod Unpack UnravelIndex UnsortedSegmentMax UnsortedSegmentSum VarHandleOp
    VarIsInitializedOp VariableShape Where Xdivy Xlog1py Xlogy ZerosLike
    """.split()
)
# What TensorFlow writes into each SavedModel to read and write its variables; these functions are
# not run where a SavedModel is loaded.
SAVING_OPERATIONS = frozenset(
    """
    AssignVariableOp DisableCopyOnRead MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename
    StaticRegexFullMatch StringJoin
    """.split()
)
# What TensorFlow writes beside an operation's own attributes. Others may choose, when a function
# is called, another one in its place (api_implements, api_preferred_device).
HIDDEN_ATTRIBUTES = frozenset(
    """
    _XlaHasReferenceVars _XlaMustCompile _class _collective_manager_ids _construction_context
    _has_manual_control_dependencies _input_shapes _output_shapes _read_only_resource_inputs
    """.split()
)
SAVED_OBJECTS = ("user_object", "function", "variable", "bare_concrete_function", "constant")
USER_OBJECTS = ("_generic_user_object", "trackable_list_wrapper", "trackable_dict_wrapper")
USER_OBJECTS += ("signature_map", "trackable_tuple_wrapper")

TFLITE_OPERATIONS = frozenset(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN ATAN2 AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BITCAST
    BITWISE_XOR BROADCAST_ARGS BROADCAST_TO CAST CEIL COMPLEX_ABS CONCATENATION CONV_2D CONV_3D
    CONV_3D_TRANSPOSE COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV
    DYNAMIC_UPDATE_SLICE ELU EQUAL EXP EXPAND_DIMS FAKE_QUANT FILL FLOOR FLOOR_DIV FLOOR_MOD
    FULLY_CONNECTED GATHER GATHER_ND GELU GREATER GREATER_EQUAL HARD_SWISH IMAG L2_NORMALIZATION
    L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND
    LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MATRIX_DIAG MATRIX_SET_DIAG MAXIMUM MAX_POOL_2D
    MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL ONE_HOT PACK PAD PADV2 POW PRELU QUANTIZE RANGE
    RANK REAL REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6 RELU_0_TO_1
    RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_SEQUENCE REVERSE_V2
    RFFT2D RIGHT_SHIFT ROUND RSQRT SCATTER_ND SEGMENT_SUM SELECT SELECT_V2 SHAPE SIGN SIN SLICE
    SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE
    SQUEEZE STRIDED_SLICE SUB SUM TANH TILE TOPK_V2 TRANSPOSE TRANSPOSE_CONV UNPACK
    UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_SUM WHERE ZEROS_LIKE
    """.split()
)
# Elements of the largest tensor whose size a file may state, 1 GiB of float32.
MOST_ELEMENTS = 2**28


def check_saved_model(data, path):
    """Raises `ValueError` if a SavedModel may do more than compute; nothing of it is run.

    Args:
        data: the bytes of its `saved_model.pb`.
        path: what the error calls it.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        (graph,) = saved_model_pb2.SavedModel.FromString(data).meta_graphs
    except (DecodeError, ValueError) as error:
        raise ValueError(
            f"The network {path} cannot be read, it is incomplete or damaged."
        ) from error
    if not graph.HasField("object_graph_def") or graph.asset_file_def:
        _refuse(path, "files beside its variables, or a start of its own (TensorFlow 1)")
    for entry in graph.object_graph_def.nodes:
        kind = entry.WhichOneof("kind")
        plain = kind != "user_object" or entry.user_object.identifier in USER_OBJECTS
        if (
            kind not in SAVED_OBJECTS
            or not plain
            or entry.registered_name
            or entry.registered_saver
        ):
            _refuse(path, kind if plain else f"an object {entry.user_object.identifier!r}")
        if entry.saveable_objects:
            _refuse(path, "functions of its own that read its variables")
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    saving = _saving_functions(graph, functions)
    _check_nodes(graph.graph_def.node, SAVED_MODEL_OPERATIONS | {"AssignVariableOp"}, path)
    for name, function in functions.items():
        _check_attributes(function.attr, path)
        allowed = SAVED_MODEL_OPERATIONS | (SAVING_OPERATIONS if name in saving else set())
        _check_nodes(function.node_def, allowed, path)
        if name not in saving and saving & set(_called(function.node_def)):
            _refuse(path, "a function that reads or writes files")
    if saving & set(graph.object_graph_def.concrete_functions):
        _refuse(path, "a function that reads or writes files")


def check_nodes(nodes, path):
    """Raises `ValueError` if nodes of a graph may do more than compute; nothing of it is run.

    Args:
        nodes: the `NodeDef`s; functions that they call are not looked into, so that they must not
            be given to TensorFlow beside them.
        path: what the error calls the graph.
    """
    _check_nodes(nodes, SAVED_MODEL_OPERATIONS, path)


def check_tflite(data, path):
    """Raises `ValueError` if a TFLite file is damaged or may do more than compute.

    Each index is compared with what it counts, since the interpreter trusts many of them.

    Args:
        data: the bytes of the file.
        path: what the error calls it.
    """
    schema = _tflite_schema()
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    try:
        model = schema.Model.GetRootAsModel(data, 0)
        if not schema.Model.ModelBufferHasIdentifier(data, 0):
            raise ValueError("it does not begin as one")
        codes = [model.OperatorCodes(i) for i in _few(model.OperatorCodesLength(), data)]
        codes = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes]
        buffers = _buffer_sizes(model, data)
        graphs = [model.Subgraphs(i) for i in _few(model.SubgraphsLength(), data)]
        for graph in graphs:
            _check_graph(graph, len(codes), buffers, data)
        external = model.ExternalBuffersLength() or model.ExternalBufferGroupsLength()
    except Exception as error:  # offsets that lead outside raise whatever reads them
        raise ValueError(f"{path} is not a TFLite file, or damaged: {one_line(error)}") from error
    refused = [names.get(code, code) for code in codes if names.get(code) not in TFLITE_OPERATIONS]
    if refused or external:
        what = f"the operation {refused[0]}" if refused else "weights in other files"
        _refuse(path, what, "builtin operations that compute")


def _tflite_schema():
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        from tensorflow.lite.python import schema_py_generated as schema
    return schema


def _refuse(path, what, expected="operations that compute"):
    raise ValueError(
        f"Expected a network of {expected} and nothing else. Received: {path}, which has {what}. "
        "Such a network could touch your files: it is not loaded, also not with --trust."
    )


def _saving_functions(graph, functions):
    """Names of the functions that only TensorFlow's own saver runs."""
    saver = graph.saver_def
    roots = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    nodes = [node for node in graph.graph_def.node if node.name in roots]
    found, new = set(), set(_called(nodes))
    while new:
        found |= new
        new = {x for name in new if name in functions for x in _called(functions[name].node_def)}
        new -= found
    return found


def _called(nodes):
    """Names of the functions in the attributes of nodes, and in those of such functions."""
    for node in nodes:
        for value in node.attr.values():
            for function in (*((value.func,) if value.HasField("func") else ()), *value.list.func):
                yield function.name
                yield from _called([function])


def _check_attributes(attributes, path):
    for name in attributes:
        if name not in HIDDEN_ATTRIBUTES:
            _refuse(path, f"a function with the attribute {name}")


def _check_nodes(nodes, allowed, path):
    for node in nodes:
        if node.op not in allowed:
            _refuse(path, f"the operation {node.op}")
        hidden = {name for name in node.attr if name.startswith(("_", "api_"))} - HIDDEN_ATTRIBUTES
        if hidden:
            _refuse(path, f"the attribute {min(hidden)} of an operation")
        for value in node.attr.values():
            if value.HasField("tensor") and _elements(value.tensor.tensor_shape) > MOST_ELEMENTS:
                _refuse(path, "a constant that is larger than 1 GiB")


def _elements(shape):
    product = 1
    for dimension in shape.dim:
        product *= max(dimension.size, 1)
    return product


def _few(length, data):
    """The range of a vector's length, which a file of this size can hold."""
    if length > len(data) // 4:
        raise ValueError("a list is longer than the file")
    return range(length)


def _buffer_sizes(model, data):
    sizes = []
    for i in _few(model.BuffersLength(), data):
        buffer = model.Buffers(i)
        size, offset = buffer.DataLength(), buffer.Offset()
        if size > len(data) or offset > 1 and offset + buffer.Size() > len(data):
            raise ValueError("a buffer is longer than the file")
        if size:
            struct.unpack_from("B", buffer.Data(size - 1).to_bytes())
        sizes.append(buffer.Size() if offset > 1 else size)
    return sizes


def _check_graph(graph, codes, buffers, data):
    tensors = len(_few(graph.TensorsLength(), data))
    for i in range(tensors):
        tensor = graph.Tensors(i)
        shape = [tensor.Shape(j) for j in _few(tensor.ShapeLength(), data)]
        elements = 1
        for side in shape:
            elements *= max(side, 1)
        if min(shape, default=0) < 0 or len(shape) > 8 or elements > MOST_ELEMENTS:
            raise ValueError(f"a tensor has the shape {shape[:8]}")
        if tensor.Buffer() >= len(buffers):
            raise ValueError("a tensor has a buffer that is not there")
    for i in _few(graph.OperatorsLength(), data):
        operator = graph.Operators(i)
        used = [operator.Inputs(j) for j in _few(operator.InputsLength(), data)]
        used += [operator.Outputs(j) for j in _few(operator.OutputsLength(), data)]
        if not all(-1 <= index < tensors for index in used) or operator.OpcodeIndex() >= codes:
            raise ValueError("an operation has a tensor that is not there")
    ends = [graph.Inputs(j) for j in _few(graph.InputsLength(), data)]
    ends += [graph.Outputs(j) for j in _few(graph.OutputsLength(), data)]
    if not all(0 <= index < tensors for index in ends):
        raise ValueError("an input or output is not there")
