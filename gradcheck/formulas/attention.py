"""Formulas of attention: of one head, causal, over a map, and of several heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    Call,
    Inapplicable,
    Reference,
    Said,
    by_name,
    working,
)
from chainrule.gradcheck.formulas.units import softmax

FORMULA = "softmax(q kᵀ / √d) v"
ROLES = {
    "q": "q|quer(y|ies)|x|inputs?|data",
    "k": "k|keys?",
    "v": "v|vals?|values?",
    "mask": ".*mask|hidden|keep",
}
HEADS = ("num_heads", "n_heads", "heads", "n_head", "nhead", "num_head", "h")
HIDDEN = -1e9  # the score of what may not be seen
Outputs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Attention:
    """softmax(q kᵀ / √d) v for q (…, S, d), k (…, T, d) and v (…, T, M), where `hidden` (S, T), or
    what broadcasts with the scores, tells what may not be seen; and what can be exchanged in it."""

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    hidden: np.ndarray
    divisor: float
    mask: Callable[[np.ndarray], np.ndarray] | None = None  # of scores, in place of hiding
    weigh: Callable[[np.ndarray], np.ndarray] = softmax
    score: float = HIDDEN
    merge: Callable[[np.ndarray], np.ndarray] = np.asarray  # of the heads, where there are several

    def weights(self) -> np.ndarray:
        """The weights (…, S, T)."""
        scores = self.q @ self.k.swapaxes(-1, -2) / self.divisor
        masked = self.mask(scores) if self.mask else np.where(self.hidden, self.score, scores)
        return self.weigh(masked)

    def out(self) -> Outputs:
        """The output (…, S, M) and the weights."""
        p = self.weights()
        return self.merge(p @ self.v), p


def meanings(mask: np.ndarray, scores: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """What a mask may hide, and which convention that is, "" for 1 where one may look."""
    shapes = [mask] if mask.ndim != 2 or mask.shape == scores[-2:] else []
    if len(scores) > 2 and mask.shape == (scores[0], scores[-1]):  # one row for each example
        shapes.append(mask.reshape(len(mask), *[1] * (len(scores) - 2), mask.shape[1]))
    if len(scores) == 4 and mask.ndim == 3:  # one for each example, and for all heads
        shapes = [mask[:, np.newaxis]]
    for one in shapes:
        if (one < 0).any() and ((one == 0) | (one < -1e3)).all():  # it is added to the scores
            yield "", one < 0
        elif np.isin(mask, (0, 1)).all():
            yield "", one == 0
            yield "a mask that is true hides, as in PyTorch; in CS231n 1 may be seen", one == 1


def attentions(call: Call, causal: bool = False) -> Iterator[tuple[str, Attention]]:
    """Attention as the layer may mean it, with the convention that it follows, "" for none."""
    parts = call.roles(ROLES, "q k v")
    q, k, v = parts["q"], parts["k"], parts["v"]
    if q.ndim < 2 or not q.size or q.shape[-1] != k.shape[-1] or k.shape[:-1] != v.shape[:-1]:
        raise Inapplicable(f"q {q.shape}, k {k.shape} and v {v.shape} do not fit")
    refuse_dropout(call)
    heads = int(call.setting(*HEADS, default=1.0))
    merge: Callable[[np.ndarray], np.ndarray] = np.asarray
    if heads > 1:
        q, k, v = (split(x, heads) for x in (q, k, v))
        merge = merged
    divisor = 1 / call.setting("scale", "scaling", default=q.shape[-1] ** -0.5)
    S, T = q.shape[-2], k.shape[-2]
    future = np.triu(np.ones((S, T), bool), 1)
    causal = causal or getattr(call.layer, "causal", False) is True
    if "mask" in parts:
        for text, hidden in meanings(np.asarray(parts["mask"]), (*q.shape[:-1], T)):
            seen = hidden | future if causal else hidden
            yield text, Attention(q, k, v, seen, divisor, merge=merge)
    else:
        hidden = future if causal else ~(future | True)
        yield "", Attention(q, k, v, hidden, divisor, merge=merge)
        if not causal and S == T:
            text = "it is causal: no step sees a later one"
            yield text, Attention(q, k, v, future, divisor, merge=merge)


def refuse_dropout(call: Call) -> None:
    """Raises Inapplicable for a layer that drops at random."""
    rates = ("dropout", "p_drop", "dropout_p", "drop", "drop_prob", "attn_drop")
    if call.train and call.setting(*rates, default=0.0):
        raise Inapplicable("dropout is random")


def attention(call: Call, causal: bool = False) -> Outputs:
    for _, way in attentions(call, causal):
        return way.out()
    raise Inapplicable("the mask does not fit, or holds other numbers than 0 and 1")


def attention_equals(call: Call, causal: bool = False) -> Iterator[Any]:
    """Rows that see nothing are nan with -∞ as the score, and 0 for some."""
    for text, way in attentions(call, causal):
        if not text:
            yield way.out()
            infinite = replace(way, score=-np.inf).out()
            yield infinite
            yield tuple(map(np.nan_to_num, infinite))
    S, T = call.inputs[0].shape[-2], call.inputs[1].shape[-2]
    if causal and S != T and len(call.inputs) == 3:  # the last query sees all keys
        future = np.triu(np.ones((S, T), bool), 1 + T - S)
        yield from (replace(way, hidden=future).out() for _, way in attentions(call, causal))


def attention_conventions(call: Call, causal: bool = False) -> Said:
    for text, way in attentions(call, causal):
        if text:
            yield text, way.out()


def attention_mistakes(call: Call, causal: bool = False) -> Said:
    for _, way in attentions(call, causal):
        for text, one in mistakes_of(way):
            yield from working({text: one.out})
        yield from working(
            {
                "the weights are transposed": partial(turned, way),
                "out is the weights, without v": way.weights,
            }
        )


def split(x: np.ndarray, heads: int) -> np.ndarray:
    """(N, T, D) to (N, heads, T, D / heads): a head is a block of columns."""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def merged(x: np.ndarray) -> np.ndarray:
    """(N, heads, T, d) to (N, T, heads · d)."""
    return x.swapaxes(1, 2).reshape(len(x), x.shape[2], -1)


def turned(way: Attention) -> Outputs:
    p = way.weights()
    return way.merge(p.swapaxes(-1, -2) @ way.v), p


def mistakes_of(way: Attention) -> Iterator[tuple[str, Attention]]:
    """What can go wrong in one head."""
    yield from wrong_scores(way)
    yield from wrong_weights(way)
    if way.hidden.any():
        yield from wrong_masks(way)
    yield "k stands in the place of v", replace(way, v=way.k)
    yield "q stands in the place of v", replace(way, v=way.q)
    yield "q and k are exchanged", replace(way, q=way.k, k=way.q)


def wrong_scores(way: Attention) -> Iterator[tuple[str, Attention]]:
    """What can go wrong with the divisor."""
    d = way.q.shape[-1]
    yield "the scores are not divided by √d", replace(way, divisor=1.0)
    yield f"the scores are divided by d = {d}, not by its root", replace(way, divisor=d)
    yield "the scores are multiplied by √d, not divided", replace(way, divisor=d**-0.5)
    sizes = {"keys": way.k.shape[-2], "queries": way.q.shape[-2], "examples": len(way.q)}
    for names, n in by_name(sizes).items():
        text = f"the scores are divided by √{n}, the root of the number of {names}, not by √d"
        yield text, replace(way, divisor=n**0.5)


def wrong_weights(way: Attention) -> Iterator[tuple[str, Attention]]:
    """What can go wrong with the softmax."""
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "the softmax runs over the queries, not over the keys": lambda s: softmax(s, -2),
        "the softmax runs over the examples, not over the keys": lambda s: softmax(s, 0),
        "the softmax runs over queries and keys together": lambda s: softmax(s, (-2, -1)),
        "the exponentials are not divided by their sum": np.exp,
        "the softmax is missing": lambda s: s,
        "the softmax is applied twice": lambda s: softmax(softmax(s)),
        "√d divides the weights, not the scores": lambda s: softmax(s * way.divisor) / way.divisor,
    }
    for text, weigh in ways.items():
        yield text, replace(way, weigh=weigh)


def wrong_masks(way: Attention) -> Iterator[tuple[str, Attention]]:
    """What can go wrong with the mask."""
    hidden, one = way.hidden, np.ones(way.hidden.shape[-2:], bool)
    masks = {
        "each step sees the next one, too": np.triu(one, 2),
        "no step sees itself": np.triu(one, 0),
        "each step sees itself and later ones, not earlier ones": np.tril(one, -1),
        "the mask is inverted": ~hidden,
        "the mask is transposed": hidden.swapaxes(-1, -2),
    }
    for text, other in masks.items():
        yield text, replace(way, hidden=other)
    uses: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "the mask is ignored": lambda s: s,
        "what is hidden has the score 0, as if mask and scores were multiplied, so it is seen": (
            lambda s: s * ~hidden
        ),
        "the mask of ones and zeros is added to the scores": lambda s: s + ~hidden,
        "1 is added to the scores of what is hidden": lambda s: s + hidden,
    }
    for text, use in uses.items():
        yield text, replace(way, mask=use)
    text = "the mask is applied to the weights, whose sum is not 1 any more"
    yield text, replace(way, mask=lambda s: s, weigh=lambda s: softmax(s) * ~hidden)
    for number in (1e9, 1.0, -1.0, -10.0, -100.0):
        text = f"what is hidden gets the score {number:g}, and not a very negative one"
        yield text, replace(way, score=number)


def over_map(call: Call) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """A state (N, 1, H), the places of a map (N, places, H), and the shape of the map."""
    parts = call.roles({"h": "h|prevh|q|query", "A": "a|map|features?|k|keys?"}, "h A")
    h, A = parts["h"], parts["A"]
    if h.ndim != 2 or A.ndim < 3 or A.shape[:2] != h.shape:
        raise Inapplicable(f"a state {h.shape} and a map {A.shape} do not fit")
    places = A.reshape(*A.shape[:2], -1).swapaxes(1, 2)
    return h[:, np.newaxis], places, (len(A), *A.shape[2:])


def map_attention(call: Call) -> Outputs:
    h, places, shape = over_map(call)
    out, p = Attention(h, places, places, np.array(False), h.shape[-1] ** 0.5).out()
    return out[:, 0], p.reshape(shape)


def map_mistakes(call: Call) -> Said:
    h, places, shape = over_map(call)
    way = Attention(h, places, places, np.array(False), h.shape[-1] ** 0.5)
    for text, one in (*wrong_scores(way), *wrong_weights(way)):
        out, p = one.out()
        yield text, (out[:, 0], p.reshape(shape))


def one_head(name: str, causal: bool) -> Reference:
    """Attention of three arrays; over a map, where there are two."""

    def is_map(call: Call) -> bool:
        return len(call.inputs) == 2

    def forward(call: Call) -> Outputs:
        return map_attention(call) if is_map(call) else attention(call, causal)

    def mistakes(call: Call) -> Said:
        return map_mistakes(call) if is_map(call) else attention_mistakes(call, causal)

    return Reference(
        name,
        FORMULA,
        forward,
        mistakes,
        lambda call: iter(()) if is_map(call) else attention_equals(call, causal),
        settings=("scale", "scaling", "causal", "dropout", "p_drop", "dropout_p", "drop"),
        conventions=lambda c: iter(()) if is_map(c) else attention_conventions(c, causal),
        by_roles=True,
        outputs=("out", "the weights"),
    )


ATTENTION = (one_head("attention", False), one_head("causalattention", True))
