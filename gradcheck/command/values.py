"""What stands for a value, in words: of the user's --inputs, of a docstring, or of a table.

    (5,4)           an array of this shape, of normal numbers; () is a single number
    int(5)<4        whole numbers from 0 to 3: labels, indices
    count(5)<4      whole numbers from 1 to 4: lengths
    bool(5,4)       True and False
    positive(4)     numbers from 0.5 to 2, such as variances
    shares(5,4)     rows of positive numbers that sum to 1, such as probabilities
    onehot(5,4)     rows of zeros with a single 1
    tuple(3,8,8)    the sizes themselves
    0.5  "train"  True  None  [3, 8, 8]  {"stride": 2}      these as they are

Within the program a shape may have letters, `(N,D)`, `int(N)<C`, for sizes to be filled in.
"""

from __future__ import annotations

import ast
import copy
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape, int], Any]
FORM = re.compile(r"\s*([a-z]*)\s*\(([^()]*)\)\s*(?:<\s*(\w+))?\s*")
SIZE = re.compile(r"(\d+|\d*[A-Za-z_]\w*)(\s*\*\s*(\d+|[A-Za-z_]\w*))*")  # 4, D, 4H, C*4*4
FACTOR = re.compile(r"\d+|[A-Za-z_]\w*")
LARGEST = 10_000  # entries of an array that is asked for; a check of more would take hours


def shares(rng: np.random.Generator, shape: Shape, _: int) -> np.ndarray:
    """Positive numbers that sum to 1 along the last axis."""
    numbers = rng.uniform(0.2, 1, shape)
    return numbers / numbers.sum(axis=-1, keepdims=True)


def onehot(rng: np.random.Generator, shape: Shape, _: int) -> np.ndarray:
    """Zeros, with a single 1 along the last axis."""
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


KINDS: dict[str, Draw] = {
    "": lambda rng, shape, _: rng.standard_normal(shape) if shape else rng.standard_normal(),
    "int": lambda rng, shape, bound: rng.integers(0, bound, shape),
    "count": lambda rng, shape, bound: rng.integers(1, bound + 1, shape),
    "bool": lambda rng, shape, _: rng.random(shape) < 0.7,
    "positive": lambda rng, shape, _: rng.uniform(0.5, 2, shape),
    "shares": shares,
    "onehot": onehot,
    "tuple": lambda _rng, shape, _: shape,
    "size": lambda _rng, shape, _: shape[0],
}


class Unreadable(ValueError):
    """A text stands for no value; its own text says what was expected."""


@dataclass(frozen=True)
class Spec:
    """What a text stands for: a kind of array with its sizes, or with `kind` None a value."""

    kind: str | None
    sizes: tuple[str, ...] = ()
    bound: str = ""
    value: Any = None

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, int]) -> Any:
        """A value with these sizes; of a dict or a list a copy."""
        if self.kind is None:
            return copy.deepcopy(self.value)
        shape = self.shape(sizes)
        return KINDS[self.kind](rng, shape, number(self.bound, sizes) if self.bound else 2)

    def shape(self, sizes: Mapping[str, int]) -> Shape:
        return tuple(number(size, sizes) for size in self.sizes)


def number(size: str, sizes: Mapping[str, int]) -> int:
    """The number that "4", "D", "4H" or "C*D*D" stands for."""
    return math.prod(int(f) if f.isdecimal() else sizes[f] for f in FACTOR.findall(size))


def spec(text: str) -> Spec:
    """What a text of a table stands for. Raises Unreadable."""
    if form := FORM.fullmatch(text):
        kind, inner, bound = form.groups()
        sizes = tuple(part.strip() for part in inner.split(",") if part.strip())
        if kind in KINDS and all(SIZE.fullmatch(size) for size in sizes):
            return Spec(kind, sizes, bound or "")
    try:
        return Spec(None, value=ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise Unreadable(
            f"{text.strip()!r} is no value: expected a shape such as (5,4), int(5)<4, a number or "
            f"a word in quotes"
        ) from None


def said(texts: list[str]) -> dict[str, Spec]:
    """The values in `x=(5,4); y=int(5)<4`, by their names, as a user says them. Raises
    Unreadable."""
    found: dict[str, Spec] = {}
    for part in (one for text in texts for one in text.split(";") if one.strip()):
        name, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals or not name.isidentifier():
            raise Unreadable(f"{part.strip()!r} is not of the form name=value, such as x=(5,4)")
        found[name] = checked(spec(text), f"{name}={text}")
    return found


def checked(given: Spec, text: str) -> Spec:
    """A value as a user may ask for it. Raises Unreadable."""
    if given.kind is None:
        return given
    wrong = [size for size in (*given.sizes, given.bound or "1") if not size.isdecimal()]
    if wrong:
        raise Unreadable(f"{text}: sizes must be numbers, not {wrong[0]}")
    bounded = given.kind in ("int", "count")
    if bounded != bool(given.bound) or given.bound.strip("0") == "" != given.bound:
        raise Unreadable(f"{text}: int and count alone take a bound, above 0, as in int(5)<4")
    if given.kind in ("shares", "onehot") and not given.sizes:
        raise Unreadable(f"{text}: {given.kind} needs at least one size")
    if math.prod(map(int, given.sizes)) not in range(1, LARGEST + 1):
        raise Unreadable(f"{text}: from 1 to {LARGEST} entries can be checked")
    return given


def shown(value: Any) -> str:
    """A value as it could have been said: `(5,4)` for an array, `int(5)<4` for labels; "…" for one
    that cannot be said."""
    if isinstance(value, tuple):
        return f"tuple({','.join(map(str, value))})"
    if not isinstance(value, np.ndarray):
        sayable = value is None or isinstance(value, (str, int, float, dict, list))
        return repr(value) if sayable else "…"
    shape = f"({','.join(map(str, value.shape))})"
    if value.dtype.kind == "b":
        return f"bool{shape}"
    return f"int{shape}<{value.max(initial=0) + 1}" if value.dtype.kind in "iu" else shape
