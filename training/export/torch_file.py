"""A network as a state dict of PyTorch, in safetensors, and the module that loads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import safetensors.numpy

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
from chainrule.training.export.torch_tensors import tensors

SUFFIXES: tuple[str, ...] = (".py", ".safetensors")


class Code(NamedTuple):
    """An expression for a step, in which {own} stands for its module, and how that is made; None
    where it needs none."""

    text: str
    module: str | None = None


Writer: TypeAlias = Callable[[Step, Any], Code]
CODE: Table[Writer] = Table()

#: Expressions for layers without settings.
PLAIN: dict[type, str] = {
    ReLU: "F.relu({x})",
    Sigmoid: "torch.sigmoid({x})",
    Tanh: "torch.tanh({x})",
    Softplus: "torch.logaddexp({x}, torch.zeros_like({x}))",
    Swish: "F.silu({x})",
    Mish: "{x} * torch.tanh(torch.logaddexp({x}, torch.zeros_like({x})))",
    HardSwish: "F.hardswish({x})",
    Softsign: "F.softsign({x})",
    SELU: "F.selu({x})",
    Softmax: "F.softmax({x}, dim=-1)",
    Flatten: "{x}.flatten(1)",
    GlobalAveragePool: "{x}.mean(dim=(2, 3))",
}

#: Expressions for what joins two values.
GATES: dict[type, str] = {
    Add: "{0} + {1}",
    Subtract: "{0} - {1}",
    Multiply: "{0} * {1}",
    Max: "torch.maximum({0}, {1})",
    Min: "torch.minimum({0}, {1})",
}


def flat(step: Step) -> str:
    """The first input, a row per example."""
    return step.inputs[0] if len(step.shapes[0]) == 1 else f"{step.inputs[0]}.flatten(1)"


@CODE(*PLAIN)
def plain(step: Step, layer: Any) -> Code:
    return Code(nearest(PLAIN, layer).format(x=step.inputs[0]))


@CODE(ELU)
def elu(step: Step, layer: Any) -> Code:
    return Code(f"F.elu({step.inputs[0]}, {layer.alpha!r})")


@CODE(LeakyReLU)
def leaky_relu(step: Step, layer: Any) -> Code:
    return Code(f"F.leaky_relu({step.inputs[0]}, {layer.alpha!r})")


@CODE(PReLU)
def prelu(step: Step, layer: Any) -> Code:
    return Code(f"{{own}}({step.inputs[0]})", f"nn.PReLU({layer.features or 1})")


@CODE(GELU)
def gelu(step: Step, layer: Any) -> Code:
    return Code(f'F.gelu({step.inputs[0]}, approximate="{layer.approximate}")')


@CODE(*GATES)
def gate(step: Step, layer: Any) -> Code:
    return Code(nearest(GATES, layer).format(*step.inputs))


@CODE(Concatenate)
def concatenate(step: Step, layer: Any) -> Code:
    return Code(f"torch.cat(({', '.join(step.inputs)}), dim={layer.axis})")


@CODE(Reshape)
def reshape(step: Step, layer: Any) -> Code:
    return Code(f"{step.inputs[0]}.unflatten(1, {layer.shape})" if len(step.shapes[0]) == 1 else
                f"{step.inputs[0]}.reshape(-1, {', '.join(map(str, layer.shape))})")  # fmt: skip


@CODE(Affine)
def affine(step: Step, layer: Any) -> Code:
    return Code(f"{{own}}({flat(step)})", f"nn.Linear({layer.in_features}, {layer.out_features})")


@CODE(Maxout)
def maxout(step: Step, layer: Any) -> Code:
    K, M = layer.pieces, layer.out_features
    text = f"{{own}}({flat(step)}).unflatten(1, ({K}, {M})).amax(dim=1)"
    return Code(text, f"nn.Linear({layer.in_features}, {K * M})")


@CODE(BatchNorm)
def batchnorm(step: Step, layer: Any) -> Code:
    kind = "BatchNorm1d" if len(step.shapes[0]) == 1 else "BatchNorm2d"
    # PyTorch's momentum is the share of the batch, ours that of what is kept.
    share = round(1 - layer.momentum, 12)
    made = f"nn.{kind}({layer.features}, eps={layer.eps!r}, momentum={share!r})"
    return Code(f"{{own}}({step.inputs[0]})", made)


@CODE(LayerNorm)
def layernorm(step: Step, layer: Any) -> Code:
    made = f"nn.LayerNorm({layer.features}, eps={layer.eps!r})"
    return Code(f"{{own}}({step.inputs[0]})", made)


@CODE(GroupNorm)
def groupnorm(step: Step, layer: Any) -> Code:
    made = f"nn.GroupNorm({layer.groups}, {layer.channels}, eps={layer.eps!r})"
    return Code(f"{{own}}({step.inputs[0]})", made)


@CODE(Conv)
def conv(step: Step, layer: Any) -> Code:
    seen, x = layer.windows, step.inputs[0]
    (top, bottom), (left, right) = seen.pad
    words = [f"{layer.in_channels}, {layer.out_channels}, {seen.size}"]
    if seen.stride != (1, 1):
        words.append(f"stride={seen.stride}")
    if (top, left) == (bottom, right) != (0, 0):
        words.append(f"padding={(top, left)}")
    elif (top, left) != (bottom, right):
        x = f"F.pad({x}, {(left, right, top, bottom)})"
    if seen.dilation != (1, 1):
        words.append(f"dilation={seen.dilation}")
    if layer.groups > 1:
        words.append(f"groups={layer.groups}")
    if not layer.bias:
        words.append("bias=False")
    return Code(f"{{own}}({x})", f"nn.Conv2d({', '.join(words)})")


@CODE(MaxPool)
def max_pool(step: Step, layer: Any) -> Code:
    return Code(f"F.max_pool2d({windows(step, layer)})")


@CODE(AveragePool)
def average_pool(step: Step, layer: Any) -> Code:
    return Code(f"F.avg_pool2d({windows(step, layer)})")


def windows(step: Step, layer: Any) -> str:
    seen = layer.windows
    (top, _), (left, _) = seen.pad
    return f"{step.inputs[0]}, {seen.size}, {seen.stride}, {(top, left)}"


PAGE = '''\
"""A network that Chainrule trained, as a module of PyTorch: load() takes its weights from the file
of the same name that ends in .safetensors."""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

CLASSES = {classes}
FEATURES = {features}  # the columns of a row, in this order


class Net(nn.Module):
    """Scores (N, {C}) of rows (N, {sizes}) in the unit of the training data, as float64 where they
    have large offsets; the largest score decides."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros({shape}, dtype=torch.float64))
        self.register_buffer("std", torch.ones({shape}, dtype=torch.float64))
{modules}

    def forward(self, rows):
        if self.mean.dtype != torch.float64 or rows.shape[1:] != self.mean.shape:
            raise ValueError("expected rows (N, {sizes}), and mean and std in float64")
        if not torch.isfinite(rows).all():
            raise ValueError("expected finite numbers")
        x = ((rows.double() - self.mean) / self.std).to({dtype})
{steps}
        return {scores}

    def {outputs}(self, rows):
        """What each class gets (N, {C})."""
        {scores} = self(rows)
        return {last}

    def predict(self, rows):
        """The class of each row, by name."""
        return [CLASSES[c] for c in self(rows).argmax(dim=1).tolist()]


def load(path=Path(__file__).with_suffix(".safetensors")):
    """The network, ready to judge rows."""
    net = Net()
    net.load_state_dict(load_file(path))
    return net.eval()
'''


def write(plan: Plan, name: str) -> dict[str, bytes]:
    """The contents of the two files, by their suffixes."""
    held: dict[str, Floats] = {"mean": plan.mean, "std": plan.divisor}
    modules, lines, last = dict[str, str](), [], plan.scores
    for step in plan.steps:
        code = CODE.of(step.layer, "torch")(step, step.layer)
        text = code.text.replace("{own}", f"self.{step.owner}")
        if code.module is not None:
            modules[step.owner] = f"        self.{step.owner} = {code.module}"
            given = tensors(step.layer)
            held |= {f"{step.owner}.{key}": array for key, array in given.items()}
        if step.name == plan.outputs != plan.scores:
            last = text
        else:
            lines.append(f"        {step.name} = {text}")
    if plan.dtype == "float64" and modules:
        modules["double"] = "        self.double()"
    text = PAGE.format(
        classes=repr(plan.classes),
        features=repr(plan.features),
        C=len(plan.classes),
        sizes=", ".join(map(str, plan.shape)),
        shape=plan.shape,
        modules="\n".join(modules.values()),
        dtype=f"torch.{plan.dtype}",
        steps="\n".join(lines),
        scores=plan.scores,
        outputs="probabilities" if plan.probabilities else "scores",
        last=last,
    )
    words = {
        "classes": json.dumps(plan.classes)
    }  # of several, the order would be another each time
    packed = {key: np.ascontiguousarray(array) for key, array in held.items()}
    return {".py": text.encode(), ".safetensors": safetensors.numpy.save(packed, words)}


def run(paths: Sequence[Path], plan: Plan, rows: Floats) -> tuple[Floats, Floats]:
    """What PyTorch gives each class for rows (N, …), and the classes (N,) that it names."""
    import torch

    namespace: dict[str, Any] = {"__file__": str(paths[0])}
    exec(compile(paths[0].read_bytes(), str(paths[0]), "exec"), namespace)
    net = namespace["load"]()
    with torch.inference_mode():
        given = torch.from_numpy(rows.astype(np.float64))
        out = (net.probabilities if plan.probabilities else net.scores)(given)
        return out.numpy(), np.array(net.predict(given))
