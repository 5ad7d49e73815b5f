"""The shapes of arguments that a docstring tells: `- x: Input data, of shape (N, C, H, W)`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from chainrule.gradcheck.command.names import length
from chainrule.gradcheck.command.values import FACTOR, SIZE

END = re.compile(r"^\s*(returns?|outputs?|yields|raises)\b[\w ]*(:|\n\s*-{3})", re.I | re.M)
ITEM = r"^[ \t]*[-*]?[ \t]*(?:\w+\s*(?:,|and)\s*)*`?{name}`?(?:\s*,\s*\w+)*\s*(?::|--|-|\(|,? of )"
NEXT = re.compile(r"^[ \t]*(?:[-*][ \t]*)?\w+(?:\s*,\s*\w+)*\s*(?::(?!\w)|--|\()|^\s*$", re.M)
BRACKETS = r"(?:\(([^\[\]()]*)\)|\[([^\[\]()]*)\])"
OF_SHAPE = re.compile(rf"(?:shape|size|dimensions?)[:=]?\s*(?:of)?\s*(?:is)?\s*`*{BRACKETS}", re.I)
REST = re.compile(r"d_?1\s*,?\s*(?:\.\.\.|…)\s*,?\s*d_?k", re.I)
ANY = ("*", "...", "…")  # axes
KINDS = {
    r"one.hot": "onehot",
    r"\b(integers?|indices|labels?|ids)\b": "int",
    r"\bbool(ean)?\b": "bool",
    r"probabilit": "shares",
}
BOUND = re.compile(r"<\s*([A-Z]\w*|\d+)")


def shapes(function: object, names: Sequence[str]) -> dict[str, str]:
    """What the docstring says of arguments, in the words of `values`; the letters of sizes are
    those of `names.SIZES` where it means the same, otherwise its own."""
    text = inspect.getdoc(function) or ""
    end = END.search(text)
    inputs = text[: end.start()] if end else text
    found = {name: told(item) for name in names if (item := of_one(inputs, name))}
    return {name: value for name, value in found.items() if value}


def of_one(text: str, name: str) -> str:
    """What a docstring says of one argument."""
    start = re.search(ITEM.format(name=re.escape(name)), text, re.M)
    if start is None:
        return ""
    first, _, rest = text[start.end() - 1 :].partition("\n")
    end = NEXT.search(rest)
    return f"{first} {rest[: end.start()] if end else rest}"


def told(item: str) -> str:
    """The value that a description stands for, "" where it tells no shape."""
    listed = (one for one in re.finditer(BRACKETS, item) if "," in one[0])
    shape = OF_SHAPE.search(item) or next(listed, None)
    if shape is None:
        return ""
    sizes = [
        letter(size)
        for size in REST.sub("D", shape[1] or shape[2] or "").split(",")
        if size.strip()
    ]
    if not all(sizes):
        return ""
    kind = next((kind for like, kind in KINDS.items() if re.search(like, item, re.I)), "")
    bound = BOUND.search(item)
    if kind == "int":
        return f"int({','.join(sizes)})<{bound[1] if bound else 'C'}"
    return f"{kind}({','.join(sizes)})"


def letter(size: str) -> str:
    """The letters for a size: "4H", "N" for "number of examples"; "" where it is no size."""
    size = " ".join(re.sub(r"\bthe\b|[`'\"]", "", size).split())
    if size in ANY:
        return "D"
    if SIZE.fullmatch(size):
        return FACTOR.sub(lambda one: (len(one[0]) > 1 and length(one[0])) or one[0], size)
    return length(size) or (re.sub(r"\W+", "_", size) if re.fullmatch(r"[\w ]{3,40}", size) else "")
