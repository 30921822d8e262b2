"""Graphs of TensorFlow 1, as a SavedModel holds them: read without being run, run if trusted."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.checks import one_line
from tfwm.networks.operations import MOST_ELEMENTS, check_nodes

SERVING = "serving_default"
# What hands a weight on unchanged.
PASSING = ("Identity", "ReadVariableOp")
VARIABLES = ("VarHandleOp", "VariableV2", "Variable")


class SavedGraph:
    """The part of a SavedModel of TensorFlow 1 from its inputs to some outputs.

    Only this part is looked at, and its operations must only compute. Weights may be constants,
    as `convert_variables_to_constants` leaves them, or variables beside the graph.

    Args:
        folder: of the SavedModel, with `saved_model.pb`.
        inputs: names of the inputs that its signature must have.
        outputs: names of the outputs.

    Attributes:
        folder: `pathlib.Path`.
        inputs: dict of the inputs, name to name in the graph.
        outputs: the same of the outputs.
        shapes: dict of the inputs' shapes, tuples; `None` is a free side.
    """

    def __init__(self, folder, inputs, outputs):
        self.folder = Path(folder)
        graph = self._read()
        signature = graph.signature_def.get(SERVING)
        found = [sorted(x) for x in (signature.inputs, signature.outputs)] if signature else []
        if found != [sorted(inputs), sorted(outputs)]:
            what = f"{found[0]} and {found[1]}" if found else "no such signature"
            raise ValueError(
                f"Expected a SavedModel of TensorFlow 1 whose signature {SERVING} has the inputs "
                f"{', '.join(inputs)} and the outputs {', '.join(outputs)}. "
                f"Received: {self.folder} with {what}"
            )
        self.inputs = {name: signature.inputs[name].name for name in inputs}
        self.outputs = {name: signature.outputs[name].name for name in outputs}
        self.shapes = {name: _sides(signature.inputs[name].tensor_shape) for name in inputs}
        self._all = {node.name: node for node in graph.graph_def.node}
        self._nodes = {node.name: node for node in self._before(self.outputs.values())}
        for node in self._nodes.values():
            del node.input[len(_data(node)) :]
        self._weights = None
        computing = (node for node in self._nodes.values() if node.op not in VARIABLES)
        check_nodes(computing, self.folder)

    def layers(self, output):
        """Returns the convolutions and dense layers from which an output comes, in their order.

        Returns:
            List of dicts, one a layer: `name` of its kernel in the graph, `kind` (`"Conv2D"` or
            `"MatMul"`), `stride`, and the arrays `kernel` and `bias`, `None` if it has none.
        """
        nodes = self._before([self.outputs[output]])
        found = []
        for node in nodes:
            if node.op not in ("Conv2D", "MatMul") or not self._source(node.input[1]):
                continue
            bias = [
                self._source(other.input[1])
                for other in nodes
                if other.op in ("BiasAdd", "Add", "AddV2") and _plain(other.input[0]) == node.name
            ]
            kernel = self._source(node.input[1])
            found.append(
                {
                    "name": kernel,
                    "kind": node.op,
                    "stride": max(node.attr["strides"].list.i) if node.op == "Conv2D" else 1,
                    "kernel": self.weights[kernel],
                    "bias": self.weights[bias[0]] if bias and bias[0] else None,
                }
            )
        return found

    @property
    def weights(self):
        """Dict of all constants and variables, name in the graph to array."""
        if self._weights is None:
            constants = {n.name: n for n in self._nodes.values() if n.op == "Const"}
            variables = [n for n in self._nodes.values() if n.op in VARIABLES]
            self._weights = {
                name: tf.make_ndarray(node.attr["value"].tensor) for name, node in constants.items()
            } | self._read_variables(variables)
        return self._weights

    def run(self, feeds, fetches):
        """Runs the graph, whose operations only compute, with its weights as constants.

        Args:
            feeds: dict of arrays by the names of inputs.
            fetches: dict of names and tensors in the graph.

        Returns:
            dict of arrays.
        """
        graph_def = tf.compat.v1.GraphDef()
        for node in self._nodes.values():
            if node.op not in VARIABLES:
                graph_def.node.add().CopyFrom(node)
                if node.op == "ReadVariableOp":
                    graph_def.node[-1].Clear()
                    self._write_constant(graph_def.node[-1], node.name, _plain(node.input[0]))
            elif node.op != "VarHandleOp":
                self._write_constant(graph_def.node.add(), node.name, node.name)
        try:
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(graph_def, name="")
                with tf.compat.v1.Session(graph=graph) as session:
                    values = {self.inputs[name]: array for name, array in feeds.items()}
                    return session.run(fetches, values)
        except Exception as error:  # a damaged graph fails inside TensorFlow in many ways
            raise ValueError(f"{self.folder} cannot be run: {one_line(error)}") from error

    def before(self, output, operation):
        """Returns the name of the tensor that the last such operation before an output gives."""
        nodes = [n for n in self._before([self.outputs[output]]) if n.op == operation]
        if not nodes:
            raise ValueError(
                f"Expected the operation {operation} before the output {output}. "
                f"Received: {self.folder} without it"
            )
        return f"{nodes[-1].name}:0"

    def _read(self):
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf import saved_model_pb2

        path = self.folder / "saved_model.pb"
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no SavedModel in {self.folder}: expected the folder that holds "
                "saved_model.pb."
            )
        try:
            (graph,) = saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs
        except (DecodeError, ValueError) as error:
            raise ValueError(f"{path} is no SavedModel of one graph, or damaged.") from error
        return graph

    def _before(self, tensors):
        """The nodes that tensors come from, each after those that it needs."""
        order, seen, stack = [], set(), [(_plain(tensor), False) for tensor in tensors]
        while stack:
            name, ready = stack.pop()
            if name not in self._all:
                raise ValueError(f"{self.folder} is damaged: its graph lacks {name}.")
            if ready:
                order.append(self._all[name])
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                stack += [(_plain(tensor), False) for tensor in _data(self._all[name])]
        return order

    def _source(self, tensor):
        """The name of the weight that a tensor is, `None` if it is computed."""
        node = self._all[_plain(tensor)]
        for _ in self._all:
            if node.op not in PASSING:
                break
            node = self._all[_plain(node.input[0])]
        return node.name if node.op in ("Const", *VARIABLES) else None

    def _read_variables(self, nodes):
        if not nodes:
            return {}
        prefix = self.folder / "variables" / "variables"
        found = {}
        try:
            reader = tf.train.load_checkpoint(str(prefix))
            shapes = reader.get_variable_to_shape_map()
            for node in nodes:
                key = node.attr["shared_name"].s.decode() or node.name
                if np.prod(shapes[key], dtype=float) > MOST_ELEMENTS:
                    raise ValueError(f"{key} is larger than 1 GiB")
                found[node.name] = reader.get_tensor(key)
        except KeyError as error:
            raise ValueError(f"{prefix} lacks the variable {one_line(error)}.") from error
        except Exception as error:  # TensorFlow's reader has types of its own
            raise ValueError(f"{prefix} cannot be read: {one_line(error)}") from error
        return found

    def _write_constant(self, node, name, weight):
        value = self.weights[weight]
        node.name, node.op = name, "Const"
        node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))


def _data(node):
    return [name for name in node.input if not name.startswith("^")]


def _plain(tensor):
    return tensor.partition(":")[0]


def _sides(shape):
    return tuple(None if side.size < 0 else side.size for side in shape.dim)
