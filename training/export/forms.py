"""Layers without arrays, as an expression in each target."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.layers import (
    ELU,
    SELU,
    Add,
    Concatenate,
    Exp,
    Flatten,
    GlobalAveragePool,
    HardSwish,
    Layer,
    LeakyReLU,
    Log,
    Max,
    Min,
    Mish,
    Multiply,
    Negate,
    Reciprocal,
    ReLU,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Square,
    Subtract,
    Swish,
    Tanh,
)
from chainrule.training.export.steps import Step, Table


class Form(NamedTuple):
    """A layer in NumPy and in PyTorch, of the arrays {x} and {y}; in C, of a number `x` and, for a
    gate, one `y` of the other input; and its operator in ONNX. "" where it takes more than that."""

    numpy: str
    torch: str
    c: str = ""
    onnx: str = ""


FORMS: Table[Form] = Table()
FORMS.entries |= {
    Add: Form("{x} + {y}", "{x} + {y}", "x + y", "Add"),
    Subtract: Form("{x} - {y}", "{x} - {y}", "x - y", "Sub"),
    Multiply: Form("{x} * {y}", "{x} * {y}", "x * y", "Mul"),
    Max: Form("np.maximum({x}, {y})", "torch.maximum({x}, {y})", "x > y ? x : y", "Max"),
    Min: Form("np.minimum({x}, {y})", "torch.minimum({x}, {y})", "x < y ? x : y", "Min"),
    Concatenate: Form(
        "np.concatenate(({all}), axis={layer.axis})", "torch.cat(({all}), dim={layer.axis})"
    ),
    Negate: Form("-{x}", "-{x}", "-x", "Neg"),
    Exp: Form("np.exp({x})", "torch.exp({x})", "exp(x)", "Exp"),
    Log: Form("np.log({x})", "torch.log({x})", "log(x)", "Log"),
    Reciprocal: Form("1 / {x}", "1 / {x}", "1 / x", "Reciprocal"),
    Square: Form("{x} * {x}", "{x} * {x}", "x * x"),
    Scale: Form("{layer.a!r} * {x}", "{layer.a!r} * {x}", "{layer.a!r} * x"),
    Shift: Form("{x} + {layer.c!r}", "{x} + {layer.c!r}", "x + {layer.c!r}"),
    ReLU: Form("np.maximum({x}, 0)", "F.relu({x})", "x > 0 ? x : 0", "Relu"),
    LeakyReLU: Form(
        "np.where({x} > 0, {x}, {layer.alpha!r} * {x})",
        "F.leaky_relu({x}, {layer.alpha!r})",
        "x > 0 ? x : {layer.alpha!r} * x",
    ),
    ELU: Form(
        "elu({x}, {layer.alpha!r})",
        "F.elu({x}, {layer.alpha!r})",
        "x > 0 ? x : {layer.alpha!r} * expm1(x)",
    ),
    SELU: Form(
        "1.0507009873554805 * elu({x}, 1.6732632423543772)",
        "F.selu({x})",
        "1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x))",
        "Selu",
    ),
    Sigmoid: Form("sigmoid({x})", "torch.sigmoid({x})", "sigmoid(x)", "Sigmoid"),
    Tanh: Form("np.tanh({x})", "torch.tanh({x})", "tanh(x)", "Tanh"),
    Softplus: Form(
        "softplus({x})", "torch.logaddexp({x}, torch.zeros_like({x}))", "softplus(x)", "Softplus"
    ),
    Softsign: Form("{x} / (1 + abs({x}))", "F.softsign({x})", "x / (1 + fabs(x))", "Softsign"),
    Swish: Form("{x} * sigmoid({x})", "F.silu({x})", "x * sigmoid(x)"),
    Mish: Form(
        "{x} * np.tanh(softplus({x}))",
        "{x} * torch.tanh(torch.logaddexp({x}, torch.zeros_like({x})))",
        "x * tanh(softplus(x))",
    ),
    HardSwish: Form(
        "np.maximum({x}, -3) * np.clip({x} + 3, 0, 6) / 6",
        "F.hardswish({x})",
        "x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6",
    ),
    Softmax: Form("softmax({x})", "F.softmax({x}, dim=-1)"),
    Flatten: Form("{x}.reshape(len({x}), -1)", "{x}.flatten(1)", "", "Flatten"),
    GlobalAveragePool: Form("{x}.mean(axis=(2, 3))", "{x}.mean(dim=(2, 3))"),
}


def kinds_with(target: str) -> list[type]:
    """The classes of layers that are one expression in a target, by its name in `Form`."""
    return [kind for kind, form in FORMS.entries.items() if getattr(form, target)]


def form_of(layer: Layer) -> Form:
    """The forms of a layer for which there are some."""
    form = FORMS.get(layer)
    assert form is not None
    return form


def filled_in(text: str, step: Step, layer: Any) -> str:
    """An expression with the values and the settings of a step in it."""
    x, y = step.inputs[0], step.inputs[-1]
    return text.format(x=x, y=y, all=", ".join(step.inputs), layer=layer)
