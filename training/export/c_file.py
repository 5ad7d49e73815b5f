"""A network as one file of C99 that needs the standard library alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.layers import (
    ELU,
    GELU,
    SELU,
    Add,
    Affine,
    AveragePool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    HardSwish,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Mish,
    PReLU,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Swish,
    Tanh,
)
from chainrule.layers.annotations import Floats
from chainrule.nets import FileError
from chainrule.training.export.c_functions import FUNCTIONS
from chainrule.training.export.steps import Plan, Step, Table

SUFFIXES: tuple[str, ...] = (".c",)
REAL = {"float32": "float", "float64": "double"}


class Code(NamedTuple):
    """Statements for a step, in which {out} and {x}, {y} stand for the arrays of its value and its
    inputs; the functions that they call; and its arrays by name."""

    text: str
    calls: tuple[str, ...] = ()
    arrays: Mapping[str, Floats] = MappingProxyType({})


Writer: TypeAlias = Callable[[Step, Any], Code]
CODE: Table[Writer] = Table()

#: What activations without settings make of a number v, and the functions that they call.
PLAIN: dict[type, tuple[str, tuple[str, ...]]] = {
    ReLU: ("v > 0 ? v : 0", ()),
    Sigmoid: ("sigmoid(v)", ("sigmoid",)),
    Tanh: ("tanh(v)", ()),
    Softplus: ("softplus(v)", ("softplus",)),
    Swish: ("v * sigmoid(v)", ("sigmoid",)),
    Mish: ("v * tanh(softplus(v))", ("softplus",)),
    HardSwish: ("v <= -3 ? 0 : v >= 3 ? v : v * (v + 3) / 6", ()),
    Softsign: ("v / (1 + fabs(v))", ()),
    SELU: (
        "1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * expm1(v))",
        (),
    ),
}


def each(step: Step, text: str, *calls: str) -> Code:
    """A statement that makes `text` of each number v of the input."""
    lines = (
        f"for (int i = 0; i < {prod(step.shape)}; i++) {{{{",
        "    double v = (double){x}[i];",
        f"    {{out}}[i] = (real)({text});",
        "}}",
    )
    return Code("\n".join(lines), calls)


def own(step: Step, **arrays: Floats) -> dict[str, Floats]:
    return {f"{step.owner}_{key}": array for key, array in arrays.items()}


def pixels(step: Step) -> int:
    """How many numbers of the input belong to one channel."""
    return prod(step.shapes[0][1:])


@CODE(*PLAIN)
def plain(step: Step, layer: Any) -> Code:
    text, calls = next(PLAIN[kind] for kind in type(layer).__mro__ if kind in PLAIN)
    return each(step, text, *calls)


@CODE(ELU)
def elu(step: Step, layer: Any) -> Code:
    return each(step, f"v > 0 ? v : {layer.alpha!r} * expm1(v)")


@CODE(LeakyReLU)
def leaky_relu(step: Step, layer: Any) -> Code:
    return each(step, f"v > 0 ? v : {layer.alpha!r} * v")


@CODE(PReLU)
def prelu(step: Step, layer: Any) -> Code:
    at = "0" if layer.features is None else f"i / {pixels(step)}"
    text, calls, _ = each(step, f"v > 0 ? v : (double){step.owner}_alpha[{at}] * v")
    return Code(text, calls, own(step, **layer.params))


@CODE(GELU)
def gelu(step: Step, layer: Any) -> Code:
    if layer.approximate == "none":
        return each(step, "v * erfc(-v / 1.4142135623730951) / 2")
    return each(step, "v * (1 + tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))) / 2")


@CODE(Add)
def add(step: Step, layer: Any) -> Code:
    loop = f"for (int i = 0; i < {prod(step.shape)}; i++)"
    return Code(f"{loop}\n    {{out}}[i] = {{x}}[i] + {{y}}[i];")


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
    (F, OH, OW), (C, H, Wd), seen = step.shape, step.shapes[0], layer.windows
    b = f"{step.owner}_b" if layer.bias else "0"
    numbers = [C, H, Wd, F, OH, OW, *windows(seen), *seen.dilation, layer.groups]
    call = f"conv({{x}}, {step.owner}_W, {b}, {{out}}, {', '.join(map(str, numbers))});"
    return Code(call, ("conv",), own(step, **layer.params))


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


PAGE = """\
/* A network that Chainrule trained, in C99 alone; link with -lm.

   {name}_predict(row, out) takes {D} finite numbers, in the unit of the training data, returns the
   class, an index of {name}_classes, and writes the {what} of each of the {C} classes;
   it returns -1 for a row that is not finite. What it computes stands in static arrays,
   {bytes} bytes, so that one call may run at a time.

   With -D{NAME}_MAIN the file is a program that reads rows of numbers and prints for each its
   class and the {what} of each class. */

#include <math.h>
#include <stdio.h>

typedef {real} real;

const char *const {name}_classes[{C}] = {{
{classes}
}};

{arrays}{functions}
int {name}_predict(const double row[{D}], real out[{C}])
{{
{slots}
    int best = 0;

    for (int i = 0; i < {D}; i++) {{
        if (!isfinite(row[i]))
            return -1;
        {x}[i] = (real)((row[i] - row_mean[i]) / row_std[i]); /* in double: offsets may be large */
    }}
{steps}
    for (int c = 0; c < {C}; c++) {{
        out[c] = {last}[c];
        if ({scores}[c] > {scores}[best])
            best = c;
    }}
    return best;
}}

#ifdef {NAME}_MAIN
int main(void)
{{
    static double row[{D}];
    static real out[{C}];

    for (;;) {{
        for (int i = 0; i < {D}; i++) {{
            int read = scanf("%lf", &row[i]), next = getchar();
            if (read == EOF && i == 0)
                return 0;
            while (next == ' ' || next == '\\t' || next == '\\r')
                next = getchar();
            int ended = next == '\\n' || next == EOF;
            if (read != 1 || ended != (i == {D} - 1)) {{
                fprintf(stderr, "expected a row of {D} numbers on each line, and nothing else\\n");
                return 1;
            }}
            if (!ended && next != ',' && next != ';')
                ungetc(next, stdin);
        }}
        int c = {name}_predict(row, out);
        if (c < 0) {{
            fprintf(stderr, "expected finite numbers\\n");
            return 1;
        }}
        printf("%s", {name}_classes[c]);
        for (c = 0; c < {C}; c++)
            printf("\\t%.17g", (double)out[c]);
        printf("\\n");
    }}
}}
#endif
"""


def write(plan: Plan, name: str) -> dict[str, bytes]:
    """The content of the file, by its suffix; its functions are called after `name`."""
    codes = [CODE.of(step.layer, "c")(step, step.layer) for step in plan.steps]
    calls = {call: None for code in codes for call in code.calls}
    held = {"row_mean": array("double", "row_mean", plan.mean)}
    held["row_std"] = array("double", "row_std", plan.divisor)
    slots, lines = Slots(plan, codes), []
    for at, (step, code) in enumerate(zip(plan.steps, codes, strict=True)):
        held |= {key: array("real", key, a.astype(plan.dtype)) for key, a in code.arrays.items()}
        slots.take(step.name, step.shape)
        if code.text:
            x, y = map(slots.of, (step.inputs[0], step.inputs[-1]))
            text = code.text.format(out=slots.of(step.name), x=x, y=y)
            lines.append(textwrap.indent(f"/* {step.name} */\n{text}", "    "))
        slots.release(at, step.inputs)
    text = PAGE.format(
        name=name,
        NAME=name.upper(),
        D=prod(plan.shape),
        C=len(plan.classes),
        what="probability" if plan.probabilities else "score",
        bytes=sum(slots.sizes) * np.dtype(plan.dtype).itemsize,
        real=REAL[plan.dtype],
        classes="\n".join(f'    "{quoted(one)}",' for one in plan.classes),
        arrays="".join(held.values()),
        functions="".join(FUNCTIONS[one] for one in calls),
        slots="\n".join(f"    static real s{k}[{size}];" for k, size in enumerate(slots.sizes)),
        steps="\n".join(lines),
        x=slots.of("x"),
        last=slots.of(plan.outputs),
        scores=slots.of(plan.scores),
    )
    return {".c": text.encode()}


class Slots:
    """Which array holds which value: one that is read no more makes room for another. A step
    without statements leaves its value where its input stands."""

    def __init__(self, plan: Plan, codes: Sequence[Code]) -> None:
        self.roots = {"x": "x"}
        self.last: dict[str, int] = {}
        for at, (step, code) in enumerate(zip(plan.steps, codes, strict=True)):
            self.last |= {self.roots[one]: at for one in step.inputs}
            self.roots[step.name] = step.name if code.text else self.roots[step.inputs[0]]
        for name in (plan.scores, plan.outputs):
            self.last[self.roots[name]] = len(plan.steps)
        self.places: dict[str, int] = {}
        self.sizes: list[int] = []
        self.free: list[int] = []
        self.take("x", plan.shape)

    def take(self, name: str, shape: Sequence[int]) -> None:
        """Gives a value an array."""
        if self.roots[name] == name:
            k = self.free.pop() if self.free else len(self.sizes)
            self.sizes[k:] = self.sizes[k:] or [0]
            self.sizes[k] = max(self.sizes[k], prod(shape))
            self.places[name] = k

    def of(self, name: str) -> str:
        """The array of a value."""
        return f"s{self.places[self.roots[name]]}"

    def release(self, at: int, names: Sequence[str]) -> None:
        """Frees the arrays of the values that step `at` is the last to read."""
        roots = {self.roots[name]: None for name in names}
        self.free += [self.places[root] for root in roots if self.last[root] == at]


def array(real: str, name: str, values: Floats) -> str:
    """The definition of an array, with all digits of its numbers."""
    end = "f" if values.dtype == np.float32 else ""
    numbers = [f"{v}{end}," for v in values.reshape(-1).astype(str).tolist()]
    numbers = ["INFINITY," if v.startswith("inf") else v for v in numbers]
    return f"static const {real} {name}[{values.size}] = {{\n{wrapped(numbers)}}};\n\n"


def wrapped(numbers: Sequence[str], per_line: int = 6) -> str:
    lines = (numbers[at : at + per_line] for at in range(0, len(numbers), per_line))
    return "".join(f"    {' '.join(line)}\n" for line in lines)


def quoted(text: str) -> str:
    """The inside of a literal of C: all but plain letters and the like as octal bytes."""
    plain = set(range(32, 127)) - set(b'"\\?')
    return "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode(errors="replace"))


def run(paths: Sequence[Path], plan: Plan, rows: Floats) -> tuple[Floats, Floats]:
    """What the file gives each class for rows (N, …), and the classes (N,) that it names, by the
    compiler of this machine. Raises ImportError where there is none."""
    path = paths[0]
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ImportError("there is no C compiler on this machine")
    program = path.with_suffix(".out")
    words = [
        compiler,
        "-std=c99",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-D{path.stem.upper()}_MAIN",
    ]
    done = subprocess.run(
        [*words, str(path), "-o", str(program), "-lm"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FileError(f"the C file does not compile: {done.stderr.strip()[:300]}")
    text = "\n".join(" ".join(map(repr, row)) for row in rows.reshape(len(rows), -1).tolist())
    said = subprocess.run([str(program)], input=text.encode(), capture_output=True, check=False)
    if said.returncode:
        reason = said.stderr.decode(errors="replace").strip() or f"status {said.returncode}"
        raise FileError(f"the program of the C file fails: {reason[:300]}")
    return parsed(said.stdout.decode(), plan)


def parsed(said: str, plan: Plan) -> tuple[Floats, Floats]:
    """The numbers and the classes that the program printed."""
    lines = re.findall(rf"(.*?)((?:\t[-+.\w]+){{{len(plan.classes)}}})\n", said, re.S)
    return np.array([line[1].split() for line in lines], float), np.array([one for one, _ in lines])
