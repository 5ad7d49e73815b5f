"""What the source of a layer tells: what it caches, and which lines compute gradients."""

from __future__ import annotations

import ast
import inspect
import textwrap
import tokenize
import traceback
from typing import Any


def method(layer: Any, name: str) -> tuple[ast.FunctionDef, list[str], int] | None:
    """The syntax tree of a method, its lines, and the number of its first line in the file.

    None where there is no source, or the file has been changed since it was read.
    """
    try:
        wanted = inspect.unwrap(getattr(type(layer), name))
        lines, first = inspect.getsourcelines(wanted)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, AttributeError, SyntaxError, tokenize.TokenError):
        return None
    if [getattr(node, "name", "") for node in tree.body] != [wanted.__name__]:
        return None
    (function,) = tree.body
    return (function, lines, first) if isinstance(function, ast.FunctionDef) else None


def cache_names(layer: Any) -> list[str]:
    """The names of the variables that `forward` puts into its cache, as far as they are plain."""
    found = method(layer, "forward")
    if found is None:
        return []
    variables: dict[str, ast.expr] = {}
    cache: ast.expr | None = None
    for node in ast.walk(found[0]):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            variables[node.targets[0].id] = node.value
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            cache = node.value.elts[-1]
    if isinstance(cache, ast.Name):
        cache = variables.get(cache.id, cache)
    parts = cache.elts if isinstance(cache, ast.Tuple) else [cache] if cache else []
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def in_order(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function line by line: of several returns the last counts, which is that of
    the training pass."""
    return sorted(ast.walk(function), key=lambda node: getattr(node, "lineno", 0))


def gradient_lines(layer: Any, inputs: list[str], params: list[str]) -> dict[str, str]:
    """For each tensor the line of `backward` that last assigns its gradient: "line 12: dx = …", or
    "chainrule.layers.dropout, line 39: …" where backward is inherited from another module."""
    found = method(layer, "backward")
    if found is None:
        return {}
    function, lines, first = found
    assigned: dict[str, int] = {}
    returned: dict[str, str] = {}
    for node in in_order(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Name):
                    assigned[part.id] = max(assigned.get(part.id, 0), part.lineno)
                elif isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
                    returned[str(part.slice.value)] = ""
                    assigned[f"[{part.slice.value!s}]"] = part.lineno
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            *first_part, last = node.value.elts
            owed = first_part[0] if first_part else None
            gradients = owed.elts if isinstance(owed, ast.Tuple) else [owed]
            for name, gradient in zip(inputs, gradients, strict=False):
                if isinstance(gradient, ast.Name):
                    returned[name] = gradient.id
                elif gradient is not None:
                    assigned[f"[{name}]"] = gradient.lineno
            if isinstance(last, ast.Dict):
                for key, value in zip(last.keys, last.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Name):
                        returned[str(key.value)] = value.id
                    elif isinstance(key, ast.Constant):
                        assigned[f"[{key.value!s}]"] = value.lineno
    owner = next(cls for cls in type(layer).__mro__ if "backward" in vars(cls)).__module__
    place = "" if owner == type(layer).__module__ else f"{owner}, "
    told = {}
    for name in (*inputs, *params):
        number = assigned.get(returned.get(name, ""), assigned.get(f"[{name}]", 0))
        if 0 < number <= len(lines):
            told[name] = f"{place}line {first + number - 1}: {lines[number - 1].strip()}"
    return told


def raising_line(layer: Any, error: BaseException) -> str:
    """The last line of the layer's own file that the error passed through: "line 12: dx = …"."""
    try:
        file = inspect.getfile(type(layer))
    except (OSError, TypeError):
        return ""
    own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f"line {own[-1].lineno}: {own[-1].line}" if own else ""
