"""The source of one function, of which small parts can be replaced."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cached_property
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]
ARRAYS = ("numpy", "torch", "jax.numpy", "autograd.numpy")
LIBRARIES = ("numpy", "scipy", "math", "builtins", "torch", "jax", "jaxlib", "autograd")
EFFECTS = {
    "open", "input", "exec", "eval", "compile", "exit", "quit", "breakpoint", "setattr", "delattr",
    "globals", "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt",
    "fromfile", "memmap", "tofile", "dump", "seterr", "seed", "set_state", "__import__",
}  # fmt: skip


class Edit(NamedTuple):
    """One edit: the bytes of the source it replaces, by what, and how it is said.

    rank  the likelier edits have the lower ones
    kind  of mistake, one of `report.findings.KINDS`
    said  "without `/ N`", behind "would agree in every digit"
    """

    rank: int
    start: int
    end: int
    text: str
    kind: str
    said: str


class Editor:
    """The source of a function, its tree, and the values that its variables have at its end.

    arrays  the shapes of the arrays and numbers among the variables that it uses, by name, and
            those of the constants of its module, which it may lack
    numpy   what it calls NumPy, or a library like it, "" where it does not
    """

    def __init__(
        self, lines: list[str], tree: ast.FunctionDef, values: dict[str, Any], constants: list[str]
    ) -> None:
        self.source = "".join(lines).encode()
        starts = itertools.accumulate((len(line.encode()) for line in lines), initial=0)
        self.starts, self.tree, self.values = list(starts), tree, values
        self.parents = {c: node for node in ast.walk(tree) for c in ast.iter_child_nodes(node)}
        used = {getattr(n, "id", "") or getattr(n, "arg", "") for n in ast.walk(tree)}
        used = used & values.keys() | {*constants}
        sizes = [n for v in values.values() if is_array(v) for n in v.shape]
        most = max(sizes, default=0)
        self.arrays: dict[str, Shape] = {
            name: shape_of(values[name]) for name in sorted(used) if is_number(values[name], most)
        }
        self.numpy = next((n for n, v in values.items() if is_module(v, ARRAYS)), "")

    @property
    def numbers(self) -> list[str]:
        """The plain numbers among `arrays`: sizes and constants."""
        return [name for name in self.arrays if type(self.values[name]) in (int, float)]

    @cached_property
    def functions(self) -> list[str]:
        """What it calls entry by entry: one may be taken for another, or lack."""
        calls = [n for n in ast.walk(self.tree) if isinstance(n, ast.Call) and len(n.args) == 1]
        own = (call for call in calls if self.shape(call) == self.shape(call.args[0]) is not None)
        return sorted({self.text(call.func) for call in own})

    @cached_property
    def loops(self) -> list[str]:
        """The variables of its loops."""
        loops = [node for node in ast.walk(self.tree) if isinstance(node, ast.For)]
        return [node.target.id for node in loops if isinstance(node.target, ast.Name)]

    @cached_property
    def parts(self) -> dict[str, Shape | None]:
        """What it takes out of arrays, with square brackets, and the shapes of that."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Subscript))
        return {self.text(n): self.shape(n) for n in nodes if isinstance(n.ctx, ast.Load)}

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        last, end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[last - 1] + end

    def text(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def short(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The text of a node on one line."""
        return plain(self.text(node))

    def line(self, edit: Edit) -> int:
        """The number of the line in which an edit begins, from 0."""
        return sum(edit.start >= start for start in self.starts) - 1

    def applied(self, edit: Edit) -> bytes:
        return self.source[: edit.start] + edit.text.encode() + self.source[edit.end :]

    def value(self, node: ast.expr) -> Any:
        """What an expression gives, None where that cannot be told."""
        try:
            return eval(compile(ast.Expression(node), "", "eval"), dict(self.values))
        except Exception:  # it holds a variable of a comprehension, say
            return None

    def shape(self, node: ast.expr) -> Shape | None:
        """The shape of the floats that an expression gives, None where it gives something else."""
        value = self.value(node)
        return shape_of(value) if is_array(value) or isinstance(value, float) else None

    def swap(self, rank: int, node: ast.expr, text: str, kind: str, said: str = "") -> Edit:
        """The edit that puts a text in the place of an expression, in brackets where it must."""
        start, end = self.span(node)
        tight = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Attribute, ast.Subscript)
        inside = isinstance(self.parents.get(node), tight) and not simple(text)
        has = self.source[start - 1 : start] == b"(" and self.source[end : end + 1] == b")"
        if has and simple(text) and not re.match(rb"[\w)\]]", self.source[start - 2 : start - 1]):
            start, end = start - 1, end + 1  # brackets that are needed no more
        text = f"({text})" if inside and not has else text
        return Edit(rank, start, end, text, kind, said or self.told(node, text))

    def told(self, node: ast.expr, text: str) -> str:
        """That a text stands for an expression: for so much around it that it is seen which."""
        (start, end), whole = self.span(node), node
        line = self.source.splitlines()[node.lineno - 1].decode()
        while line.count(self.short(whole)) > 1 and isinstance(
            around := self.parents[whole], ast.expr
        ):
            whole = around
        first, last = self.span(whole)
        new = (self.source[first:start] + text.encode() + self.source[end:last]).decode()
        return f"with `{plain(new)}` for `{self.short(whole)}`"

    def computed(self) -> Iterator[ast.expr]:
        """The expressions that are assigned or returned and give floats."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
                parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                yield from (part for part in parts if part and is_float(self.value(part)))

    def has_effects(self, own: set[CodeType]) -> bool:
        """Whether the function may do more than compute, and end: it has a `while`, or calls what
        is neither of NumPy or a library like it, nor of Python's numbers and containers, nor has
        code of `own`; or what reads or writes files."""
        calls = [node.func for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        loops = any(isinstance(node, ast.While) for node in ast.walk(self.tree))
        return loops or not all(self.computes(function, own) for function in calls)

    def computes(self, function: ast.expr, own: set[CodeType]) -> bool:
        """Whether a function that is called has no effects, as far as its name and place tell."""
        name = getattr(function, "attr", "") or getattr(function, "id", "")
        if name in EFFECTS or name == "print":
            return name == "print"
        if any(isinstance(node, ast.Call) for node in ast.walk(function)):
            return hasattr(np.ndarray, name)  # of what a call returned
        value = self.value(function)
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        owner = type(getattr(value, "__self__", None)).__module__
        module = getattr(value, "__module__", None) or owner
        known = module.split(".")[0] in LIBRARIES
        return code in own or (hasattr(np.ndarray, name) if value is None else known)

    def is_index(self, node: ast.AST) -> bool:
        """Whether an expression is part of an index of what is assigned."""
        while (parent := self.parents.get(node)) is not None:
            if isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store):
                return True
            node = parent
        return False


def is_module(value: Any, names: tuple[str, ...]) -> bool:
    return isinstance(value, ModuleType) and value.__name__ in names


def is_array(value: Any) -> bool:
    """Whether a value is an array of NumPy, or of a library like it."""
    return isinstance(getattr(value, "shape", None), tuple) and hasattr(value, "dtype")


def shape_of(value: Any) -> Shape:
    return tuple(value.shape) if is_array(value) else np.shape(value)


def is_float(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    floating = getattr(dtype, "kind", "") == "f" or getattr(dtype, "is_floating_point", False)
    return isinstance(value, float) or floating


def is_number(value: Any, most: int) -> bool:
    """Whether a value is an array, or a number, but no whole one beyond `most`."""
    if isinstance(value, (int, np.integer)):
        return not isinstance(value, bool) and abs(int(value)) <= most
    return is_array(value) or isinstance(value, float)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def simple(text: str) -> bool:
    """Whether a text is a name or a call, which needs no brackets."""
    return bool(re.fullmatch(r"[\w.]+(\([^()]*\)|\[[^\[\]]*\])?", text))


def broadcasts(one: Shape, to: Shape) -> bool:
    pairs = zip(one[::-1], to[::-1], strict=False)
    return len(one) <= len(to) and all(n in (1, m) for n, m in pairs)


def renamed(text: str, one: str, two: str) -> str:
    return re.sub(rf"\b{one}\b", two, text)


def exchanged(text: str, one: str, two: str) -> str:
    """The text with two names in each other's place."""
    return re.sub(rf"\b({one}|{two})\b", lambda m: two if m.group() == one else one, text)
