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
    Affine,
    AveragePool,
    BatchNorm,
    Concatenate,
    Conv,
    ConvTranspose,
    GlobalAveragePool,
    GroupNorm,
    HardSwish,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Mish,
    Pad,
    PReLU,
    Reshape,
    Scale,
    Shift,
    Softmax,
    Square,
    Swish,
    Upsample,
)
from chainrule.layers.annotations import Floats
from chainrule.training.export.forms import form_of, kinds_with
from chainrule.training.export.frame import Frame
from chainrule.training.export.onnx_columns import feed, rows_of_columns
from chainrule.training.export.onnx_nodes import Nodes
from chainrule.training.export.steps import Plan, Step, Strings, Table

SUFFIXES: tuple[str, ...] = (".onnx",)
OPSET = 17
ML_OPSET = 3  # of the operators on words
IR_VERSION = 8  # that of opset 17

Writer: TypeAlias = Callable[[Nodes, Step, Any], str]
NODES: Table[Writer] = Table()


def column(step: Step) -> tuple[int, ...]:
    """The shape of a number for each channel, beside values of the step's input."""
    return (-1, *[1] * (len(step.shapes[0]) - 1))


def flat(g: Nodes, step: Step) -> str:
    """The first input, a row per example."""
    (x, *_), shape = step.inputs, step.shapes[0]
    return x if len(shape) == 1 else g.add("Flatten", x)


@NODES(*kinds_with("onnx"))
def formed(g: Nodes, step: Step, layer: Any) -> str:
    return g.add(form_of(layer).onnx, *step.inputs, out=step.name)


@NODES(Square)
def square(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Mul", *step.inputs, *step.inputs, out=step.name)


@NODES(Scale)
def scale(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Mul", *step.inputs, g.floats(f"{step.owner}.a", layer.a), out=step.name)


@NODES(Shift)
def shift(g: Nodes, step: Step, layer: Any) -> str:
    return g.add("Add", *step.inputs, g.floats(f"{step.owner}.c", layer.c), out=step.name)


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


@NODES(Conv, ConvTranspose)
def conv(g: Nodes, step: Step, layer: Any) -> str:
    kind = "ConvTranspose" if isinstance(layer, ConvTranspose) else "Conv"
    arrays = [g.floats(f"{step.owner}.{key}", a) for key, a in layer.params.items()]
    settings = windows(layer.windows) | {"dilations": layer.windows.dilation, "group": layer.groups}
    return g.add(kind, *step.inputs, *arrays, out=step.name, **settings)


@NODES(Pad)
def pad(g: Nodes, step: Step, layer: Any) -> str:
    (top, bottom), (left, right) = layer.windows.pad
    sides = g.array(f"{step.owner}.sides", np.array([0, 0, top, left, 0, 0, bottom, right]))
    value = g.floats(f"{step.owner}.value", layer.value)
    return g.add("Pad", *step.inputs, sides, value, out=step.name)


@NODES(Upsample)
def upsample(g: Nodes, step: Step, layer: Any) -> str:
    factors = g.floats(f"{step.owner}.factors", [1, 1, *layer.windows.size])
    nearest = {"mode": "nearest", "nearest_mode": "floor"}
    grid = {"coordinate_transformation_mode": "asymmetric"}
    return g.add("Resize", *step.inputs, "", factors, out=step.name, **nearest, **grid)


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

    g = Nodes()
    inputs: dict[str, tuple[int, list[Any]]]
    if plan.encoding is None:
        inputs = {"rows": (TensorProto.DOUBLE, ["N", *plan.shape])}
    else:
        rows_of_columns(g, plan.encoding)
        kinds = [
            TensorProto.DOUBLE if words is None else TensorProto.STRING
            for words in plan.encoding.categories
        ]
        inputs = {one: (kind, ["N"]) for one, kind in zip(plan.encoding.names, kinds, strict=True)}
    # In float64, where a year or a time of Unix keeps its digits; the network goes on in float32.
    centred = g.add("Sub", "rows", g.array("mean", plan.mean))
    g.cast(g.add("Div", centred, g.array("divisor", plan.divisor)), "FLOAT", "x")
    for step in plan.steps:
        NODES.of(step.layer, "onnx")(g, step, step.layer)
    # ONNX raises no errors: what is given for a row that is not finite is nan, its class "".
    zeros = g.add("Flatten", g.add("Mul", "rows", g.array("zero", np.float64(0))))
    bad = g.add("ReduceSum", zeros, g.array("along", np.array([1])), keepdims=1)
    outputs: dict[str, tuple[int, list[Any]]]
    outputs = {plan.given: (TensorProto.FLOAT, ["N", len(plan.names)])}
    if plan.targets:
        outputs = {plan.given: (TensorProto.DOUBLE, ["N", len(plan.names)])}
        spread = g.add("Mul", g.cast(plan.outputs, "DOUBLE"), g.array("spread", plan.target_std))
        brought_back = g.add("Add", spread, g.array("centre", plan.target_mean))
        g.add("Add", brought_back, bad, out=plan.given)
    else:
        outputs = {"label": (TensorProto.STRING, ["N"])} | outputs
        g.add("Add", plan.outputs, g.cast(bad, "FLOAT"), out=plan.given)
        best = g.add("ArgMax", plan.scores, axis=1, keepdims=0)
        unknown = g.add("IsNaN", g.cast(g.add("Squeeze", bad, "along"), "FLOAT"))
        index = g.add("Where", unknown, g.array("last", np.int64(len(plan.classes))), best)
        g.add("Gather", g.strings("classes", (*plan.classes, "")), index, out="label")
    taken = set(inputs) if plan.encoding else set[str]()
    outputs_ = {free(one, taken): kind for one, kind in outputs.items()}
    g.rename(
        {f"column/{one}": one for one in taken} | dict(zip(outputs, outputs_, strict=True)), taken
    )
    ends = [
        [helper.make_tensor_value_info(one, *kind) for one, kind in found.items()]
        for found in (inputs, outputs_)
    ]
    graph = helper.make_graph(g.nodes, name, *ends, [*g.constants.values()])
    opsets = [helper.make_opsetid("", OPSET)]
    if plan.encoding is not None:
        opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    model = helper.make_model(graph, opset_imports=opsets, producer_name="chainrule")
    model.ir_version = IR_VERSION
    words = {"targets": list(plan.targets)} if plan.targets else {"classes": list(plan.classes)}
    words["features"] = list(plan.features)
    helper.set_model_props(model, {key: json.dumps(value) for key, value in words.items()})
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return {".onnx": content}


def free(name: str, taken: set[str]) -> str:
    """A name that is not taken."""
    while name in taken:
        name += "_"
    return name


def run(paths: Sequence[Path], plan: Plan, rows: Floats | Frame) -> tuple[Floats, Strings | None]:
    """What onnxruntime gives for rows (N, …), or for a table, and the classes (N,) that it
    names."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        paths[0].read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    given = feed(plan.encoding, rows) if isinstance(rows, Frame) else {"rows": rows}
    out = session.run(None, given)
    return (out[0], None) if plan.targets else (out[1], out[0].astype(str))


def usage(path: Path, plan: Plan) -> str:
    """How the file is run."""
    if plan.encoding is None:
        given = '{"rows": rows}'
    else:
        (first, words), *more = zip(plan.encoding.names, plan.encoding.categories, strict=True)
        kind = "float" if words is None else "object"
        given = f"{{{first!r}: np.array(…, {kind}){', …' if more else ''}}}"
    return f'onnxruntime.InferenceSession("{path}").run(None, {given})'
