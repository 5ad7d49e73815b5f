"""What the source of a layer or a function tells: its cache, and which lines compute gradients."""

from __future__ import annotations

import ast
import inspect
import textwrap
import tokenize
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np


class Source(NamedTuple):
    """A function's syntax tree, its lines, the number of the first in its file, and where it is."""

    tree: ast.FunctionDef
    lines: list[str]
    first: int
    place: str = ""


def source_of(function: Any, place: str = "") -> Source | None:
    """None where there is no source, or the file has been changed since it was read."""
    try:
        wanted = inspect.unwrap(function)
        lines, first = inspect.getsourcelines(wanted)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, AttributeError, SyntaxError, tokenize.TokenError):
        return None
    if [getattr(node, "name", "") for node in tree.body] != [wanted.__name__]:
        return None
    (found,) = tree.body
    return Source(found, lines, first, place) if isinstance(found, ast.FunctionDef) else None


def plain_function(function: Any) -> FunctionType | None:
    """The function that was written, under decorators and methods, None for what is not one."""
    try:
        found = inspect.unwrap(getattr(function, "__func__", function))
    except ValueError:
        return None
    return found if isinstance(found, FunctionType) else None


def method(layer: Any, name: str) -> Source | None:
    """The source of a layer's method; its place is the module it is inherited from, if another."""
    cls = type(layer)
    owner = next((c for c in cls.__mro__ if name in vars(c)), cls).__module__
    return source_of(getattr(cls, name, None), "" if owner == cls.__module__ else f"{owner}, ")


def named_parts(cache: Any, forward: Source | None) -> dict[str, np.ndarray]:
    """The arrays of a cache, under the names that `forward` has for them where it tells."""
    parts = cache if isinstance(cache, tuple) else (cache,)
    told = cache_names(forward)
    words = told if len(told) == len(parts) else [""] * len(parts)
    named = (
        (word or f"cache[{at}]", part)
        for at, (word, part) in enumerate(zip(words, parts, strict=True))
    )
    return {word: part for word, part in named if isinstance(part, np.ndarray)}


def cache_names(forward: Source | None) -> list[str]:
    """The names of the variables that `forward` puts into its cache, as far as they are plain."""
    if forward is None:
        return []
    variables: dict[str, ast.expr] = {}
    cache: ast.expr | None = None
    for node in ast.walk(forward.tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            variables[node.targets[0].id] = node.value
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            cache = node.value.elts[-1]
    if isinstance(cache, ast.Name):
        cache = variables.get(cache.id, cache)
    parts = cache.elts if isinstance(cache, ast.Tuple) else [cache] if cache else []
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def gradient_lines(
    backward: Source | None, owed: Callable[[int], Sequence[str]], skip: int = 0, keyed: bool = True
) -> dict[str, str]:
    """For each tensor the line that last assigns its gradient: "line 12: dx = …".

    `owed` tells which tensors the returned values belong to, by their number, of which the first
    `skip` are no gradients; where `keyed` the last one is a dict of gradients by name.
    """
    if backward is None:
        return {}
    assigned: dict[str, int] = {}
    values: list[ast.expr] = []
    # Line by line: of several returns the last counts, which is that of the training pass.
    for node in sorted(ast.walk(backward.tree), key=lambda node: getattr(node, "lineno", 0)):
        for name, line in assignments(node):
            assigned[name] = max(assigned.get(name, 0), line)
        if isinstance(node, ast.Return) and node.value is not None:
            values = elements(node.value)[skip:]
    found: dict[str, ast.expr] = {}
    if keyed and values:
        *values, last = values
        if isinstance(last, ast.Dict):
            keys = (key.value if isinstance(key, ast.Constant) else "" for key in last.keys)
            found |= dict(zip(map(str, keys), last.values, strict=True))
        values = elements(values[0]) if len(values) == 1 else values
    found |= dict(zip(owed(len(values)), values, strict=False))
    numbers = {name[1:-1]: line for name, line in assigned.items() if name.startswith("[")}
    for name, value in found.items():
        own = isinstance(value, ast.Name)
        line = assigned.get(value.id, 0) if isinstance(value, ast.Name) else value.lineno
        numbers[name] = line if not own or line else numbers.get(name, 0)
    _, lines, first, place = backward
    return {
        name: f"{place}line {first + line - 1}: {lines[line - 1].strip()}"
        for name, line in numbers.items()
        if 0 < line <= len(lines)
    }


def assigned_lines(function: Source | None) -> dict[str, str]:
    """For each thing that a method assigns the last line that does: {"self.dW": "line 12: …"};
    what is written into an array, as in self.grads[0][...] = dW, counts as assigned."""
    found: dict[str, str] = {}
    if function is None:
        return found
    _, lines, first, place = function
    for node in sorted(ast.walk(function.tree), key=lambda node: getattr(node, "lineno", 0)):
        for target, _ in targets(node):
            if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant):
                target = target.value
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                whole = target.slice.value is ...
                target = target.value if whole else target
            number = target.lineno
            text = lines[number - 1].strip()
            found[ast.unparse(target)] = f"{place}line {first + number - 1}: {text}"
    return found


def unpacked(function: Source | None) -> dict[str, list[str]]:
    """What a method calls the parts of what it keeps: W, b = self.params tells {"params": ["W",
    "b"]}."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(function.tree) if function else ():
        for target, value in targets(node):
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Attribute):
                names = [part.id for part in target.elts if isinstance(part, ast.Name)]
                if len(names) == len(target.elts):
                    found[value.attr] = names
    return found


def returned_names(function: Source | None) -> list[str]:
    """What a function calls the parts of what its last return gives, "" where they have no name."""
    words: list[str] = []
    for node in ast.walk(function.tree) if function else ():
        if isinstance(node, ast.Return) and node.value is not None:
            parts = elements(node.value)
            words = [getattr(part, "id", getattr(part, "attr", "")) for part in parts]
    return words


def targets(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """What a statement assigns to, and the value."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        yield node.target, node.value


def elements(value: ast.expr) -> list[ast.expr]:
    return list(value.elts) if isinstance(value, (ast.Tuple, ast.List)) else [value]


def assignments(node: ast.AST) -> Iterator[tuple[str, int]]:
    """What a statement assigns, with its line: "dx", and "[W]" for grads["W"] = …"""
    single = [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else []
    for target in node.targets if isinstance(node, ast.Assign) else single:
        for part in elements(target):
            if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
                yield f"[{part.slice.value!s}]", part.lineno
            while isinstance(part, ast.Subscript):
                part = part.value
            if isinstance(part, ast.Name):
                yield part.id, part.lineno


def raising_line(thing: Any, error: BaseException) -> str:
    """The last line of the file that holds the class or function `thing` that the error passed
    through: "line 12: dx = …"."""
    try:
        file = inspect.getfile(thing)
    except (OSError, TypeError):
        return ""
    own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f"line {own[-1].lineno}: {own[-1].line}" if own else ""
