"""A network as one file of C99 that needs the standard library alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from chainrule.layers.annotations import Floats
from chainrule.nets import FileError
from chainrule.training.export.c_functions import FUNCTIONS
from chainrule.training.export.c_layers import CODE, Code
from chainrule.training.export.steps import Plan

SUFFIXES: tuple[str, ...] = (".c",)
REAL = {"float32": "float", "float64": "double"}


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
            inputs = [slots.of(one) for one in step.inputs]
            text = code.text.format(
                out=slots.of(step.name), x=inputs[0], y=inputs[-1], inputs=inputs
            )
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
