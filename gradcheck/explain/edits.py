"""Small edits of what a function's source has: those that turn common mistakes right."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from chainrule.gradcheck.explain.editor import Edit, Editor, broadcasts, exchanged, renamed, simple
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
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) and node.value is not None:
            found += of_names(editor, node, node.value)
            if not isinstance(node, ast.Return):
                found += of_statement(editor, node)
        elif isinstance(node, ast.expr) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):  # not what is assigned
            found += of_expression(editor, node)
            found += insertions(editor, node)
        elif isinstance(node, ast.Subscript):
            found += of_subscript(editor, node)
    found.sort(key=lambda edit: (edit.rank, edit.start))
    unique: dict[bytes, Edit] = {}
    for edit in found:  # of the same, the likeliest
        unique.setdefault(editor.applied(edit), edit)
    return [edit for text, edit in unique.items() if text != editor.source]


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
        for part, size in editor.parts.items():
            if size == editor.arrays[node.id] and node.id not in re.findall(r"\w+", part):
                yield editor.swap(2, node, part, "swapped")
        for other in editor.arrays if getattr(editor.parents[node], "attr", "") == "shape" else ():
            yield editor.swap(1, node, other, "swapped")
    elif isinstance(node, ast.Subscript):
        yield from of_subscript(editor, node)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield editor.swap(0, node, editor.text(node.value), "transpose")
    elif isinstance(node, ast.Slice):
        for name in (name for name, value in editor.values.items() if isinstance(value, slice)):
            said = f"with `{name}` for `{editor.short(node)}`"
            yield Edit(2, *editor.span(node), name, "axis", said)


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
    shape = editor.shape(node.left) if sign == "/" else None
    for name, size in editor.arrays.items() if shape is not None else ():
        for divisor, of in ((name, size), (f"{name}[:, None]", (*size, 1)), (f"{name}.sum()", ())):
            if broadcasts(of, shape or ()) and (size or divisor == name):
                yield editor.swap(2, node.right, divisor, "scale")
    if sign == "+" and isinstance(node.left, ast.Call) and len(node.left.args) == 1:
        function, inner = editor.text(node.left.func), editor.text(node.left.args[0])
        if function in editor.functions:
            yield editor.swap(1, node, f"{function}({inner} + {right})", "scale")
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
    for other in editor.functions if editor.text(function) in editor.functions else ():
        yield editor.swap(1, function, other, "swapped")
        value = editor.text(node.args[0])
        for slope in ("{} * (1 - {})", "1 - {}**2") if value.isidentifier() else ():
            yield editor.swap(1, node, slope.replace("{}", value), "swapped")
    first = node.args[0] if node.args else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    of_numpy = owner is None or (isinstance(owner, ast.Name) and owner.id == editor.numpy)
    array = first if of_numpy else owner
    if array is not None and not isinstance(array, ast.Starred):
        yield editor.swap(2, node, editor.text(array), "scale")
    for keyword in node.keywords:
        if keyword.arg in ("axis", "dim"):
            yield from of_axis(editor, node, keyword.value, array)
        start, end = editor.span(keyword)
        before = editor.source[:start].rstrip()
        if before.endswith(b","):
            said = f"without `{editor.short(keyword)}`"
            yield Edit(2, len(before) - 1, end, "", "axis", said)
    if name in REDUCING and len(node.args) == 1 + of_numpy:
        yield from of_axis(editor, node, node.args[-1], array)
    if name == "reshape" and array is owner is not None:
        yield from of_reshape(editor, node, owner)
    if name == "transpose" and len(node.args) > 1:
        for order in itertools.permutations(editor.text(arg) for arg in node.args):
            yield editor.swap(2, node, f"{editor.text(function)}({', '.join(order)})", "axis")


def of_reshape(editor: Editor, node: ast.Call, array: ast.expr) -> Iterator[Edit]:
    """Axes moved before a reshape, or behind it."""
    text, sizes = editor.text(array), [editor.text(size) for size in node.args]
    whole = text if simple(text) else f"({text})"
    end = editor.source[editor.span(node.func)[1] : editor.span(node)[1]].decode()
    for order in itertools.permutations(range(len(editor.shape(array) or ()))):
        if 2 < len(order) < 5:
            yield editor.swap(3, node, f"{whole}.transpose{order}.reshape{end}", "axis")
    for order in itertools.permutations(range(len(sizes))) if 2 < len(sizes) < 5 else ():
        moved = ", ".join(sizes[at] for at in order)
        back = tuple(order.index(at) for at in range(len(order)))
        yield editor.swap(3, node, f"{whole}.reshape({moved}).transpose{back}", "axis")


def of_axis(
    editor: Editor, call: ast.Call, node: ast.expr, array: ast.expr | None
) -> Iterator[Edit]:
    """Other axes to reduce an array over, here and in all calls that read the same."""
    (start, end), (_, last) = editor.span(node), editor.span(call)
    begin = editor.span(call.func)[1]
    now, source = editor.source[begin:last], editor.source
    axes = range(len((array is not None and editor.shape(array)) or ()))
    for some in itertools.chain(*(itertools.combinations(axes, count + 1) for count in axes)):
        text = str(some[0]) if len(some) == 1 else str(some)
        said = f"with axis {text} for {editor.short(node)}"
        yield editor.swap(1, node, text, "axis", said)
        if source.count(now) > 1:
            new = source[begin:start] + text.encode() + source[end:last]
            first, past = source.index(now), source.rindex(now) + len(now)
            every = source[first:past].replace(now, new).decode()
            said += f" in all of `{getattr(call.func, 'attr', '')}{now.decode()}`, the first"
            yield Edit(2, first, past, every, "axis", said)


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
    """Without the index, with another of this source, or with its parts in another order."""
    now, whole = editor.text(node.slice), editor.text(node.value)
    yield editor.swap(3, node, whole, "axis")
    for part in editor.parts:
        yield editor.swap(3, node, whole + part[part.index("[") :], "axis")
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    steps = [n for n in editor.loops if n in re.findall(r"\w+", now)]
    for name in editor.numbers:
        text = now
        for step in steps if name not in steps else ():
            text = renamed(text, step, f"{step} * {name}")
        yield editor.swap(3, node, f"{whole}[{text}]", "scale")
        slices = (editor.text(part) for part in parts if isinstance(part, ast.Slice))
        for cut in sorted({text for text in slices if text != ":"}):
            text = f"{whole}[{now.replace(cut, f'{name}:-{name}')}]"
            yield editor.swap(3, node, text, "axis")
    for step, (name, shape) in itertools.product(steps, editor.arrays.items()):
        for back in (now, renamed(now, step, f"{step} - 1")):
            if shape and shape == editor.shape(node):
                text = f"{whole}[{back}] if {step} > 0 else {name}"
                yield editor.swap(3, node, text, "swapped")
    now = ", ".join(editor.text(part) for part in parts)
    for order in itertools.permutations(editor.text(p) for p in parts) if len(parts) < 5 else ():
        said = f"with `[{', '.join(order)}]` for `[{now}]`"
        yield Edit(2, *editor.span(node.slice), ", ".join(order), "axis", said)


def of_names(
    editor: Editor, node: ast.Assign | ast.AugAssign | ast.Return, value: ast.expr
) -> Iterator[Edit]:
    """Another name wherever one stands in a statement, two exchanged, and a softmax's Jacobian in
    the place of a product."""
    (start, end), whole = editor.span(node), editor.text(node)
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in editor.arrays}
    for one, shape in ((name, editor.arrays[name]) for name in sorted(names)):
        for two in (name for name, size in editor.arrays.items() if size == shape and name != one):
            if len(re.findall(rf"\b{one}\b", editor.text(value))) > 1:
                text = renamed(whole, one, two)
                yield Edit(1, start, end, text, "swapped", f"with `{two}` for `{one}`")
            if two in names:
                text = exchanged(whole, one, two)
                yield Edit(1, start, end, text, "swapped", f"with `{one}` and `{two}` exchanged")
            if two in names and editor.shape(value) == shape:
                for axis in range(-1, len(shape) - 1):
                    inner = f"({one} * {two}).sum({axis}, keepdims=True)"
                    yield editor.swap(2, value, f"{one} * ({two} - {inner})", "missing-term")


def of_statement(editor: Editor, node: ast.Assign | ast.AugAssign) -> Iterator[Edit]:
    """Adding up for overwriting or the other way round, nothing, one more name set, a call less."""
    start, end = editor.span(node)
    value = editor.text(node.value)
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    word = editor.text(target)
    if isinstance(node, ast.Assign) and not isinstance(target, ast.Tuple):
        yield Edit(0, start, end, f"{word} += {value}", "overwrite", "with `+=` for `=`")
    elif isinstance(node, ast.AugAssign):
        sign = PLAIN.get(type(node.op), "")
        yield Edit(0, start, end, f"{word} = {value}", "overwrite", f"with `=` for `{sign}=`")
    if isinstance(target, ast.Subscript) and editor.numpy:
        into, at = editor.text(target.value), editor.text(target.slice)
        text = f"{editor.numpy}.add.at({into}, {at}, {value})"
        said = f"with `{editor.numpy}.add.at`, which adds up where an index comes twice,"
        yield Edit(0, start, end, text, "overwrite", said)
    yield Edit(2, start, end, "pass", "missing-term", f"without `{editor.short(node)}`")
    for name, shape in editor.arrays.items() if isinstance(node, ast.Assign) else ():
        if shape and shape == editor.shape(node.value) and name != word:
            said = f"with `{name}` set to the same"
            yield Edit(3, start, end, f"{word} = {name} = {value}", "missing-term", said)
    for call in (call for call in ast.walk(node.value) if isinstance(call, ast.Call)):
        tail = editor.text(call)[len(editor.text(getattr(call.func, "value", call))) :]
        if tail.startswith(".") and value.count(tail) > 1:
            text = value.replace(tail, "")
            yield editor.swap(2, node.value, text, "axis", f"without `{tail}`, both times,")
