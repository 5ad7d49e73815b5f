"""A network as a state dict of PyTorch, in safetensors, and the module that loads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import safetensors.numpy

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
from chainrule.training.export.torch_tensors import tensors

SUFFIXES: tuple[str, ...] = (".py", ".safetensors")


class Code(NamedTuple):
    """An expression for a step, in which {own} stands for its module, and how that is made; None
    where it needs none."""

    text: str
    module: str | None = None


Writer: TypeAlias = Callable[[Step, Any], Code]
CODE: Table[Writer] = Table()


def flat(step: Step) -> str:
    """The first input, a row per example."""
    return step.inputs[0] if len(step.shapes[0]) == 1 else f"{step.inputs[0]}.flatten(1)"


@CODE(*kinds_with("torch"))
def formed(step: Step, layer: Any) -> Code:
    return Code(filled_in(form_of(layer).torch, step, layer))


@CODE(PReLU)
def prelu(step: Step, layer: Any) -> Code:
    return Code(f"{{own}}({step.inputs[0]})", f"nn.PReLU({layer.features or 1})")


@CODE(GELU)
def gelu(step: Step, layer: Any) -> Code:
    return Code(f'F.gelu({step.inputs[0]}, approximate="{layer.approximate}")')


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
    x, ((top, bottom), (left, right)) = step.inputs[0], layer.windows.pad
    if (top, left) == (bottom, right):
        return Code(f"{{own}}({x})", f"nn.Conv2d({settings(layer, (top, left))})")
    padded = f"F.pad({x}, {(left, right, top, bottom)})"
    return Code(f"{{own}}({padded})", f"nn.Conv2d({settings(layer, (0, 0))})")


@CODE(ConvTranspose)
def conv_transpose(step: Step, layer: Any) -> Code:
    (top, _), (left, _) = layer.windows.pad
    return Code(f"{{own}}({step.inputs[0]})", f"nn.ConvTranspose2d({settings(layer, (top, left))})")


def settings(layer: Any, pad: tuple[int, int]) -> str:
    """The arguments of a convolution, without those that are PyTorch's own."""
    seen = layer.windows
    words = [f"{layer.in_channels}, {layer.out_channels}, {seen.size}"]
    for name, value, usual in (
        ("stride", seen.stride, (1, 1)),
        ("padding", pad, (0, 0)),
        ("dilation", seen.dilation, (1, 1)),
        ("groups", layer.groups, 1),
        ("bias", layer.bias, True),
    ):
        if value != usual:
            words.append(f"{name}={value}")
    return ", ".join(words)


@CODE(Pad)
def pad(step: Step, layer: Any) -> Code:
    (top, bottom), (left, right) = layer.windows.pad
    sides = left, right, top, bottom
    return Code(f"F.pad({step.inputs[0]}, {sides}, value={layer.value!r})")


@CODE(Upsample)
def upsample(step: Step, layer: Any) -> Code:
    high, wide = layer.windows.size
    x = step.inputs[0]
    return Code(f"{x}.repeat_interleave({high}, dim=2).repeat_interleave({wide}, dim=3)")


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
{numpy}
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

{names}
FEATURES = {features}  # the columns of a row, in this order


{columns}class Net(nn.Module):
    """{what} of rows (N, {sizes}) in the unit of the training data, as float64 where they
    have large offsets{decides}."""

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
        return {returned}

{methods}

def load(path=Path(__file__).with_suffix(".safetensors")):
    """The network, ready to judge rows{by_table}."""
    net = Net()
    net.load_state_dict(load_file(path))
    return net.eval()
'''
OF_CLASSES = '''\
    def {given}(self, rows):
        """What each class gets (N, {C})."""
        {scores} = self(rows)
        return {last}

    def predict(self, rows):
        """The class of each row, by name."""
        return [CLASSES[c] for c in self(rows).argmax(dim=1).tolist()]
'''
OF_NUMBERS = '''\
    def predict(self, rows):
        """What is predicted of each row (N, {C}), in the unit of the targets."""
        return self(rows) * self.target_std + self.target_mean
'''
TARGET_SCALE = """
        self.register_buffer("target_mean", torch.zeros({C}, dtype=torch.float64))
        self.register_buffer("target_std", torch.ones({C}, dtype=torch.float64))"""


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
    table, count = columns_text(plan.encoding), len(plan.names)
    if plan.targets:
        held |= {"target_mean": plan.target_mean, "target_std": plan.target_std}
        modules["target"] = TARGET_SCALE.format(C=count)[1:]
    methods = OF_NUMBERS if plan.targets else OF_CLASSES
    text = PAGE.format(
        numpy="\nimport numpy as np" if table else "",
        names=f"TARGETS = {plan.targets!r}" if plan.targets else f"CLASSES = {plan.classes!r}",
        features=repr(plan.features),
        columns=table,
        what="Targets with mean 0 and deviation 1" if plan.targets else f"Scores (N, {count})",
        decides="" if plan.targets else "; the largest score decides",
        sizes=", ".join(map(str, plan.shape)),
        shape=plan.shape,
        modules="\n".join(modules.values()),
        dtype=f"torch.{plan.dtype}",
        steps="\n".join(lines),
        returned=plan.scores,
        methods=methods.format(given=plan.given, C=count, scores=plan.scores, last=last),
        by_table=": of a table, torch.from_numpy(features(table))" if table else "",
    )
    # One word alone: the order of several would be another each time.
    words = {"classes": json.dumps(plan.classes)} if plan.classes else None
    packed = {key: np.ascontiguousarray(array) for key, array in held.items()}
    return {".py": text.encode(), ".safetensors": safetensors.numpy.save(packed, words)}


def run(paths: Sequence[Path], plan: Plan, rows: Floats | Frame) -> tuple[Floats, Strings | None]:
    """What PyTorch gives for rows (N, …), or for a table, and the classes (N,) that it names."""
    import torch

    namespace: dict[str, Any] = {"__file__": str(paths[0])}
    exec(compile(paths[0].read_bytes(), str(paths[0]), "exec"), namespace)
    net = namespace["load"]()
    numbers = rows if plan.encoding is None else namespace["features"](rows)
    with torch.inference_mode():
        given = torch.from_numpy(np.asarray(numbers, np.float64))
        if plan.targets:
            return net.predict(given).numpy(), None
        return getattr(net, plan.given)(given).numpy(), np.array(net.predict(given))


def usage(path: Path, plan: Plan) -> str:
    """How the file is run."""
    more = "" if plan.encoding is None else ", features"
    rows = "torch.from_numpy(features(table))" if more else "rows"
    return f"from {path.stem} import load{more}; load().predict({rows})"
