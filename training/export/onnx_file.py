"""A network as an ONNX model, opset 17, for onnxruntime and its like."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainrule.layers import (
    ELU,
    GELU,
    SELU,
    Add,
    Affine,
    AveragePool,
    BatchNorm,
    Concatenate,
    Conv,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    HardSwish,
    LayerNorm,
    LeakyReLU,
    Max,
    Maxout,
    MaxPool,
    Min,
    Mish,
    Multiply,
    PReLU,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Subtract,
    Swish,
    Tanh,
)
from chainrule.layers.annotations import Floats
from chainrule.training.export.steps import Plan, Step, Table, nearest

SUFFIXES: tuple[str, ...] = (".onnx",)
OPSET = 17
IR_VERSION = 8  # that of opset 17

#: Operators for layers that have no settings, or default ones.
PLAIN: dict[type, str] = {
    ReLU: "Relu",
    Sigmoid: "Sigmoid",
    Tanh: "Tanh",
    Softplus: "Softplus",
    Softsign: "Softsign",
    SELU: "Selu",
    Add: "Add",
    Subtract: "Sub",
    Multiply: "Mul",
    Max: "Max",
    Min: "Min",
}


class Nodes:
    """The nodes and the constants of a graph, which grow."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self.helper, self.numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def add(self, kind: str, *inputs: str, out: str | None = None, **settings: Any) -> str:
        """Adds a node; returns the name of its value, `out` or a new one."""
        out = out or f"_{kind.lower()}_{len(self.nodes)}"  # no step is called so
        self.nodes.append(self.helper.make_node(kind, inputs, [out], out, **settings))
        return out

    def array(self, name: str, values: Any) -> str:
        """Adds a constant as it is; returns its name."""
        self.constants[name] = self.numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def floats(self, name: str, values: Any) -> str:
        """Adds a constant in float32."""
        return self.array(name, np.asarray(values, np.float32))

    def shape(self, shape: Sequence[int]) -> str:
        """Adds the shape of a batch of examples."""
        return self.array(f"shape {(*shape,)}", np.array([-1, *shape], np.int64))


Writer: TypeAlias = Callable[[Nodes, Step, Any], str]
NODES: Table[Writer] = Table()


def column(step: Step) -> tuple[int, ...]:
    """The shape of a number for each channel, beside values of the step's input."""
    return (-1, *[1] * (len(step.shapes[0]) - 1))


def flat(g: Nodes, step: Step) -> str:
    """The first input, a row per example."""
    (x, *_), shape = step.inputs, step.shapes[0]
    return x if len(shape) == 1 else g.add("Flatten", x)


@NODES(*PLAIN)
def plain(g: Nodes, step: Step, layer: Any) -> str:
    return g.add(nearest(PLAIN, layer), *step.inputs, out=step.name)


@NODES(ELU)
def elu(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Elu", *step.inputs, out=step.name, alpha=layer.alpha)


@NODES(LeakyReLU)
def leaky_relu(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("LeakyRelu", *step.inputs, out=step.name, alpha=layer.alpha)


@NODES(PReLU)
def prelu(g: Nodes, step: Step, layer: Any) -> str:
    alpha = layer.params["alpha"]
    shaped = alpha if layer.features is None else alpha.reshape(column(step))
    return g.add("PRelu", *step.inputs, g.floats(f"{step.owner}.alpha", shaped), out=step.name)


@NODES(Swish)
def swish(g: Nodes, step: Step, layer: Any) -> str:
    (x,) = step.inputs
    return g.add("Mul", x, g.add("Sigmoid", x), out=step.name)


@NODES(Mish)
def mish(g: Nodes, step: Step, layer: Any) -> str:
    (x,) = step.inputs
    return g.add("Mul", x, g.add("Tanh", g.add("Softplus", x)), out=step.name)


@NODES(HardSwish)
def hard_swish(g: Nodes, step: Step, layer: Any) -> str:
    (x,) = step.inputs
    gate = g.add("HardSigmoid", x, alpha=1 / 6, beta=0.5)
    return g.add("Mul", x, gate, out=step.name)


@NODES(GELU)
def gelu(g: Nodes, step: Step, layer: Any) -> str:
    (x,) = step.inputs
    if layer.approximate == "none":
        rise = g.add("Erf", g.add("Mul", x, g.floats("root_half", 0.5**0.5)))
    else:
        cube = g.add("Mul", g.add("Mul", x, x), g.add("Mul", x, g.floats("cube", 0.044715)))
        scaled = g.add("Mul", g.add("Add", x, cube), g.floats("rate", (2 / np.pi) ** 0.5))
        rise = g.add("Tanh", scaled)
    half = g.add("Mul", x, g.floats("half", 0.5))
    return g.add("Mul", half, g.add("Add", rise, g.floats("one", 1)), out=step.name)


@NODES(Softmax)
def softmax(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Softmax", *step.inputs, out=step.name, axis=-1)


@NODES(Flatten)
def flatten(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Flatten", *step.inputs, out=step.name)


@NODES(Reshape)
def reshape(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Reshape", *step.inputs, g.shape(layer.shape), out=step.name)


@NODES(Concatenate)
def concatenate(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Concat", *step.inputs, out=step.name, axis=layer.axis)


@NODES(Affine)
def affine(g: Nodes, step: Step, layer: Any) -> str:
    W, b = (g.floats(f"{step.owner}.{key}", layer.params[key]) for key in ("W", "b"))
    return g.add("Gemm", flat(g, step), W, b, out=step.name)


@NODES(Maxout)
def maxout(g: Nodes, step: Step, layer: Any) -> str:
    W = g.floats(f"{step.owner}.W", layer.params["W"].reshape(len(layer.params["W"]), -1))
    b = g.floats(f"{step.owner}.b", layer.params["b"].reshape(-1))
    pieces = g.add("Gemm", flat(g, step), W, b)
    shaped = g.add("Reshape", pieces, g.shape((layer.pieces, layer.out_features)))
    return g.add("ReduceMax", shaped, out=step.name, axes=[1], keepdims=0)


@NODES(BatchNorm)
def batchnorm(g: Nodes, step: Step, layer: Any) -> str:
    """(x - mean) scale + beta. ONNX's own operator may fold the mean into the shift, which costs
    digits where it is large."""
    scale = layer.params["gamma"] / np.sqrt(layer.state["running_var"] + layer.eps)
    given = {"mean": layer.state["running_mean"], "scale": scale, "beta": layer.params["beta"]}
    mean, scale, beta = (
        g.floats(f"{step.owner}.{key}", array.reshape(column(step))) for key, array in given.items()
    )
    centred = g.add("Sub", *step.inputs, mean)
    return g.add("Add", g.add("Mul", centred, scale), beta, out=step.name)


@NODES(LayerNorm)
def layernorm(g: Nodes, step: Step, layer: Any) -> str:
    gamma, beta = (g.floats(f"{step.owner}.{key}", a) for key, a in layer.params.items())
    unit = normalised(g, step.inputs[0], layer.eps)
    return g.add("Add", g.add("Mul", unit, gamma), beta, out=step.name)


@NODES(GroupNorm)
def groupnorm(g: Nodes, step: Step, layer: Any) -> str:
    size = int(np.prod(step.shape)) // layer.groups
    groups = g.add("Reshape", step.inputs[0], g.shape((layer.groups, size)))
    unit = g.add("Reshape", normalised(g, groups, layer.eps), g.shape(step.shape))
    gamma, beta = (
        g.floats(f"{step.owner}.{key}", a.reshape(column(step))) for key, a in layer.params.items()
    )
    return g.add("Add", g.add("Mul", unit, gamma), beta, out=step.name)


def normalised(g: Nodes, x: str, eps: float) -> str:
    """Mean 0 and variance 1 along the last axis. The first entry goes off first, exactly, so that a
    large mean costs no digits."""
    x = g.add("Sub", x, g.add("Gather", x, g.array("first", np.array([0])), axis=-1))
    centred = g.add("Sub", x, g.add("ReduceMean", x, axes=[-1], keepdims=1))
    var = g.add("ReduceMean", g.add("Mul", centred, centred), axes=[-1], keepdims=1)
    more = g.add("Add", var, g.floats(f"eps_{eps!r}", eps))
    return g.add("Div", centred, g.add("Sqrt", more))


@NODES(Conv)
def conv(g: Nodes, step: Step, layer: Any) -> str:
    arrays = [g.floats(f"{step.owner}.{key}", a) for key, a in layer.params.items()]
    settings = windows(layer.windows) | {"dilations": layer.windows.dilation, "group": layer.groups}
    return g.add("Conv", *step.inputs, *arrays, out=step.name, **settings)


@NODES(MaxPool)
def max_pool(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("MaxPool", *step.inputs, out=step.name, **windows(layer.windows))


@NODES(AveragePool)
def average_pool(g: Nodes, step: Step, layer: Any) -> str:
    seen = windows(layer.windows)
    return g.add("AveragePool", *step.inputs, out=step.name, count_include_pad=1, **seen)


@NODES(GlobalAveragePool)
def global_average_pool(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("ReduceMean", *step.inputs, out=step.name, axes=[2, 3], keepdims=0)


def windows(seen: Any) -> dict[str, Any]:
    """The settings of an operator that looks through windows."""
    (top, bottom), (left, right) = seen.pad
    pads = [top, left, bottom, right]
    return {"kernel_shape": seen.size, "strides": seen.stride, "pads": pads}


def write(plan: Plan, name: str) -> dict[str, bytes]:
    """The content of the file, by its suffix. Raises ImportError where onnx is missing."""
    from onnx import TensorProto, checker, helper

    g, given = Nodes(), "probabilities" if plan.probabilities else "scores"
    # In float64, where a year or a time of Unix keeps its digits; the network goes on in float32.
    centred = g.add("Sub", "rows", g.array("mean", plan.mean))
    unit = g.add("Div", centred, g.array("divisor", plan.divisor))
    g.add("Cast", unit, out="x", to=TensorProto.FLOAT)
    for step in plan.steps:
        NODES.of(step.layer, "onnx")(g, step, step.layer)
    # ONNX raises no errors: a row that is not finite gets nan, and the class "".
    zeros = g.add("Flatten", g.add("Mul", "rows", g.array("zero", np.float64(0))))
    sums = g.add("ReduceSum", zeros, g.array("along", np.array([1])), keepdims=1)
    bad = g.add("Cast", sums, to=TensorProto.FLOAT)
    g.add("Add", plan.outputs, bad, out=given)
    best = g.add("ArgMax", plan.scores, axis=1, keepdims=0)
    unknown = g.add("IsNaN", g.add("Squeeze", bad, "along"))
    index = g.add("Where", unknown, g.array("last", np.int64(len(plan.classes))), best)
    names = [one.encode(errors="replace") for one in (*plan.classes, "")]
    classes = helper.make_tensor("classes", TensorProto.STRING, [len(names)], names)
    g.add("Gather", "classes", index, out="label")
    graph = helper.make_graph(
        g.nodes,
        name,
        [helper.make_tensor_value_info("rows", TensorProto.DOUBLE, ["N", *plan.shape])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
            helper.make_tensor_value_info(given, TensorProto.FLOAT, ["N", len(plan.classes)]),
        ],
        [*g.constants.values(), classes],
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], producer_name="chainrule")
    model.ir_version = IR_VERSION
    words = {"classes": list(plan.classes), "features": list(plan.features)}
    helper.set_model_props(model, {key: json.dumps(value) for key, value in words.items()})
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return {".onnx": content}


def run(paths: Sequence[Path], plan: Plan, rows: Floats) -> tuple[Floats, Floats]:
    """What onnxruntime gives each class for rows (N, …), and the classes (N,) that it names."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        paths[0].read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    label, out = session.run(None, {"rows": rows.astype(np.float64)})
    return out, label.astype(str)
