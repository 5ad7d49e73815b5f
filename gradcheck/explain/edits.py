"""Small edits of what a function's source has: those that turn common mistakes right."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from chainrule.gradcheck.explain.editor import Edit, Editor, exchanged
from chainrule.gradcheck.explain.insertions import insertions

PLAIN = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}
OTHERS = {"+": "-*", "-": "+", "*": "/+", "/": "*"}  # that are taken for it
ORDERS = {  # and those that are taken for them, the likelier first
    ast.Lt: ("<", "<=", ">=", ">"), ast.LtE: ("<=", "<", ">", ">="),
    ast.Gt: (">", ">=", "<=", "<"), ast.GtE: (">=", ">", "<", "<="),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="),
}  # fmt: skip
NEIGHBOURS = (  # functions that are taken for each other
    ("sum", "mean", "cumsum"), ("maximum", "minimum"), ("max", "min"), ("argmax", "argmin"),
    ("zeros_like", "ones_like"), ("zeros", "ones"), ("tril", "triu"), ("sin", "cos"),
    ("exp", "log"), ("sqrt", "square"), ("sinh", "cosh", "tanh"), ("floor", "ceil", "trunc"),
    ("var", "std"), ("abs", "sign"), ("repeat", "tile"),
)  # fmt: skip
REDUCING = ("sum", "mean", "max", "argmax", "prod")


def edits(editor: Editor) -> list[Edit]:
    """All edits, the likelier first."""
    found: list[Edit] = []
    for node in ast.walk(editor.tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            found += of_statement(editor, node)
        elif isinstance(node, ast.expr) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):  # not what is assigned
            found += of_expression(editor, node)
            found += insertions(editor, node)
    found.sort(key=lambda edit: (edit.rank, edit.start))
    unique = {editor.applied(edit): edit for edit in reversed(found)}  # of the same, the likelier
    made = [edit for text, edit in unique.items() if text != editor.source]
    return sorted(made, key=lambda edit: (edit.rank, edit.start))


def of_expression(editor: Editor, node: ast.expr) -> Iterator[Edit]:
    if isinstance(node, ast.BinOp):
        yield from of_operation(editor, node)
    elif isinstance(node, ast.UnaryOp):
        inner = editor.text(node.operand)
        yield editor.swap(0, node, inner, "sign", f"without the sign before `{inner}`")
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = editor.text(node.left), editor.text(node.comparators[0])
        now, *others = ORDERS.get(type(node.ops[0]), ("",))
        for order in others:
            said = f"with `{order}` for `{now}`"
            yield editor.swap(0, node, f"{left} {order} {right}", "mask", said)
        yield editor.swap(1, node, left, "mask")
    elif isinstance(node, ast.Call):
        yield from of_call(editor, node)
    elif isinstance(node, ast.Constant):
        yield from of_constant(editor, node)
    elif isinstance(node, ast.Name) and node.id in editor.arrays:
        for other, shape in editor.arrays.items():
            if other != node.id and shape == editor.arrays[node.id]:
                yield editor.swap(1, node, other, "swapped")
    elif isinstance(node, ast.Subscript):
        yield from of_subscript(editor, node)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield editor.swap(0, node, editor.text(node.value), "transpose")
    elif isinstance(node, ast.Slice):
        low, high = (editor.text(end) if end else "" for end in (node.lower, node.upper))
        for text in (":", "1:", ":-1", "::-1", f"{high}:", f":{low}"):
            yield Edit(2, *editor.span(node), text, "axis",
                       f"with `{text}` for `{editor.short(node)}`")  # fmt: skip


def of_operation(editor: Editor, node: ast.BinOp) -> Iterator[Edit]:
    left, right = editor.text(node.left), editor.text(node.right)
    first, second = editor.short(node.left), editor.short(node.right)
    sign = PLAIN.get(type(node.op), "")
    if not sign:
        return
    kind = "missing-term" if sign in "+-" else "scale"
    yield editor.swap(0, node, left, kind, f"without `{sign} {second}`")
    if sign in "+*":
        yield editor.swap(0, node, right, kind, f"without `{first} {sign}`")
    if sign == "-":
        yield editor.swap(0, node, f"-{right}", kind, f"without `{first}`")
        yield editor.swap(0, node, f"{right} - {left}", "sign")
    for other in OTHERS.get(sign, ""):
        kind = "sign" if other in "+-" else "scale"
        said = f"with `{other}` for `{sign}` before `{second}`"
        yield editor.swap(0, node, f"{left} {other} {right}", kind, said)
    if sign == "@":
        yield editor.swap(1, node, f"{right} @ {left}", "transpose")


def of_call(editor: Editor, node: ast.Call) -> Iterator[Edit]:
    function = node.func
    name = getattr(function, "attr", "") or getattr(function, "id", "")
    head = editor.text(function)[: -len(name) or None]
    for group in NEIGHBOURS:
        for other in group if name in group else ():
            if other != name:
                yield editor.swap(0, function, head + other, "swapped")
    first = node.args[0] if node.args else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    of_numpy = owner is None or (isinstance(owner, ast.Name) and owner.id == editor.numpy)
    array = first if of_numpy else owner
    if array is not None and not isinstance(array, ast.Starred):
        yield editor.swap(2, node, editor.text(array), "scale")
    for keyword in node.keywords:
        if keyword.arg == "axis":
            yield from of_axis(editor, keyword.value, array)
    if name in REDUCING and len(node.args) == 1 + of_numpy:
        yield from of_axis(editor, node.args[-1], array)
    if name == "transpose" and len(node.args) > 1:
        for order in itertools.permutations(editor.text(arg) for arg in node.args):
            yield editor.swap(2, node, f"{editor.text(function)}({', '.join(order)})", "axis")


def of_axis(editor: Editor, node: ast.expr, array: ast.expr | None) -> Iterator[Edit]:
    """Other axes to reduce an array over."""
    axes = range(len((array is not None and editor.shape(array)) or ()))
    for some in itertools.chain(*(itertools.combinations(axes, count + 1) for count in axes)):
        text = str(some[0]) if len(some) == 1 else str(some)
        said = f"with axis {text} for {editor.short(node)}"
        yield editor.swap(1, node, text, "axis", said)


def of_constant(editor: Editor, node: ast.Constant) -> Iterator[Edit]:
    value, parent = node.value, editor.parents.get(node)
    others: tuple[bool | float, ...] = ()
    if isinstance(value, bool):
        others = (not value,)
    elif isinstance(value, int):
        of_shape = getattr(getattr(parent, "value", None), "attr", "") == "shape"
        is_axis = isinstance(parent, ast.keyword) or of_shape
        others = (value + 1, value - 1, -value, 2 * value)
        others = tuple(other for other in others if not is_axis or -2 <= other < 4)
    elif isinstance(value, float):
        others = (2 * value, value / 2, 1 - value, -value, 3 * value)
    for other in others:
        yield editor.swap(2, node, repr(other), "axis" if isinstance(value, bool) else "scale")


def of_subscript(editor: Editor, node: ast.Subscript) -> Iterator[Edit]:
    """Without the index, or with its parts in another order."""
    yield editor.swap(3, node, editor.text(node.value), "axis")
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    now = ", ".join(editor.text(part) for part in parts)
    for order in itertools.permutations(editor.text(p) for p in parts) if len(parts) < 5 else ():
        said = f"with `[{', '.join(order)}]` for `[{now}]`"
        yield Edit(2, *editor.span(node.slice), ", ".join(order), "axis", said)


def of_statement(editor: Editor, node: ast.Assign | ast.AugAssign) -> Iterator[Edit]:
    """Adding up for overwriting and the other way round, no statement, or other names in it."""
    start, end = editor.span(node)
    value = editor.text(node.value)
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    word = editor.text(target)
    if isinstance(node, ast.Assign) and not isinstance(target, ast.Tuple):
        yield Edit(0, start, end, f"{word} += {value}", "overwrite", f"with `{word} +=`")
    elif isinstance(node, ast.AugAssign):
        yield Edit(0, start, end, f"{word} = {value}", "overwrite", f"with `{word} =`")
        sign = PLAIN.get(type(node.op), "")
        for other in OTHERS.get(sign, "")[:1]:
            said = f"with `{other}=` for `{sign}=`"
            yield Edit(0, start, end, f"{word} {other}= {value}", "sign", said)
    if isinstance(target, ast.Subscript) and editor.numpy:
        into, at = editor.text(target.value), editor.text(target.slice)
        text = f"{editor.numpy}.add.at({into}, {at}, {value})"
        said = f"with `{editor.numpy}.add.at`, which adds up where an index comes twice,"
        yield Edit(0, start, end, text, "overwrite", said)
    yield Edit(2, start, end, "pass", "missing-term", f"without `{editor.short(node)}`")
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in editor.arrays}
    for one, two in itertools.combinations(sorted(names), 2):
        if editor.arrays[one] == editor.arrays[two]:
            text = exchanged(editor.text(node), one, two)
            yield Edit(1, start, end, text, "swapped", f"with `{one}` and `{two}` exchanged")
