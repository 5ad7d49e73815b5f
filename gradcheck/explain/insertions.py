"""What the source of a function may lack: a sign, a factor, a summand, a transposition, a path."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from chainrule.gradcheck.explain.editor import Edit, Editor, Shape, broadcasts, is_float, simple

FACTORS = (  # of an array that may lack; of a number the first alone
    "{}", "(1 - {})", "(1 - {}**2)", "{} * (1 - {})", "({} > 0)", "{}**2",
    "{}.sum(-1, keepdims=True)",
)  # fmt: skip


def insertions(editor: Editor, node: ast.expr) -> Iterator[Edit]:
    """Edits that add something to an expression."""
    parent = editor.parents.get(node)
    called = isinstance(parent, ast.Call) and (
        parent.func is node or editor.text(parent.func) == "range"
    )
    bound = isinstance(parent, (ast.Slice, ast.keyword, ast.Subscript))
    bound = bound or (isinstance(parent, ast.Attribute) and not isinstance(node, ast.BinOp))
    fixed = isinstance(node, (ast.UnaryOp, ast.Constant, ast.Slice, ast.Tuple, ast.List, ast.Dict))
    if called or bound or fixed or editor.is_index(node):
        return
    text, shape = editor.text(node), editor.shape(node)
    if editor.numpy and (shape is not None or type(editor.value(node)) is int):
        root = f"{editor.numpy}.sqrt({text})"
        yield editor.swap(2, node, root, "scale", f"with the root of `{editor.short(node)}`")
    if type(editor.value(node)) is int and isinstance(parent, ast.Assign):
        for size in editor.numbers:
            for sign in ("//", "*"):
                yield editor.swap(3, node, f"{text} {sign} {size}", "scale")
    if shape is not None:
        whole = text if simple(text) else f"({text})"
        yield from turns(editor, node, whole, shape)
        yield from factors(editor, node, whole, shape)
        if isinstance(parent, (ast.Assign, ast.AugAssign, ast.Return, ast.Tuple)):
            yield from products(editor, node, whole, shape)
            yield from sizes(editor, node, whole)
        yield from paths(editor, node, whole, shape)


def turns(editor: Editor, node: ast.expr, whole: str, shape: Shape) -> Iterator[Edit]:
    """A sign, a power, a number, a function, a transposition, the other way round, more axes."""
    text, said = editor.text(node), editor.short(node)
    if is_float(editor.value(node)):
        yield editor.swap(0, node, f"{whole}.copy()", "mutation", f"with a copy of `{said}`")
        yield editor.swap(1, node, f"1 - {whole}", "scale")
        yield editor.swap(0, node, f"-{whole}", "sign", f"with the opposite sign of `{said}`")
        usual = [f"{editor.numpy}.exp", f"{editor.numpy}.tanh"] if editor.numpy else []
        for function in dict.fromkeys([*editor.functions, *usual]):
            yield editor.swap(2, node, f"{function}({text})", "missing-term")
    yield editor.swap(1, node, f"{whole}**2", "scale", f"with the square of `{said}`")
    yield editor.swap(3, node, f"2 * {whole}", "scale", f"with twice `{said}`")
    yield editor.swap(3, node, f"0.5 * {whole}", "scale", f"with half of `{said}`")
    if len(shape) == 2:
        yield editor.swap(2, node, f"{whole}.T", "transpose")
    if len(shape) == 3:
        yield editor.swap(2, node, f"{whole}.transpose(0, 2, 1)", "transpose")
    for turned in ("..., ::-1", "..., ::-1, ::-1")[: len(shape) if text.isidentifier() else 0]:
        yield editor.swap(4, node, f"{text}[{turned}]", "axis")
    for count in range(1, 4 if len(shape) == 1 else 1):
        yield editor.swap(3, node, f"{whole}[:{', None' * count}]", "axis")


def factors(editor: Editor, node: ast.expr, whole: str, shape: Shape) -> Iterator[Edit]:
    """A factor, a divisor or a summand among the variables, or a function of one."""
    said, parent = editor.short(node), editor.parents.get(node)
    inside = isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.Div))
    for name, other in editor.arrays.items():
        if name == whole or not broadcasts(other, shape):
            continue
        for form in () if inside else FACTORS[: None if other else 1]:  # of a product, one does
            factor, rank = form.replace("{}", name), 3 if form == "{}" else 4
            told = f"with the factor `{factor}` on `{said}`"
            yield editor.swap(rank, node, f"{whole} * {factor}", "missing-term", told)
        for sign, told in (
            ("/", f"with `{said}` divided by `{name}`"),
            ("+", f"with `+ {name}` behind `{said}`"),
            ("-", f"with `- {name}` behind `{said}`"),
        ):
            yield editor.swap(3, node, f"{whole} {sign} {name}", "missing-term", told)


def sizes(editor: Editor, node: ast.expr, whole: str) -> Iterator[Edit]:
    """A size, or its root, to multiply or to divide by."""
    found = [*editor.numbers]
    found += [f"{name}.shape[-1]" for name, shape in editor.arrays.items() if len(shape) > 1]
    found.sort(key=lambda size: size not in editor.parts)
    roots = [f"{editor.numpy}.sqrt({size})" for size in found] if editor.numpy else []
    for sign, size in itertools.product("/*", found + roots):
        kind = "divided by" if sign == "/" else "times"
        told = f"with `{editor.short(node)}` {kind} `{size}`"
        yield editor.swap(3, node, f"{whole} {sign} {size}", "scale", told)


def products(editor: Editor, node: ast.expr, whole: str, shape: Shape) -> Iterator[Edit]:
    """A matrix product of two variables, which a gradient that is a sum of such may lack."""
    turned = {
        f"{name}{turn}": size[:-2] + size[-2:][:: -1 if turn else 1]
        for name, size in editor.arrays.items() if len(size) > 1
        for turn in ("", ".T" if len(size) == 2 else ".swapaxes(-1, -2)")
    }  # fmt: skip
    for (one, a), (two, b) in itertools.product(turned.items(), turned.items()):
        if a[-1] == b[-2] and len(b) in (2, len(a)) and (*a[:-1], b[-1]) == shape:
            text, told = f"{one} @ {two}", f"with `+ {one} @ {two}` behind `{editor.short(node)}`"
            yield editor.swap(3, node, f"{whole} + {text}", "missing-term", told)


def paths(editor: Editor, node: ast.expr, whole: str, shape: Shape) -> Iterator[Edit]:
    """What goes through a sum over an axis, as through the normaliser of a softmax, a mean, or the
    length of a vector."""
    said = editor.short(node)
    for axis in (axis for axis, size in enumerate(shape) if size > 1):
        over = f"({axis if axis + 1 < len(shape) else -1}, keepdims=True)"
        lacks = [f"{whole}.mean{over}", f"{whole}.sum{over}"]
        for name, other in editor.arrays.items():
            if other == shape and name != said:
                lacks += [
                    f"({whole} * {name}).sum{over}",
                    f"{name} * {whole}.sum{over}",
                    f"{name} * ({whole} * {name}).sum{over}",
                    f"{name} * ({whole} * {name}).mean{over}",
                ]
        for path in lacks:
            told = f"with `- {path}` behind `{said}`"
            yield editor.swap(5, node, f"{whole} - {path}", "missing-term", told)
