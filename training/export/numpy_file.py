"""A network as one Python file that needs NumPy alone, its weights within."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.layers import (
    GELU,
    Affine,
    AveragePool,
    BatchNorm,
    Conv,
    ConvTranspose,
    GroupNorm,
    LayerNorm,
    Maxout,
    MaxPool,
    Pad,
    PReLU,
    Reshape,
    Upsample,
)
from chainrule.layers.annotations import Floats
from chainrule.training.export.forms import filled_in, form_of, kinds_with
from chainrule.training.export.frame import Frame
from chainrule.training.export.python_columns import columns_text
from chainrule.training.export.steps import Plan, Step, Strings, Table

SUFFIXES: tuple[str, ...] = (".py",)


class Code(NamedTuple):
    """An expression for a step, the functions that it calls, and its arrays by name."""

    text: str
    calls: tuple[str, ...] = ()
    arrays: Mapping[str, Floats] = MappingProxyType({})


Writer: TypeAlias = Callable[[Step, Any], Code]
CODE: Table[Writer] = Table()

#: The functions that a file may hold; it holds those that it calls.
FUNCTIONS = {
    "sigmoid": '''
        def sigmoid(x):
            e = np.exp(-abs(x))
            return np.where(x < 0, e, 1) / (1 + e)
        ''',
    "softplus": '''
        def softplus(x):
            return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))
        ''',
    "elu": '''
        def elu(x, alpha):
            return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
        ''',
    "gelu": '''
        def gelu(x):
            tail = np.vectorize(math.erfc, otypes=[x.dtype])(-x / 2**0.5)
            return x * tail / 2
        ''',
    "softmax": '''
        def softmax(x):
            e = np.exp(x - x.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)
        ''',
    "normalised": '''
        def normalised(x, eps):
            """Mean 0 and variance 1 along the last axis."""
            x = x - x[..., :1]  # exact, so that a large mean costs no digits
            x = x - x.mean(axis=-1, keepdims=True)
            return x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + eps)
        ''',
    "windows": '''
        def windows(x, size, stride, pad, value=0.0, dilation=(1, 1)):
            """The windows of images (N, C, H, W) with a border: (N, C, H', W', h, w)."""
            x = np.pad(x, ((0, 0), (0, 0), *pad), constant_values=value)
            reach = [step * (n - 1) + 1 for n, step in zip(size, dilation)]
            out = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))
            return out[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
        ''',
    "spread": '''
        def spread(x, kernels, shape, stride, pad, dilation, groups):
            """Each entry times its kernel (C, C' / groups, h, w), added up: (N, C', *shape)."""
            (top, bottom), (left, right) = pad
            size = shape[0] + top + bottom, shape[1] + left + right
            parts = []
            for part, own in zip(np.split(x, groups, axis=1), np.split(kernels, groups)):
                out = np.zeros((len(x), own.shape[1], *size), x.dtype)
                for u, v in np.ndindex(*own.shape[2:]):
                    down, right_ = u * dilation[0], v * dilation[1]
                    rows = slice(down, down + stride[0] * (x.shape[2] - 1) + 1, stride[0])
                    columns = slice(right_, right_ + stride[1] * (x.shape[3] - 1) + 1, stride[1])
                    out[:, :, rows, columns] += np.einsum("nchw,cf->nfhw", part, own[:, :, u, v])
                parts.append(out[:, :, top : top + shape[0], left : left + shape[1]])
            return np.concatenate(parts, axis=1)
        ''',
    "conv": '''
        def conv(x, kernels, stride, pad, dilation, groups):
            """The sum of each window times each kernel (C', C / groups, h, w)."""
            seen = windows(x, kernels.shape[2:], stride, pad, 0.0, dilation)
            parts = zip(np.split(seen, groups, axis=1), np.split(kernels, groups))
            out = [np.tensordot(part, own, axes=((1, 4, 5), (1, 2, 3))) for part, own in parts]
            return np.concatenate(out, axis=-1).transpose(0, 3, 1, 2)
        ''',
}  # fmt: skip


def w(step: Step, key: str) -> str:
    """How the file calls an array of a step's layer."""
    return f'w["{step.owner}.{key}"]'


def arrays(step: Step, **given: Floats) -> dict[str, Floats]:
    return {f"{step.owner}.{key}": array for key, array in given.items()}


def column(step: Step) -> tuple[int, ...]:
    """The shape of a number for each channel, beside values of the step's input."""
    return (-1, *[1] * (len(step.shapes[0]) - 1))


def flat(step: Step) -> str:
    """The first input, a row per example."""
    (x, *_), shape = step.inputs, step.shapes[0]
    return x if len(shape) == 1 else f"{x}.reshape(len({x}), -1)"


@CODE(*kinds_with("numpy"))
def formed(step: Step, layer: Any) -> Code:
    text = filled_in(form_of(layer).numpy, step, layer)
    return Code(text, tuple(name for name in FUNCTIONS if f"{name}(" in text))


@CODE(PReLU)
def prelu(step: Step, layer: Any) -> Code:
    (x,), alpha = step.inputs, layer.params["alpha"]
    shaped = alpha if layer.features is None else alpha.reshape(column(step))
    return Code(f"np.where({x} > 0, {x}, {w(step, 'alpha')} * {x})", (), arrays(step, alpha=shaped))


@CODE(GELU)
def gelu(step: Step, layer: Any) -> Code:
    (x,) = step.inputs
    if layer.approximate == "none":
        return Code(f"gelu({x})", ("gelu",))
    inner = f"0.7978845608028654 * ({x} + 0.044715 * {x}**3)"
    return Code(f"{x} * (1 + np.tanh({inner})) / 2")


@CODE(Reshape)
def reshape(step: Step, layer: Any) -> Code:
    (x,) = step.inputs
    return Code(f"{x}.reshape(len({x}), {', '.join(map(str, layer.shape))})")


@CODE(Affine)
def affine(step: Step, layer: Any) -> Code:
    text = f"{flat(step)} @ {w(step, 'W')} + {w(step, 'b')}"
    return Code(text, (), arrays(step, **layer.params))


@CODE(Maxout)
def maxout(step: Step, layer: Any) -> Code:
    W, b = layer.params["W"], layer.params["b"]
    pieces = f"({flat(step)} @ {w(step, 'W')}).reshape(-1, {layer.pieces}, {layer.out_features})"
    text = f"({pieces} + {w(step, 'b')}).max(axis=1)"
    return Code(text, (), arrays(step, W=W.reshape(len(W), -1), b=b))


@CODE(BatchNorm)
def batchnorm(step: Step, layer: Any) -> Code:
    scale = layer.params["gamma"] / np.sqrt(layer.state["running_var"] + layer.eps)
    given = {"mean": layer.state["running_mean"], "scale": scale, "beta": layer.params["beta"]}
    shaped = {key: array.reshape(column(step)) for key, array in given.items()}
    text = f"({step.inputs[0]} - {w(step, 'mean')}) * {w(step, 'scale')} + {w(step, 'beta')}"
    return Code(text, (), arrays(step, **shaped))


@CODE(LayerNorm)
def layernorm(step: Step, layer: Any) -> Code:
    (x,), gamma, beta = step.inputs, w(step, "gamma"), w(step, "beta")
    text = f"normalised({x}, {layer.eps!r}) * {gamma} + {beta}"
    return Code(text, ("normalised",), arrays(step, **layer.params))


@CODE(GroupNorm)
def groupnorm(step: Step, layer: Any) -> Code:
    (x,), gamma, beta = step.inputs, w(step, "gamma"), w(step, "beta")
    rows = f"normalised({x}.reshape(len({x}), {layer.groups}, -1), {layer.eps!r})"
    text = f"{rows}.reshape({x}.shape) * {gamma} + {beta}"
    shaped = {key: array.reshape(column(step)) for key, array in layer.params.items()}
    return Code(text, ("normalised",), arrays(step, **shaped))


@CODE(Conv)
def conv(step: Step, layer: Any) -> Code:
    seen = layer.windows
    text = f"{seen.stride}, {seen.pad}, {seen.dilation}, {layer.groups}"
    return convolution(step, layer, text, "windows", "conv")


@CODE(ConvTranspose)
def conv_transpose(step: Step, layer: Any) -> Code:
    seen = layer.windows
    text = f"{step.shape[1:]}, {seen.stride}, {seen.pad}, {seen.dilation}, {layer.groups}"
    return convolution(step, layer, text, "spread")


def convolution(step: Step, layer: Any, settings: str, *calls: str) -> Code:
    """A call of the last of some functions, with the bias if there is one."""
    text = f"{calls[-1]}({step.inputs[0]}, {w(step, 'W')}, {settings})"
    given = {"W": layer.params["W"]}
    if layer.bias:
        text += f" + {w(step, 'b')}"
        given["b"] = layer.params["b"].reshape(column(step))
    return Code(text, calls, arrays(step, **given))


@CODE(MaxPool)
def max_pool(step: Step, layer: Any) -> Code:
    seen = layer.windows
    text = f"windows({step.inputs[0]}, {seen.size}, {seen.stride}, {seen.pad}, -np.inf)"
    return Code(f"{text}.max(axis=(4, 5))", ("windows",))


@CODE(AveragePool)
def average_pool(step: Step, layer: Any) -> Code:
    seen = layer.windows
    text = f"windows({step.inputs[0]}, {seen.size}, {seen.stride}, {seen.pad})"
    return Code(f"{text}.mean(axis=(4, 5))", ("windows",))


@CODE(Pad)
def pad(step: Step, layer: Any) -> Code:
    sides = ", ".join(map(str, layer.windows.pad))
    text = f"np.pad({step.inputs[0]}, ((0, 0), (0, 0), {sides}), constant_values={layer.value!r})"
    return Code(text)


@CODE(Upsample)
def upsample(step: Step, layer: Any) -> Code:
    high, wide = layer.windows.size
    return Code(f"{step.inputs[0]}.repeat({high}, axis=2).repeat({wide}, axis=3)")


PAGE = '''\
"""A network that Chainrule trained, in NumPy alone: predict({rows}) {says} of each row."""

import base64
import io
{imports}
import numpy as np

{names}
FEATURES = {features}  # the columns of a row, in this order
SHAPE = {shape}  # of a row

{columns}{functions}
def {given}({rows}):
    """{what}, for {of}"""
{encoded}    rows = np.asarray(rows, np.float64)
    if rows.shape[1:] != SHAPE or not np.isfinite(rows).all():
        raise ValueError(f"expected finite rows of shape {{SHAPE}}, got an array {{rows.shape}}")
    x = ((rows - w["mean"]) / w["std"]).astype(np.{dtype})  # in float64, where offsets are large
{steps}
    return {returned}


def predict({rows}):
    """{one} of each row{by}."""
    return {predicted}


# The arrays, as the bytes of an .npz file.
BYTES = "{bytes}"
w = dict(np.load(io.BytesIO(base64.b64decode(BYTES))))
'''


def write(plan: Plan, name: str) -> dict[str, bytes]:
    """The content of the file, by its suffix."""
    held: dict[str, Floats] = {"mean": plan.mean, "std": plan.divisor}
    if plan.targets:
        held |= {"target_mean": plan.target_mean, "target_std": plan.target_std}
    calls: dict[str, None] = {}
    lines = []
    for step in plan.steps:
        code = CODE.of(step.layer, "numpy")(step, step.layer)
        held |= code.arrays
        calls |= dict.fromkeys(code.calls)
        lines.append(f"    {step.name} = {code.text}")
    functions = "".join(f"\n{textwrap.dedent(FUNCTIONS[one]).strip()}\n\n" for one in calls)
    table = columns_text(plan.encoding)
    rows = "table" if table else "rows"
    text = PAGE.format(
        imports="import math\n" if "gelu" in calls else "",
        features=repr(plan.features),
        shape=plan.shape,
        columns=table,
        rows=rows,
        encoded="    rows = features(table)\n" if table else "",
        of="a table as for `features`."
        if table
        else "rows (N, …) of\n    finite numbers, in the unit of the training data.",
        functions=functions,
        given=plan.given,
        dtype=plan.dtype,
        steps="\n".join(lines),
        bytes=base64.b64encode(packed(held)).decode(),
        **words_on(plan, rows),
    )
    return {".py": text.encode()}


def words_on(plan: Plan, rows: str) -> dict[str, str]:
    """The parts of a file that differ between classes and numbers."""
    if plan.targets:
        values = f'{plan.outputs} * w["target_std"] + w["target_mean"]'
        return {
            "says": "gives the number",
            "names": f"TARGETS = {plan.targets!r}",
            "what": "What is predicted (N, T)",
            "returned": values,
            "one": "The number",
            "by": ", or (N, T) of several",
            "predicted": f"values({rows})" + ("[:, 0]" if len(plan.targets) == 1 else ""),
        }
    return {
        "says": "names the class",
        "names": f"CLASSES = {plan.classes!r}",
        "what": "What each class gets (N, C), and the scores of which the largest decides",
        "returned": f"{plan.outputs}, {plan.scores}",
        "one": "The class",
        "by": ", by name",
        "predicted": f"[CLASSES[c] for c in {plan.given}({rows})[1].argmax(axis=1)]",
    }


def packed(held: Mapping[str, Any]) -> bytes:
    """Arrays as an .npz file, the same bytes each time."""
    file: Any = io.BytesIO()
    np.savez(file, **held)
    content: bytes = file.getvalue()
    return content


def run(paths: Sequence[Path], plan: Plan, rows: Floats | Frame) -> tuple[Floats, Strings | None]:
    """What the file gives for rows (N, …), or for a table, and the classes (N,) that it names."""
    namespace: dict[str, Any] = {}
    exec(compile(paths[0].read_bytes(), str(paths[0]), "exec"), namespace)
    out = namespace[plan.given](rows)
    return (out, None) if plan.targets else (out[0], np.array(namespace["predict"](rows)))


def usage(path: Path, plan: Plan) -> str:
    """How the file is run."""
    rows = "rows" if plan.encoding is None else "table"
    return f"from {path.stem} import predict; predict({rows})"
