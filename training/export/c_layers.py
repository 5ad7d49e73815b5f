"""What C writes for each class of layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.layers import (
    GELU,
    Affine,
    AveragePool,
    BatchNorm,
    Concatenate,
    Conv,
    ConvTranspose,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    LayerNorm,
    Maxout,
    MaxPool,
    Pad,
    PReLU,
    Reshape,
    Softmax,
    Upsample,
)
from chainrule.layers.annotations import Floats
from chainrule.training.export.c_functions import FUNCTIONS
from chainrule.training.export.forms import form_of, kinds_with
from chainrule.training.export.steps import Step, Table


class Code(NamedTuple):
    """Statements for a step, in which {out}, and {x}, {y} or {inputs[…]}, stand for the arrays of
    its value and its inputs; the functions that they call; and its arrays by name."""

    text: str
    calls: tuple[str, ...] = ()
    arrays: Mapping[str, Floats] = MappingProxyType({})


Writer: TypeAlias = Callable[[Step, Any], Code]
CODE: Table[Writer] = Table()


def each(step: Step, text: str, *calls: str) -> Code:
    """Statements that make `text` of each number x of the input, and y of the other if there is
    one. Raises ValueError where the two have different shapes."""
    if {*step.shapes} != {step.shape}:
        raise ValueError(
            f"--to c: {step.layer!r} joins rows of {step.shapes}, expected ones of one shape"
        )
    lines = [
        f"for (int i = 0; i < {prod(step.shape)}; i++) {{{{",
        "    double x = (double){x}[i];",
        "    double y = (double){y}[i];",
        f"    {{out}}[i] = (real)({text});",
        "}}",
    ]
    return Code("\n".join(lines if len(step.inputs) == 2 else [*lines[:2], *lines[3:]]), calls)


def own(step: Step, **arrays: Floats) -> dict[str, Floats]:
    return {f"{step.owner}_{key}": array for key, array in arrays.items()}


def pixels(step: Step) -> int:
    """How many numbers of the input belong to one channel."""
    return prod(step.shapes[0][1:])


@CODE(*kinds_with("c"))
def formed(step: Step, layer: Any) -> Code:
    text = form_of(layer).c.format(layer=layer)
    return each(step, text, *(name for name in FUNCTIONS if f"{name}(" in text))


@CODE(PReLU)
def prelu(step: Step, layer: Any) -> Code:
    at = "0" if layer.features is None else f"i / {pixels(step)}"
    text, calls, _ = each(step, f"x > 0 ? x : (double){step.owner}_alpha[{at}] * x")
    return Code(text, calls, own(step, **layer.params))


@CODE(GELU)
def gelu(step: Step, layer: Any) -> Code:
    if layer.approximate == "none":
        return each(step, "x * erfc(-x / 1.4142135623730951) / 2")
    return each(step, "x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))) / 2")


@CODE(Concatenate)
def concatenate(step: Step, layer: Any) -> Code:
    """What is joined along the first axis of an example stands in one piece after the other."""
    if layer.axis not in (1, -len(step.shape)):
        raise ValueError(f"--to c: {layer!r} joins along {layer.axis}, expected axis 1")
    lines, at = list[str](), 0
    for k, shape in enumerate(step.shapes):
        loop = f"for (int i = 0; i < {prod(shape)}; i++)"
        lines.append(f"{loop}\n    {{out}}[{at} + i] = {{inputs[{k}]}}[i];")
        at += prod(shape)
    return Code("\n".join(lines))


@CODE(Reshape, Flatten)
def reshape(step: Step, layer: Any) -> Code:
    """The numbers stand in the same order."""
    return Code("")


@CODE(Affine)
def affine(step: Step, layer: Any) -> Code:
    n, W, b = step.owner, layer.params["W"], layer.params["b"]
    call = f"affine({{x}}, {n}_W, {n}_b, {{out}}, {layer.in_features}, {layer.out_features});"
    return Code(call, ("affine",), own(step, W=W.T, b=b))


@CODE(Maxout)
def maxout(step: Step, layer: Any) -> Code:
    D, M, K, name = layer.in_features, layer.out_features, layer.pieces, step.owner
    W, b = layer.params["W"].reshape(D, K * M), layer.params["b"]
    lines = (
        "{{",
        f"    static real all[{K * M}];",
        f"    affine({{x}}, {name}_W, {name}_b, all, {D}, {K * M});",
        f"    largest(all, {{out}}, {K}, {M});",
        "}}",
    )
    return Code("\n".join(lines), ("affine", "largest"), own(step, W=W.T, b=b))


@CODE(BatchNorm)
def batchnorm(step: Step, layer: Any) -> Code:
    scale = layer.params["gamma"] / np.sqrt(layer.state["running_var"] + layer.eps)
    n = step.owner
    call = (
        f"scaled({{x}}, {n}_mean, {n}_scale, {n}_beta, {{out}}, {layer.features}, {pixels(step)});"
    )
    mean, beta = layer.state["running_mean"], layer.params["beta"]
    return Code(call, ("scaled",), own(step, mean=mean, scale=scale, beta=beta))


@CODE(LayerNorm)
def layernorm(step: Step, layer: Any) -> Code:
    M = layer.features
    return norm(step, layer, prod(step.shape) // M, M, 1, M)


@CODE(GroupNorm)
def groupnorm(step: Step, layer: Any) -> Code:
    G, C = layer.groups, layer.channels
    return norm(step, layer, G, prod(step.shape) // G, pixels(step), C)


def norm(step: Step, layer: Any, G: int, M: int, P: int, C: int) -> Code:
    n = step.owner
    call = f"normalised({{x}}, {n}_gamma, {n}_beta, {layer.eps!r}, {{out}}, {G}, {M}, {P}, {C});"
    return Code(call, ("normalised",), own(step, **layer.params))


@CODE(Softmax)
def softmax(step: Step, layer: Any) -> Code:
    C = step.shape[-1]
    return Code(f"softmax({{x}}, {{out}}, {prod(step.shape) // C}, {C});", ("softmax",))


@CODE(Conv)
def conv(step: Step, layer: Any) -> Code:
    return convolution("conv", step, layer)


@CODE(ConvTranspose)
def conv_transpose(step: Step, layer: Any) -> Code:
    return convolution("spread", step, layer)


def convolution(function: str, step: Step, layer: Any) -> Code:
    (F, OH, OW), (C, H, Wd), seen = step.shape, step.shapes[0], layer.windows
    b = f"{step.owner}_b" if layer.bias else "0"
    numbers = [C, H, Wd, F, OH, OW, *windows(seen), *seen.dilation, layer.groups]
    call = f"{function}({{x}}, {step.owner}_W, {b}, {{out}}, {', '.join(map(str, numbers))});"
    return Code(call, (function,), own(step, **layer.params))


@CODE(Pad)
def pad(step: Step, layer: Any) -> Code:
    (top, _), (left, _) = layer.windows.pad
    (_, OH, OW), shape = step.shape, step.shapes[0]
    numbers = ", ".join(map(str, (*shape, OH, OW, top, left)))
    return Code(f"bordered({{x}}, {{out}}, {layer.value!r}, {numbers});", ("bordered",))


@CODE(Upsample)
def upsample(step: Step, layer: Any) -> Code:
    numbers = ", ".join(map(str, (*step.shape, *layer.windows.size)))
    return Code(f"repeated({{x}}, {{out}}, {numbers});", ("repeated",))


@CODE(MaxPool)
def max_pool(step: Step, layer: Any) -> Code:
    return pooled(step, layer, 0)


@CODE(AveragePool)
def average_pool(step: Step, layer: Any) -> Code:
    return pooled(step, layer, 1)


def pooled(step: Step, layer: Any, mean: int) -> Code:
    (_, OH, OW), shape = step.shape, step.shapes[0]
    numbers = [*shape, OH, OW, *windows(layer.windows), mean]
    return Code(f"pool({{x}}, {{out}}, {', '.join(map(str, numbers))});", ("pool",))


def windows(seen: Any) -> tuple[int, ...]:
    """Size, stride, and what of the border lies above and left of the image."""
    (top, _), (left, _) = seen.pad
    return *seen.size, *seen.stride, top, left


@CODE(GlobalAveragePool)
def averages(step: Step, layer: Any) -> Code:
    return Code(f"averages({{x}}, {{out}}, {step.shape[0]}, {pixels(step)});", ("averages",))
