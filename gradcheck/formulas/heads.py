"""Formulas of attention of several heads, and of the positions that are added to words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from chainrule.gradcheck.formulas.attention import (
    HEADS,
    Attention,
    Outputs,
    meanings,
    merged,
    mistakes_of,
    refuse_dropout,
    split,
)
from chainrule.gradcheck.formulas.reference import (
    CONVENTION,
    Call,
    Inapplicable,
    Reference,
    Said,
    working,
)

DROPOUT = ("dropout", "p_drop", "dropout_p", "drop", "drop_prob", "attn_drop")
LAYERS = {"q": "q|query", "k": "k|key", "v": "v|value", "o": "o|out|output|c?proj|outproj"}
ROLES = {
    **{"q": "x|q|quer(y|ies)|data|inputs?", "k": "k|keys?", "v": "v|val(ue)?s?", "mask": ".*mask"},
    **{f"W{one}": f"w({name})|({name})(proj|linear)?(w|weights?)" for one, name in LAYERS.items()},
    **{f"b{one}": f"b({name})|({name})(proj|linear)?(b|bias)" for one, name in LAYERS.items()},
}


def cut(x: np.ndarray, heads: int) -> np.ndarray:
    """What splits wrongly: the rows of one head are other rows."""
    return x.reshape(len(x), heads, x.shape[1], -1)


def paste(x: np.ndarray) -> np.ndarray:
    """What merges wrongly."""
    return x.reshape(len(x), x.shape[2], -1)


def interleaved(x: np.ndarray, heads: int) -> np.ndarray:
    """Every `heads`-th column belongs to one head."""
    return np.moveaxis(x.reshape(*x.shape[:2], -1, heads), -1, 1)


@dataclass(frozen=True, eq=False)
class Heads:
    """Attention of several heads, with its arrays by their roles, and how it splits and merges."""

    parts: dict[str, np.ndarray]
    heads: int
    hidden: np.ndarray
    transposed: bool  # whether the weights are (out, in)
    biased: bool = True
    split: Callable[[np.ndarray, int], np.ndarray] = split
    merge: Callable[[np.ndarray], np.ndarray] = merged

    def product(self, x: np.ndarray, one: str) -> np.ndarray:
        """x W + b of one of the layers."""
        if (W := self.parts.get(f"W{one}")) is None:
            return x
        b = self.parts.get(f"b{one}", 0.0) if self.biased else 0.0
        return x @ (W.T if self.transposed else W) + b

    def attention(self) -> Attention:
        """The heads side by side, (N, heads, T, d)."""
        q = self.parts["q"]
        k = self.parts.get("k", q)
        v = self.parts.get("v", k)
        q, k, v = (
            self.split(self.product(x, one), self.heads)
            for one, x in {"q": q, "k": k, "v": v}.items()
        )
        return Attention(q, k, v, self.hidden, q.shape[-1] ** 0.5)

    def out(self, one: Attention | None = None) -> Outputs:
        """The output and the weights, of these heads or of others in their place."""
        y, p = (one or self.attention()).out()
        return self.product(self.merge(y), "o"), p


def multiheads(call: Call) -> Iterator[tuple[str, Heads]]:
    """The heads as the layer may mean them, with the convention that it follows, "" for none."""
    refuse_dropout(call)
    parts = call.roles(ROLES, "q Wq Wk Wv")
    q, k, wide = parts["q"], parts.get("k", parts["q"]), parts["Wq"].shape
    if q.ndim != 3 or not q.size or len(wide) != 2 or q.shape[-1] not in wide:
        raise Inapplicable(f"the input {q.shape} and Wq {wide} do not fit")
    told = int(call.setting(*HEADS, default=0.0))
    # PyTorch's weights, called so, are (out, in).
    named = any(name.lower().endswith("weight") for name in call.params)
    for transposed in (named, not named):
        if wide[transposed] != q.shape[-1]:
            continue
        width = wide[1 - transposed]
        guesses = [n for n in range(2, width) if width % n == 0]
        for heads in [told] if told else [*guesses, 1, width]:
            scores = (len(q), heads, q.shape[1], k.shape[1])
            future = np.triu(np.ones(scores[-2:], bool), 1)
            ways = [("", np.array(False))]
            causal = getattr(call.layer, "causal", False) is True
            if "mask" in parts:
                ways = [*meanings(parts["mask"], scores)]
                ways = [(text, hidden | future) for text, hidden in ways] if causal else ways
            elif causal:
                ways = [("", future)]
            elif q.shape[1] == k.shape[1]:
                ways.append(("it is causal: no step sees a later one", future))
            for text, hidden in ways:
                yield text, Heads(parts, heads, hidden, transposed)


def multihead(call: Call) -> Outputs:
    for _, way in multiheads(call):
        return way.out()
    raise Inapplicable("its weights or its mask do not fit")


def multihead_equals(call: Call) -> Iterator[Outputs]:
    return (way.out() for text, way in multiheads(call) if not text)


def multihead_conventions(call: Call) -> Said:
    return ((text, way.out()) for text, way in multiheads(call) if text)


def multihead_mistakes(call: Call) -> Said:
    for _, way in multiheads(call):
        one, D = way.attention(), way.parts["q"].shape[-1]
        both = replace(way, split=cut, merge=paste)
        text = f"the scores are divided by the root of all D = {D} features, not of the"
        text += f" {D // way.heads} of a head"
        unmixed = replace(way, parts={k: a for k, a in way.parts.items() if k[1:] != "o"})
        ways: dict[str, Callable[[], Outputs]] = {
            text: partial(way.out, replace(one, divisor=D**0.5)),
            "heads are split by a reshape alone, without a transpose, and merged so": both.out,
            "heads are split by a reshape alone, without a transpose": replace(way, split=cut).out,
            "heads are merged by a reshape alone, without a transpose": (
                replace(way, merge=paste).out
            ),
            "the biases are missing": replace(way, biased=False).out,
            "the output is not multiplied by Wo": unmixed.out,
        }
        yield from working(ways)
        for text, other in mistakes_of(one):
            yield from working({text: partial(way.out, other)})
        text = "a head takes every so manieth column, not a block of them"
        yield from working({text: replace(way, split=interleaved).out}, CONVENTION)


PLACES = {"x": "x|data|inputs?|emb.*", "P": "p|pe|w.*|table|pos.*"}


def table(
    T: int,
    D: int,
    step: Callable[[np.ndarray], np.ndarray] = lambda j: 2 * (j // 2),
    base: float = 10000.0,
    start: int = 0,
    shift: int = 0,
) -> np.ndarray:
    """sin and cos, in turns, of i / base ^ (step(j) / D) for position i and column j: (T, D)."""
    i, j = np.arange(start, T + start)[:, np.newaxis], np.arange(D)
    angle = i / base ** (step(j) / D)
    return np.where((j + shift) % 2 == 0, np.sin(angle), np.cos(angle))


def placed(call: Call) -> tuple[np.ndarray, np.ndarray | None]:
    """x (N, T, D) or (T, D), and the table that is learned, if there is one."""
    refuse_dropout(call)
    parts = call.roles(PLACES, "x")
    x, P = parts["x"].astype(np.float64), parts.get("P")
    if x.ndim not in (2, 3) or not x.size:
        raise Inapplicable(f"x has shape {x.shape}, which is no sequence of vectors")
    if P is not None:
        P = P.reshape(*P.shape[-2:])
        if P.shape[1] != x.shape[-1] or len(P) < x.shape[-2]:
            raise Inapplicable(f"x {x.shape} and the table {P.shape} do not fit")
        P = P[: x.shape[-2]]
    return x, P


def positions(call: Call) -> np.ndarray:
    x, P = placed(call)
    return x + (table(*x.shape[-2:]) if P is None else P)


def scaled_positions(call: Call) -> Iterator[np.ndarray]:
    """The paper multiplies x by √D first."""
    x, P = placed(call)
    yield x * np.sqrt(x.shape[-1]) + (table(*x.shape[-2:]) if P is None else P)


def position_conventions(call: Call) -> Said:
    x, P = placed(call)
    T, D = x.shape[-2:]
    for scaled in (x, x * np.sqrt(D)) if P is None else ():
        halves = table(T, D)
        text = "all sines stand before all cosines, not in turns"
        yield text, scaled + np.concatenate([halves[:, ::2], halves[:, 1::2]], axis=1)
        text = "all columns have one frequency: floor(2 i / D) is 0 in each, as in EECS 498"
        yield text, scaled + table(T, D, np.zeros_like)


def position_mistakes(call: Call) -> Said:
    x, P = placed(call)
    T, D = x.shape[-2:]
    right = table(T, D) if P is None else P
    for scaled in (x, x * np.sqrt(D)):
        yield "the positions multiply x, and are not added", scaled * right
        yield "the positions are subtracted", scaled - right
        yield "all steps have the position of the first", scaled + right[:1]
        if x.ndim == 3 and P is None:
            text = "the positions go along the examples, not along the steps"
            yield text, scaled + table(len(x), D)[:, np.newaxis]
        tables = {
            "the exponent is twice what it should be": table(T, D, lambda j: 4 * (j // 2)),
            "the exponent is half of what it should be": table(T, D, lambda j: j // 2),
            "sine and cosine of a pair have different frequencies": table(T, D, lambda j: j),
            "the exponent is twice the column over D": table(T, D, lambda j: 2 * j),
            "sines and cosines are exchanged": table(T, D, shift=1),
            "positions begin with 1, not with 0": table(T, D, start=1),
            "the base is 1000, not 10000": table(T, D, base=1000.0),
            "the base is 100000, not 10000": table(T, D, base=1e5),
            "the frequencies rise: the exponent has the wrong sign": table(T, D, base=1e-4),
        }
        for text, other in tables.items() if P is None else ():
            yield text, scaled + other
    yield "the positions are missing", x
    yield "x is missing: out is the positions alone", np.broadcast_to(right, x.shape)


TRANSFORMER = (
    Reference(
        "multiheadattention",
        "softmax(q kᵀ / √d) v of each head, side by side, times Wo",
        multihead,
        multihead_mistakes,
        multihead_equals,
        settings=(*HEADS, *DROPOUT, "causal"),
        conventions=multihead_conventions,
        by_roles=True,
        outputs=("out", "the weights"),
    ),
    Reference(
        "positionalencoding",
        "x + sin or cos of i / 10000^(2 ⌊j / 2⌋ / D)",
        positions,
        position_mistakes,
        scaled_positions,
        settings=DROPOUT,
        conventions=position_conventions,
        by_roles=True,
    ),
)
