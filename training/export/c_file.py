"""A network as one file of C99 that needs the standard library alone."""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from chainrule.layers.annotations import Floats
from chainrule.nets import FileError
from chainrule.training.export.c_columns import MAIN, columns_text
from chainrule.training.export.c_functions import FUNCTIONS
from chainrule.training.export.c_layers import CODE, Code
from chainrule.training.export.c_text import array, texts
from chainrule.training.export.frame import Frame
from chainrule.training.export.steps import Plan, Strings, plain_name

SUFFIXES: tuple[str, ...] = (".c",)
REAL = {"float32": "float", "float64": "double"}


PAGE = """\
/* A network that Chainrule trained, in C99 alone; link with -lm.

   {name}_predict(row, out) takes {D} finite numbers, in the unit of the training data{columns_are}.
   It {what}.
   It returns -1 for a row that is not finite. What it computes stands in static arrays,
   {bytes} bytes, so that one call may run at a time.

   With -D{NAME}_MAIN the file is a program that reads rows and prints for each
   {prints}.{separated} */

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef {real} real;

{names}{arrays}{functions}
int {name}_predict(const double row[{D}], {out_type} out[{C}])
{{
{slots}
    {start}

    for (int i = 0; i < {D}; i++) {{
        if (!isfinite(row[i]))
            return -1;
        {x}[i] = (real)((row[i] - row_mean[i]) / row_std[i]); /* in double: offsets may be large */
    }}
{steps}
{end}
}}

{columns}#ifdef {NAME}_MAIN
{read_row}
int main(void)
{{
    static double row[{D}];
    static {out_type} out[{C}];

    for (;;) {{
        int found = read_row(row);
        if (found == 0)
            return 0;
        if (found < 0) {{
            fprintf(stderr, "expected a row of {K} {cells} on each line, and nothing else\\n");
            return 1;
        }}
        int c = {name}_predict(row, out);
        if (c < 0) {{
            fprintf(stderr, "expected finite numbers\\n");
            return 1;
        }}
        {print_name}
        for (c = 0; c < {C}; c++)
            printf("{separator}%.17g"{first}, (double)out[c]);
        printf("\\n");
    }}
}}
#endif
"""
READ_NUMBERS = """\
/* The next row, from numbers in the lines of a file: 1, 0 at its end, -1 where a line is wrong. */
static int read_row(double row[{D}])
{{
    for (int i = 0; i < {D}; i++) {{
        int read = scanf("%lf", &row[i]), next = getchar();
        if (read == EOF && i == 0)
            return 0;
        while (next == ' ' || next == '\\t' || next == '\\r')
            next = getchar();
        int ended = next == '\\n' || next == EOF;
        if (read != 1 || ended != (i == {D} - 1))
            return -1;
        if (!ended && next != ',' && next != ';')
            ungetc(next, stdin);
    }}
    return 1;
}}
"""
BEST = """\
    for (int c = 0; c < {C}; c++) {{
        out[c] = {last}[c];
        if ({scores}[c] > {scores}[best])
            best = c;
    }}
    return best;"""
VALUES = """\
    for (int t = 0; t < {C}; t++)
        out[t] = (double){last}[t] * target_std[t] + target_mean[t];
    return 0;"""


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
    D, C = prod(plan.shape), len(plan.names)
    K = D if plan.encoding is None else len(plan.encoding.names)
    held |= {
        f"target_{key}": array("double", f"target_{key}", values)
        for key, values in (("mean", plan.target_mean), ("std", plan.target_std))
        if plan.targets
    }
    known = plan.features if plan.encoding is None else plan.encoding.names
    names = texts(f"{name}_{'targets' if plan.targets else 'classes'}", plan.names)
    names += texts(f"{name}_columns", known) if known else ""
    last, scores = slots.of(plan.outputs), slots.of(plan.scores)
    text = PAGE.format(
        name=name,
        NAME=name.upper(),
        D=D,
        C=C,
        K=K,
        cells="numbers" if plan.encoding is None else "cells that the network takes",
        columns_are=""
        if plan.encoding is None
        else f"\n   that {name}_features makes of {K} cells",
        separated="\n   Their cells are separated by commas, or by what -DSEPARATOR says, \"';'\"."
        if plan.encoding
        else "",
        bytes=sum(slots.sizes) * np.dtype(plan.dtype).itemsize,
        real=REAL[plan.dtype],
        names=names,
        arrays="".join(held.values()),
        functions="".join(FUNCTIONS[one] for one in calls),
        slots="\n".join(f"    static real s{k}[{size}];" for k, size in enumerate(slots.sizes)),
        steps="\n".join(lines),
        x=slots.of("x"),
        end=(VALUES if plan.targets else BEST).format(C=C, last=last, scores=scores),
        columns=columns_text(plan.encoding, name, D),
        read_row=(READ_NUMBERS if plan.encoding is None else MAIN).format(name=name, D=D, K=K),
        **words_on(plan, name),
    )
    return {".c": text.encode()}


def words_on(plan: Plan, name: str) -> dict[str, str]:
    """The parts of a file that differ between classes and numbers."""
    if plan.targets:
        return {
            "what": f"writes to out what is predicted, a number for each of {name}_targets",
            "prints": "what is predicted",
            "out_type": "double",
            "start": "",
            "print_name": "",
            "separator": "%s",
            "first": ', c ? "\\t" : ""',
        }
    what = "probability" if plan.given == "probabilities" else "score"
    return {
        "what": f"returns the class, an index of {name}_classes, and writes the {what} of each of "
        f"the\n   {len(plan.classes)} classes to out",
        "prints": f"its class and the {what} of each class",
        "out_type": "real",
        "start": "int best = 0;",
        "print_name": f'printf("%s", {name}_classes[c]);',
        "separator": "\\t",
        "first": "",
    }


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


def run(paths: Sequence[Path], plan: Plan, rows: Floats | Frame) -> tuple[Floats, Strings | None]:
    """What the file gives for rows (N, …), or for a table, and the classes (N,) that it names, by
    the compiler of this machine. Raises ImportError where there is none."""
    path = paths[0]
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ImportError("there is no C compiler on this machine")
    program = path.with_suffix(".out")
    words = [compiler, "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    words += [f"-D{path.stem.upper()}_MAIN", str(path), "-o", str(program), "-lm"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FileError(f"the C file does not compile: {done.stderr.strip()[:300]}")
    said = subprocess.run(
        [str(program)], input=lines_of(rows).encode(), capture_output=True, check=False
    )
    if said.returncode:
        reason = said.stderr.decode(errors="replace").strip() or f"status {said.returncode}"
        raise FileError(f"the program of the C file fails: {reason[:300]}")
    return parsed(said.stdout.decode(), plan)


def lines_of(rows: Floats | Frame) -> str:
    """Rows (N, …), or those of a table, as the program reads them."""
    text = io.StringIO()
    lines = zip(*rows.cells.values(), strict=True) if isinstance(rows, Frame) else flat(rows)
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def flat(rows: Floats) -> list[list[float]]:
    """The numbers of each row (N, …)."""
    found: list[list[float]] = rows.reshape(len(rows), -1).tolist()
    return found


def parsed(said: str, plan: Plan) -> tuple[Floats, Strings | None]:
    """The numbers that the program printed, and the classes."""
    if plan.targets:
        return np.array([line.split("\t") for line in said.splitlines()], float), None
    lines = re.findall(rf"(.*?)((?:\t[-+.\w]+){{{len(plan.classes)}}})\n", said, re.S)
    return np.array([line[1].split() for line in lines], float), np.array([one for one, _ in lines])


def usage(path: Path, plan: Plan) -> str:
    """How the file is run."""
    program = shlex.quote(os.path.join(".", path.with_suffix("")))
    name = plain_name(path.stem).upper()
    return f"cc -O2 -D{name}_MAIN {shlex.quote(str(path))} -lm -o {program}; {program} < rows.csv"
