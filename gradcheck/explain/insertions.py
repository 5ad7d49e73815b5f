"""What the source of a function may lack: a sign, a factor, a summand, a transposition, a path."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from chainrule.gradcheck.explain.editor import Edit, Editor, Shape, simple

FACTORS = (  # of an array that may lack; of a number the first alone
    "{}", "(1 - {})", "(1 - {}**2)", "{} * (1 - {})", "({} > 0)", "{}**2", "np.sqrt({})",
    "np.exp({})", "np.sign({})", "np.cos({})",
)  # fmt: skip


def insertions(editor: Editor, node: ast.expr) -> Iterator[Edit]:
    """Edits that add something to an expression."""
    parent = editor.parents.get(node)
    called = isinstance(parent, ast.Call) and (
        parent.func is node or editor.text(parent.func) == "range"
    )
    bound = isinstance(parent, (ast.Attribute, ast.Slice, ast.keyword, ast.Subscript))
    fixed = isinstance(node, (ast.UnaryOp, ast.Constant, ast.Slice, ast.Tuple, ast.List, ast.Dict))
    if called or bound or fixed or editor.is_index(node):
        return
    text, shape = editor.text(node), editor.shape(node)
    if editor.numpy and (shape is not None or type(editor.value(node)) is int):
        root = f"{editor.numpy}.sqrt({text})"
        yield editor.swap(2, node, root, "scale", f"with the root of `{editor.short(node)}`")
    if shape is not None:
        whole = text if simple(text) else f"({text})"
        yield from turns(editor, node, whole, shape)
        if not (isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.Div))):
            yield from factors(editor, node, whole, shape)  # of a whole product, one does
        yield from paths(editor, node, whole, shape)


def turns(editor: Editor, node: ast.expr, whole: str, shape: Shape) -> Iterator[Edit]:
    """A sign, a power, a number, a transposition, axes for a vector."""
    said = editor.short(node)
    yield editor.swap(0, node, f"-{whole}", "sign", f"with the opposite sign of `{said}`")
    yield editor.swap(1, node, f"{whole}**2", "scale", f"with the square of `{said}`")
    yield editor.swap(3, node, f"2 * {whole}", "scale", f"with twice `{said}`")
    yield editor.swap(3, node, f"0.5 * {whole}", "scale", f"with half of `{said}`")
    if len(shape) == 2:
        yield editor.swap(2, node, f"{whole}.T", "transpose")
    if len(shape) == 3:
        yield editor.swap(2, node, f"{whole}.transpose(0, 2, 1)", "transpose")
    for count in range(1, 4 if len(shape) == 1 else 1):
        yield editor.swap(3, node, f"{whole}[:{', None' * count}]", "axis")


def factors(editor: Editor, node: ast.expr, whole: str, shape: Shape) -> Iterator[Edit]:
    """A factor, a divisor or a summand among the variables, or a function of one."""
    said = editor.short(node)
    for name, other in editor.arrays.items():
        pairs = zip(other[::-1], shape[::-1], strict=False)
        if name == whole or len(other) > len(shape) or any(n not in (1, m) for n, m in pairs):
            continue
        for form in FACTORS[: None if other else 1]:
            if "np." not in form or editor.numpy == "np":
                factor = form.replace("{}", name)
                told = f"with the factor `{factor}` on `{said}`"
                yield editor.swap(4, node, f"{whole} * {factor}", "missing-term", told)
        for sign, told in (
            ("/", f"with `{said}` divided by `{name}`"),
            ("+", f"with `+ {name}` behind `{said}`"),
            ("-", f"with `- {name}` behind `{said}`"),
        ):
            yield editor.swap(4, node, f"{whole} {sign} {name}", "missing-term", told)


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
            yield editor.swap(4, node, f"{whole} - {path}", "missing-term", told)
