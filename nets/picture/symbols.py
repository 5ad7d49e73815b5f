"""How an operation is written: in its gate, and in a sentence about it."""

import re
from collections.abc import Sequence

from chainrule.nets.node import Constant, Node

#: By class: the symbol in the gate, and the operation on its inputs in words. `{op.…}` is a
#: setting of the layer, `{sign}` and `{size}` are the first letter of the symbol and the others.
#: A class that is not here is called by its name.
SYMBOLS = {
    "Add": ("+", "{} + {}"),
    "Subtract": ("−", "{} − {}"),
    "Multiply": ("×", "{} × {}"),
    "Max": ("max", "max({}, {})"),
    "Min": ("min", "min({}, {})"),
    "MatMul": ("@", "{} @ {}"),
    "Negate": ("×−1", "−1 × {}"),
    "Reciprocal": ("1/x", "1 / {}"),
    "Scale": ("×{op.a:.4g}", "{op.a:.4g} × {}"),
    "Shift": ("{op.c:+.4g}", "{} {sign} {size}"),
    "Square": ("x²", "{0} × {0}"),
    "Exp": ("exp", "exp({})"),
    "Log": ("log", "log({})"),
    "Sigmoid": ("σ", "σ({})"),
    "Tanh": ("tanh", "tanh({})"),
    "Sum": ("Σ", "Σ {}"),
}

#: Gates whose inputs may be drawn in either order.
COMMUTATIVE = {"Add", "Multiply", "Max", "Min"}


def kind(op: object) -> str:
    """The class of one of the library's own layers, "" for any other operation."""
    ours = type(op).__module__.startswith("chainrule.layers.")
    return type(op).__name__ if ours else ""


def symbol(op: object) -> str:
    """What stands in the gate of `op`: "+", "×0.5", "Affine"."""
    if kind(op) not in SYMBOLS:
        return type(op).__name__
    return SYMBOLS[kind(op)][0].format(op=op).replace("-", "−")


def phrase(op: object, operands: Sequence[str]) -> str:
    """`op` applied to the `operands`, which are strings: "x + y", "Affine(x)"."""
    if kind(op) not in SYMBOLS:
        return f"{type(op).__name__}({', '.join(operands)})"
    words, written = SYMBOLS[kind(op)][1], symbol(op)
    return words.format(*operands, op=op, sign=written[0], size=written[1:])


def own_name(node: Node) -> str:
    """The name that somebody gave to `node`; "" for one made up from class and count: add1."""
    made_up = node.inputs and re.fullmatch(rf"{type(node.op).__name__.lower()}\d+", node.name)
    return "" if made_up else node.name


def own_number(node: Node) -> str:
    """What a constant that is one number is written as; "" for any other node."""
    if not isinstance(node.op, Constant) or node.op.shape:
        return ""
    return f"{node.op.state['']:.4g}".replace("-", "−")
