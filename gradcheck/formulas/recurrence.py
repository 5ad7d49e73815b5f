"""Formulas of recurrent layers, RNN, LSTM and GRU: one step, and a loop over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    CONVENTION,
    Call,
    Inapplicable,
    Reference,
    Said,
)
from chainrule.gradcheck.formulas.units import sigmoid

PREVIOUS = "{0}|{0}0|{0}x|{0}prev|prev{0}|{0}tm1|{0}t?1|{0}i(nit)?"
ROLES = {
    "x": "xs?|xt|inputs?|embeddings?",
    "h": PREVIOUS.format("h") + "|prev|prevhidden|hidden(state)?|state|prevstate|a0|aprev",
    "c": PREVIOUS.format("c") + "|prevcell|cell(state)?",
    "Wx": "w|wx|wxh|wih|wax|weightihl?0?|kernel",
    "Wh": "wh|whh|waa|u|weighthhl?0?|recurrentkernel",
    "b": "b|bx|bih|bias|biasihl?0?",
    "bh": "bh|bhh|biashhl?0?",
}


@dataclass(frozen=True, eq=False)
class Steps:
    """A recurrent layer as a loop: x (N, T, D), of T = 1 for one step; h and c (N, H); weights
    Wx (D, k H) and Wh (H, k H) and biases (k H,) for k gates."""

    x: np.ndarray
    h: np.ndarray
    c: np.ndarray
    Wx: np.ndarray
    Wh: np.ndarray
    b: np.ndarray
    bh: np.ndarray
    one: bool  # whether it is one step
    time_first: bool  # whether the layer's sequences are (T, N, D)


def loops(call: Call, gates: int, turned: bool = False) -> Iterator[Steps]:
    """The loops that the layer may be: time may stand first, and weights may be transposed. Where
    both ways of the weights fit they are as written; or `turned`, and only there."""
    parts = call.roles(ROLES if gates == 4 else {**ROLES, "c": "(?!)"}, "x Wx Wh")
    x, Wx, Wh = parts["x"], parts["Wx"], parts["Wh"]
    H, one, found = math.isqrt(Wh.size // gates), x.ndim == 2, False
    if x.ndim not in (2, 3) or not x.size or H == 0:
        raise Inapplicable(f"x has shape {x.shape}, which is no batch of steps or sequences")
    for time_first in [False] if one else [False, True]:
        rows = x[:, np.newaxis] if one else x.swapaxes(0, 1) if time_first else x
        N, D, wide = len(rows), x.shape[-1], gates * H
        zeros, flat = np.zeros((N, H)), np.zeros(wide)
        h, c = parts.get("h", zeros), parts.get("c", zeros)
        b, bh = (parts.get(one, flat) for one in ("b", "bh"))
        b, bh = (b, bh) if "b" in parts else (bh, flat)  # an only bias is that of all gates
        expected = [(D, wide), (H, wide), (N, H), (N, H), (wide,), (wide,)]
        both = ((Wx, Wh), (Wx.T, Wh.T))
        ways = [Ws for Ws in both if [a.shape for a in (*Ws, h, c, b, bh)] == expected]
        for Ws in ways[1:] if turned else ways[:1]:
            found = True
            yield Steps(rows, h, c, *Ws, b, bh, one, time_first)
    if not found:
        raise Inapplicable(f"Wx {Wx.shape} and Wh {Wh.shape} do not fit x {x.shape}")


def returned(call: Call, p: Steps, hs: np.ndarray, cs: np.ndarray | None = None) -> Any:
    """What the layer returns of all states hs and cells cs (N, T, H), as its outputs' shapes tell:
    those of one step; all states, all cells; the last ones besides, or alone."""
    last = [hs[:, -1]] if cs is None else [hs[:, -1], cs[:, -1]]
    shapes = [*call.shapes] or [last[0].shape if p.one else hs.shape]
    if p.one or len(shapes[0]) == 2:
        return tuple(last)
    every = [a.swapaxes(0, 1) if p.time_first else a for a in (hs, cs) if a is not None]
    if len(shapes) == len(every) == 2 and shapes[0] == shapes[1]:
        return tuple(every)
    if len(shapes) == 1 + len(last):
        return every[0], *(a.reshape(shape) for a, shape in zip(last, shapes[1:], strict=True))
    return (every[0],)


def changes(p: Steps) -> Iterator[tuple[str, Steps]]:
    """Mistakes that any recurrent layer can have: what stands in the place of its arrays."""
    yield "the bias is missing", replace(p, b=0 * p.b, bh=0 * p.bh)
    yield "the bias is subtracted", replace(p, b=-p.b, bh=-p.bh)
    yield "the previous state is ignored in the gates", replace(p, Wh=0 * p.Wh)
    yield "x is ignored", replace(p, Wx=0 * p.Wx)
    if p.Wh.shape[0] == p.Wh.shape[1]:
        yield "Wh is transposed", replace(p, Wh=p.Wh.T)
    if not p.one:
        yield "it starts from zeros, not from h0", replace(p, h=0 * p.h)
        yield (
            "every step reads the first input",
            replace(p, x=np.repeat(p.x[:, :1], p.x.shape[1], 1)),
        )


def rnn_states(
    p: Steps,
    squash: Callable[[np.ndarray], np.ndarray] = np.tanh,
    carries: bool = True,
    before: bool = False,
) -> np.ndarray:
    """All states (N, T, H). Unless it `carries` them, each step starts from h0; `before` carries
    what goes into tanh."""
    h, hs = p.h, []
    for t in range(p.x.shape[1]):
        a = p.x[:, t] @ p.Wx + h @ p.Wh + p.b + p.bh
        hs.append(squash(a))
        h = (a if before else hs[-1]) if carries else p.h
    return np.stack(hs, axis=1)


def rnns(call: Call) -> Iterator[Any]:
    for p in loops(call, 1):
        yield returned(call, p, rnn_states(p))


def rnn_conventions(call: Call) -> Said:
    for p in loops(call, 1, turned=True):
        yield "both weights are transposed: x Wxᵀ + h Whᵀ", returned(call, p, rnn_states(p))


def rnn_mistakes(call: Call) -> Said:
    for p in loops(call, 1):
        for text, other in changes(p):
            yield text, returned(call, p, rnn_states(other))
        if not p.one:
            text = "each step starts from h0: the state is not carried on"
            yield text, returned(call, p, rnn_states(p, carries=False))
            text = "each step reads the previous state before its tanh"
            yield text, returned(call, p, rnn_states(p, before=True))
            other = replace(p, x=p.x[:, ::-1])
            text = "it goes through time backwards"
            yield text, returned(call, p, rnn_states(other)[:, ::-1]), CONVENTION
        yield "tanh is missing", returned(call, p, rnn_states(p, lambda a: a))
        yield "the sigmoid stands in place of tanh", returned(call, p, rnn_states(p, sigmoid))
        relu = returned(call, p, rnn_states(p, lambda a: np.maximum(a, 0)))
        yield "max(a, 0) stands in place of tanh", relu, CONVENTION


Functions = Mapping[str, Callable[[np.ndarray], np.ndarray]]
# What each gate goes through, and "h": the cell, on its way to the state.
THROUGH: Functions = {"i": sigmoid, "f": sigmoid, "o": sigmoid, "g": np.tanh, "h": np.tanh}
ORDERS = {  # in which the gates stand in the columns, and who has it so
    "ifog": "",
    "ifgo": "the gates stand in the order i, f, g, o, as in PyTorch; CS231n has i, f, o, g",
    "fgio": "the gates stand in the order f, g, i, o; CS231n has i, f, o, g",
}


def lstm_states(
    p: Steps, order: str, through: Functions = THROUGH, late: bool = False, carries: str = "hc"
) -> tuple[np.ndarray, np.ndarray]:
    """All states and cells (N, T, H). `late` reads the previous cell for the state; what it does
    not carry starts afresh in each step."""
    h, c, hs, cs = p.h, p.c, [], []
    for t in range(p.x.shape[1]):
        a = np.split(p.x[:, t] @ p.Wx + h @ p.Wh + p.b + p.bh, 4, axis=1)
        gate = {name: through[name](part) for name, part in zip(order, a, strict=True)}
        cs.append(gate["f"] * c + gate["i"] * gate["g"])
        hs.append(gate["o"] * through["h"](c if late else cs[-1]))
        h, c = hs[-1] if "h" in carries else p.h, cs[-1] if "c" in carries else p.c
    return np.stack(hs, axis=1), np.stack(cs, axis=1)


def lstms(call: Call, order: str) -> Iterator[Any]:
    for p in loops(call, 4):
        yield returned(call, p, *lstm_states(p, order))


def lstm_conventions(call: Call) -> Said:
    for order, text in ORDERS.items():
        for out in lstms(call, order) if text else ():
            yield text, out
    for h, c in lstms(call, "ifog"):
        yield "it returns the cell first, then the state", (c, h)


def identity(a: np.ndarray) -> np.ndarray:
    return a


def gates_of_lstm() -> Iterator[tuple[str, Functions]]:
    """Mistakes in what a gate goes through."""
    yield "the tanh of the cell is missing: h = o · c", {"h": identity}
    yield "the cell goes through the sigmoid, not tanh, on its way to h", {"h": sigmoid}
    yield "the candidate g goes through the sigmoid, not tanh", {"g": sigmoid}
    yield "the tanh of the candidate g is missing", {"g": identity}
    names = {"i": "input", "f": "forget", "o": "output"}
    for key, name in names.items():
        yield f"the {name} gate {key} goes through tanh, not the sigmoid", {key: np.tanh}
        yield f"the sigmoid of the {name} gate {key} is missing", {key: identity}
        yield f"the {name} gate {key} is missing", {key: np.ones_like}
    yield "all four gates go through tanh", dict.fromkeys("ifo", np.tanh)
    yield "1 is added to the forget gate's argument", {"f": lambda a: sigmoid(a + 1)}


def lstm_mistakes(call: Call) -> Said:
    for p, order in product(loops(call, 4), ORDERS):

        def out(p: Steps = p, order: str = order, **how: Any) -> Any:
            return returned(call, p, *lstm_states(p, order, **how))

        for text, changed in gates_of_lstm():
            mark = [CONVENTION] * text.startswith("1 is")
            yield text, out(through={**THROUGH, **changed}), *mark
        for text, other in changes(p):
            yield text, out(other)
        yield "the previous cell is ignored", out(replace(p, c=0 * p.c), carries="h")
        yield "h reads the previous cell, not the next one", out(late=True)
        if not p.one:
            yield "the cell is not carried from step to step", out(carries="h")
            yield "the state is not carried from step to step", out(carries="c")
    for p, order in product(loops(call, 4), map("".join, permutations("ifog"))):
        text = f"the gates stand in the order {', '.join(order)}, where i, f, o, g is usual"
        yield text, returned(call, p, *lstm_states(p, order)), CONVENTION


@dataclass(frozen=True)
class Gru:
    """Which GRU it is, and what is wrong with it."""

    order: str = "zrn"  # of the gates in the columns; n is the candidate
    keeps: str = "z"  # which gate's share of the previous state is kept: z, or 1 - z
    inside: bool = False  # whether r multiplies the state before Wh does
    gate: Callable[[np.ndarray], np.ndarray] = sigmoid
    candidate: Callable[[np.ndarray], np.ndarray] = np.tanh
    resets: bool = True
    mixes: bool = True

    def states(self, p: Steps) -> np.ndarray:
        """All states (N, T, H)."""
        at = {name: self.order.index(name) for name in "zrn"}
        Wn = np.split(p.Wh, 3, axis=1)[at["n"]]
        h, hs = p.h, []
        for t in range(p.x.shape[1]):
            ax = np.split(p.x[:, t] @ p.Wx + p.b, 3, axis=1)
            ah = np.split(h @ p.Wh + p.bh, 3, axis=1)
            z, r = (self.gate(ax[at[name]] + ah[at[name]]) for name in "zr")
            r = r if self.resets else np.ones_like(r)
            bias = np.split(p.bh, 3)[at["n"]]
            state = (r * h) @ Wn + bias if self.inside else r * ah[at["n"]]
            n = self.candidate(ax[at["n"]] + state)
            keep = z if self.keeps == "z" else 1 - z
            h = keep * h + ((1 - keep) * n if self.mixes else n)
            hs.append(h)
        return np.stack(hs, axis=1)


GRUS = [Gru(*one) for one in product(("zrn", "rzn"), ("z", "1 - z"), (False, True))]


def grus(call: Call) -> Iterator[Any]:
    """The papers and libraries differ in all three: what z keeps, where r acts, and the order."""
    for p, way in product(loops(call, 3), GRUS):
        yield returned(call, p, way.states(p))


def gru_mistakes(call: Call) -> Said:
    for p, way in product(loops(call, 3), GRUS):
        wrong: dict[str, dict[str, Any]] = {
            "the reset gate is ignored": {"resets": False},
            "the candidate goes through the sigmoid, not tanh": {"candidate": sigmoid},
            "the tanh of the candidate is missing": {"candidate": identity},
            "the gates go through tanh, not the sigmoid": {"gate": np.tanh},
            "the candidate is added whole, without its share 1 - z": {"mixes": False},
        }
        for text, changed in wrong.items():
            yield text, returned(call, p, replace(way, **changed).states(p))
        for text, other in changes(p):
            yield text, returned(call, p, way.states(other))


def recurrent(name: str, formula: str, ways: Any, mistakes: Any, **more: Any) -> Reference:
    """The first of `ways`; the others are right, too."""

    def forward(call: Call) -> Any:
        return next(ways(call))

    return Reference(name, formula, forward, mistakes, ways, by_roles=True, **more)


RECURRENT = (
    recurrent(
        "rnn",
        "tanh(x Wx + h Wh + b)",
        rnns,
        rnn_mistakes,
        conventions=rnn_conventions,
        outputs=("h", "the last h"),
    ),
    recurrent(
        "lstm",
        "h = o tanh(c), c = f prev_c + i g",
        lambda call: lstms(call, "ifog"),
        lstm_mistakes,
        conventions=lstm_conventions,
        outputs=("h", "c", "the last c"),
    ),
    recurrent(
        "gru",
        "h = z prev_h + (1 - z) tanh(x Wn + r (prev_h Un))",
        grus,
        gru_mistakes,
        outputs=("h", "the last h"),
    ),
)
