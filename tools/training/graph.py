"""Builds the ONNX graph of a network, with its matrices quantized to signed bytes, and its early exit."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from encoders.network import ATTENTION_HEADS, BEGIN, EXIT_BELOW, LAYERS, PIECES, WIDTH

type Numbers = NDArray[np.float32]

OPSET, _IR = 20, 10
EXIT = "exit"
"""What the names of an early exit's nodes and constants begin with."""
EXIT_LAYERS = 3
"""After how many layers the exit is."""
EXIT_FEATURES, EXIT_WIDTH = "exit features", 4 * WIDTH
"""What the exit head reads: the mean over all pieces, and the mean, maximum and minimum over those of the text."""
_EXIT_STATE, _HEADS = f"{EXIT_LAYERS - 1}.out even", "heads"
_EACH = WIDTH // ATTENTION_HEADS
_SHAPES = {
    "from the first": [0],
    "where length is": [1],
    "after length": [2],
    "to the last": [np.iinfo(np.int64).max],
    # 0 keeps a dimension: rows and length.
    "heads apart": [0, 0, 3 * ATTENTION_HEADS, _EACH],
    "heads together": [0, 0, WIDTH],
    "of each": [ATTENTION_HEADS] * 3,
}


class Graph:
    """Nodes and constants in execution order. A node is named after its output."""

    def __init__(self, weights: Mapping[str, Numbers]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
        self.constants += [
            numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in _SHAPES.items()
        ]
        self.constants.append(numpy_helper.from_array(np.array(1 / math.sqrt(_EACH), np.float32), "spread"))

    def add(self, kind: str, *inputs: str, to: str | list[str], **how: Any) -> str:
        outputs = [to] if isinstance(to, str) else to
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, name=outputs[0], **how))
        return outputs[0]

    def dense(self, x: str, name: str) -> str:
        product = self.add("MatMul", x, f"{name}.weight", to=f"{name} times")
        return self.add("Add", product, f"{name}.bias", to=name)

    def normed(self, x: str, name: str) -> str:
        return self.add(
            "LayerNormalization",
            x,
            f"{name}.norm",
            f"{name}.shift",
            to=f"{name} even",
            axis=-1,
            epsilon=1e-12,
        )

    def attended(self, x: str, layer: str) -> str:
        apart = self.add("Reshape", self.dense(x, f"{layer}.asked"), "heads apart", to=f"{layer} apart")
        each = self.add("Transpose", apart, to=f"{layer} each", perm=[0, 2, 1, 3])
        query, key, value = f"{layer} query", f"{layer} key", f"{layer} value"
        self.add("Split", each, "of each", to=[query, key, value], axis=1)
        turned = self.add("Transpose", key, to=f"{layer} turned", perm=[0, 1, 3, 2])
        alike = self.add("MatMul", query, turned, to=f"{layer} alike")
        near = self.add(
            "Softmax", self.add("Mul", alike, "spread", to=f"{layer} spread"), to=f"{layer} near", axis=-1
        )
        mixed = self.add("MatMul", near, value, to=f"{layer} mixed")
        back = self.add("Transpose", mixed, to=f"{layer} back", perm=[0, 2, 1, 3])
        together = self.add("Reshape", back, "heads together", to=f"{layer} together")
        return self.dense(together, f"{layer}.mixed")


def build_graph(weights: Mapping[str, Numbers], output: str) -> onnx.ModelProto:
    """Build the graph of training.encoder's network, before quantization.

    Its input is rows of pieces, all of one length. Without heads, its output is the unit vector of each row's mean over
    the pieces. With heads, it has a second input, where the text begins after earlier texts, and its output is each
    row's log-odds per head of the mean over the text. `weights` are laid out as in training: one row per output.
    """
    lain = {name: _transpose_weights(name, np.asarray(value, np.float32)) for name, value in weights.items()}
    made = Graph(lain)
    length = made.add("Shape", PIECES, to="shape")
    length = made.add("Slice", length, "where length is", "after length", to="length")
    places = made.add("Slice", "places", "from the first", length, to="places read")
    words = made.add("Gather", "words", PIECES, to="words read")
    x = made.normed(made.add("Add", words, places, to="read"), "embeddings")
    for number in range(LAYERS):
        layer = str(number)
        x = made.normed(
            made.add("Add", x, made.attended(x, layer), to=f"{layer} and attended"), f"{layer}.attended"
        )
        inner = made.add("Gelu", made.dense(x, f"{layer}.inner"), to=f"{layer} bent", approximate="tanh")
        x = made.normed(
            made.add("Add", x, made.dense(inner, f"{layer}.outer"), to=f"{layer} and outer"), f"{layer}.out"
        )
    heads = weights.get("heads.weight")
    inputs = [helper.make_tensor_value_info(PIECES, onnx.TensorProto.INT64, ["rows", "length"])]
    if heads is not None:
        inputs.append(helper.make_tensor_value_info(BEGIN, onnx.TensorProto.INT64, [1]))
        x = made.add("Slice", x, BEGIN, "to the last", "where length is", to="text")
    mean = made.add("ReduceMean", x, "where length is", to="mean", keepdims=0)
    out = made.add("LpNormalization", mean, to="direction") if heads is None else made.dense(mean, "heads")
    made.add("Identity", out, to=output)
    model = helper.make_model(
        helper.make_graph(
            made.nodes,
            "encoder",
            inputs,
            [
                helper.make_tensor_value_info(
                    output, onnx.TensorProto.FLOAT, ["rows", WIDTH if heads is None else len(heads)]
                )
            ],
            made.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR,
    )
    onnx.checker.check_model(model)
    return model


def quantize_graph(model: onnx.ModelProto) -> bytes:
    """Quantize the matrices of the layers and the words to signed bytes, with one scale per column.

    Only seven bits are used, so that sums of products fit the registers of every processor and results are the same.
    """
    kept_whole = [node.name for node in model.graph.node if node.op_type == "MatMul" and _is_whole(node)]
    with TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        onnx.save(model, whole)
        quantize_dynamic(
            whole,
            small,
            op_types_to_quantize=["MatMul", "Gather"],
            nodes_to_exclude=kept_whole,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return small.read_bytes()


class ExitHead(NamedTuple):
    """A linear head over EXIT_FEATURES."""

    weights: Numbers
    bias: np.float32


def add_early_exit(network: bytes, head: ExitHead) -> bytes:
    """Return a guard's quantized network with an early exit, in place of the one it may have.

    It gets the input EXIT_BELOW. If the head's log-odds are below it, the output has no rows and the layers after
    EXIT_LAYERS are not run. All constants stay in the outer graph, where `training.encoder` finds them.
    """
    model = _remove_early_exit(onnx.load_from_string(network))
    graph = model.graph
    first, rest, out = _split_nodes(graph)
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    width = len(constants[f"{_HEADS}.bias"])
    made = Graph({})
    _add_exit_features(made)
    product = made.add("MatMul", EXIT_FEATURES, f"{EXIT} weight", to=f"{EXIT} times")
    odds = made.add("Add", product, f"{EXIT} bias", to=f"{EXIT} odds")
    highest = made.add("ReduceMax", odds, to=f"{EXIT} highest", keepdims=0)
    is_low = made.add("Less", highest, EXIT_BELOW, to=f"{EXIT} is low")
    shape = ["rows", width]
    nothing = helper.make_node("Identity", [f"{EXIT} nothing"], [f"{EXIT} without rows"])
    made.add(
        "If",
        is_low,
        to=f"{EXIT} or heads",
        then_branch=helper.make_graph([nothing], EXIT, [], [_describe(f"{EXIT} without rows", shape)]),
        else_branch=helper.make_graph(rest, "last layers", [], [_describe(_HEADS, shape)]),
    )
    out.input[0] = f"{EXIT} or heads"
    _replace(graph.node, [*first, *made.nodes, out])
    graph.input.append(_describe(EXIT_BELOW, [1]))
    graph.initializer.extend(
        [
            numpy_helper.from_array(head.weights.reshape(-1, 1), f"{EXIT} weight"),
            numpy_helper.from_array(np.array([head.bias], np.float32), f"{EXIT} bias"),
            numpy_helper.from_array(np.zeros((0, width), np.float32), f"{EXIT} nothing"),
        ]
    )
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def build_feature_network(network: bytes) -> onnx.ModelProto:
    """Return a guard's quantized network with a second output, EXIT_FEATURES, and without an early exit."""
    model = _remove_early_exit(onnx.load_from_string(network))
    made = Graph({})
    _add_exit_features(made)
    model.graph.node.extend(made.nodes)
    model.graph.output.append(_describe(EXIT_FEATURES, ["rows", EXIT_WIDTH]))
    return model


def _add_exit_features(made: Graph) -> None:
    text = made.add("Slice", _EXIT_STATE, BEGIN, "to the last", "where length is", to=f"{EXIT} text")
    parts = [made.add("ReduceMean", _EXIT_STATE, "where length is", to=f"{EXIT} mean of all", keepdims=0)]
    parts += [
        made.add(kind, text, "where length is", to=f"{EXIT} {kind}", keepdims=0)
        for kind in ("ReduceMean", "ReduceMax", "ReduceMin")
    ]
    made.add("Concat", *parts, to=EXIT_FEATURES, axis=1)


def _remove_early_exit(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with all layers in its outer graph again."""
    graph = model.graph
    choice = next((node for node in graph.node if node.op_type == "If"), None)
    if choice is None:
        return model
    *first, out = (node for node in graph.node if not node.output[0].startswith(EXIT))
    (rest,) = (a.g for a in choice.attribute if a.name == "else_branch")
    out.input[0] = _HEADS
    _replace(graph.node, [*first, *rest.node, out])
    _replace(graph.input, [each for each in graph.input if each.name != EXIT_BELOW])
    _replace(graph.initializer, [each for each in graph.initializer if not each.name.startswith(EXIT)])
    return model


def _split_nodes(
    graph: onnx.GraphProto,
) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto], onnx.NodeProto]:
    """Return the nodes up to the exit, those of the layers after it, and the one that names the output."""
    *nodes, out = graph.node
    needed, first, rest = {_HEADS}, list[onnx.NodeProto](), list[onnx.NodeProto]()
    for node in reversed(nodes):
        is_late = needed & set(node.output) and _EXIT_STATE not in node.output
        (rest if is_late else first).append(node)
        if is_late:
            needed |= set(node.input)
    return first[::-1], rest[::-1], out


def _describe(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _replace(repeated: Any, items: Iterable[Any]) -> None:
    """Replace what a repeated field of a message has."""
    kept = list(items)
    copies = [type(item).FromString(item.SerializeToString()) for item in kept]
    del repeated[:]
    repeated.extend(copies)


def _is_whole(node: onnx.NodeProto) -> bool:
    """Return whether a node keeps float weights: attention has none, and the final heads are few and sensitive."""
    return not any(name.endswith(".weight") and name != "heads.weight" for name in node.input)


def _transpose_weights(name: str, value: Numbers) -> Numbers:
    return np.ascontiguousarray(value.T) if name.endswith(".weight") else value
