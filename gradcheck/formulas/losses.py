"""Formulas of losses: of regression, of yes/no answers, and of a row of scores and one class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    BUG,
    CONVENTION,
    Call,
    Inapplicable,
    Reference,
    Said,
    nothing,
)
from chainrule.gradcheck.formulas.units import FLOORS, log_softmax, sigmoid

MARGIN = ("margin", "delta")
SETTINGS = ("eps", "epsilon", *MARGIN)


def labels(call: Call) -> np.ndarray:
    """The targets as a distribution over the classes per row (N, C)."""
    scores, t = call.pair
    if scores.ndim != 2 or t.shape == scores.shape:
        return t.astype(np.float64)
    if scores.shape[1] == 1 and t.size == len(scores):
        return t.reshape(-1, 1).astype(np.float64)
    if t.size != len(scores) or not np.isin(t, np.arange(scores.shape[1])).all():
        raise Inapplicable(f"targets of shape {t.shape} are no labels")
    return np.eye(scores.shape[1])[t.reshape(-1).astype(np.intp)]


def reduced(call: Call, total: Any, count: int) -> Any:
    """A sum over examples as the layer's `reduction` has it, by default the mean."""
    reduction = getattr(call.layer, "reduction", "mean")
    if reduction not in ("mean", "sum"):
        raise Inapplicable(f"reduction is {reduction!r}")
    return total / count if reduction == "mean" else total


def loss(
    name: str,
    formula: str,
    total: Callable[[Call], Any],
    mistakes: Callable[[Call], Said],
    elements: bool = False,
    equals: Callable[[Call], Iterator[Any]] = nothing,
    settings: tuple[str, ...] = SETTINGS,
) -> Reference:
    """A loss with its `total` over the batch; `mistakes` are totals too. `elements` tells that the
    mean is over all elements and not over the examples alone."""

    def count(call: Call) -> int:
        s = call.inputs[0]
        if s.size == 0 or s.ndim == 0:
            raise Inapplicable("the batch is empty")
        return s.size if elements else len(s)

    def forward(call: Call) -> Any:
        return reduced(call, total(call), count(call))

    def all_mistakes(call: Call) -> Said:
        yield from factors(call, forward(call), count(call))
        n = count(call)
        said = [
            (text, reduced(call, other, n), mark[0] if mark else BUG)
            for text, other, *mark in mistakes(call)
        ]
        yield from said
        for text, other, mark in said:
            yield f"{text}; and it is summed, not averaged", other * n, mark

    return Reference(name, formula, forward, all_mistakes, equals, settings=settings, loss=True)


def factors(call: Call, right: Any, count: int) -> Said:
    """`right`, with a factor that comes from the shapes, or a quotient of two."""
    s = call.inputs[0]
    N, C = len(s), s.size // len(s)
    names: dict[str, float] = {"2": 2, "N": N, "C": C, "N·C": s.size}
    names |= {"log 2 = 0.693 (base 2)": 1 / np.log(2), "log 10 = 2.303 (base 10)": 1 / np.log(10)}
    names = {text: value for text, value in names.items() if value not in (0, 1)}
    for text, value in names.items():
        same = [other for other, v in names.items() if v == value]
        called = text if text == "2" or value % 1 else f"{value:g} = {' or '.join(same)}"
        advice = ": average it" if value == count else ": it is summed too far" if value > 2 else ""
        yield f"the loss is {called} times the reference{advice}", right * value, CONVENTION
        yield f"the loss is the reference divided by {called}", right / value, CONVENTION
    for (text, value), (other, divisor) in permutations(names.items(), 2):
        both = f"the loss is {text} times the reference, divided by {other}"
        yield both, right * value / divisor, CONVENTION


def errors(call: Call) -> np.ndarray:
    y, t = call.pair
    if t.shape != y.shape:
        t = labels(call) if y.ndim == 2 and y.shape[1] > 1 else t
        if t.size != y.size:
            raise Inapplicable(f"outputs {y.shape} and targets {t.shape} do not fit")
    return y - t.reshape(y.shape)


def mse_mistakes(call: Call) -> Said:
    e = errors(call)
    y, t = call.pair
    yield "the errors are not squared: their absolute values are summed", abs(e).sum()
    yield "the root is taken", np.sqrt((e**2).mean()) * e.size
    if t.ndim == 1 and y.shape == (len(t), 1):
        text = "outputs (N, 1) minus targets (N,) broadcast to (N, N): reshape the targets"
        yield text, ((y - t) ** 2).mean() * e.size, "shape"


def per_example(total: Callable[[Call], Any]) -> Callable[[Call], Iterator[Any]]:
    """Also common: the sum over the outputs of an example, the mean over the examples."""

    def equals(call: Call) -> Iterator[Any]:
        yield reduced(call, total(call), len(call.pair[0]))

    return equals


def binary(s: np.ndarray, t: np.ndarray) -> Any:
    """- t log σ(s) - (1 - t) log(1 - σ(s)), summed."""
    return (t * np.logaddexp(0, -s) + (1 - t) * np.logaddexp(0, s)).sum()


def sigmoid_cross_entropy(call: Call) -> Any:
    return binary(call.pair[0], labels(call))


def binary_mistakes(call: Call) -> Said:
    s, t = call.pair[0], labels(call)
    p = sigmoid(s)
    yield "targets 0 and 1 are exchanged, or the scores' sign is flipped", binary(s, 1 - t)
    zeros = "the term of the targets 0, (1 - t) log(1 - p), is missing"
    yield zeros, (t * np.logaddexp(0, -s)).sum()
    yield "the term of the targets 1, t log p, is missing", ((1 - t) * np.logaddexp(0, s)).sum()
    yield from saturating(np.stack([t, 1 - t]), np.stack([p, 1 - p]))
    yield "the sigmoid is applied twice", binary(p, t)


def class_scores(call: Call) -> np.ndarray:
    if call.pair[0].ndim != 2 or call.pair[0].shape[1] < 2:
        raise Inapplicable("scores are not (N, C)")
    return call.pair[0]


def log_likelihood(log_p: np.ndarray, t: np.ndarray) -> Any:
    return -np.where(t == 0, 0.0, t * log_p).sum()


def saturating(t: np.ndarray, p: np.ndarray) -> Said:
    """Logarithms kept finite by a small number, which makes them flat."""
    saturates = "the loss saturates for confident mistakes"
    for eps in FLOORS:
        text = f"a small number, {eps:g}, is added inside the logarithm: {saturates}"
        yield text, log_likelihood(np.log(p + eps), t), "stability"
        text = f"probabilities are cut off at {eps:g}: {saturates}"
        yield text, log_likelihood(np.log(np.maximum(p, eps)), t), "stability"
        yield text, log_likelihood(np.log(p.clip(eps, 1 - eps)), t), "stability"


def entropy_mistakes(t: np.ndarray, p: np.ndarray, log_p: np.ndarray) -> Said:
    """Mistakes with the probabilities p and the targets, a distribution t per row."""
    yield from saturating(t, p)
    yield "the logarithm is missing: the loss is minus the probability", -(t * p).sum()
    for shift, text in {-1: "1 means the first", 1: "0 means the second"}.items():
        text = f"labels are off by one: label {text} column"
        yield text, log_likelihood(log_p, np.roll(t, shift, axis=1))


def probabilities(call: Call) -> np.ndarray:
    p = call.pair[0]
    if p.ndim != 2 or (p < 0).any():
        raise Inapplicable("the input holds no rows of probabilities")
    return p


def cross_entropy(call: Call) -> Any:
    p = np.maximum(probabilities(call), np.finfo(float).tiny)
    return log_likelihood(np.log(p), labels(call))


def cross_entropies(call: Call) -> Iterator[Any]:
    """What others call CrossEntropyLoss takes scores; and many keep p off 0."""
    p, t, n = probabilities(call), labels(call), len(call.pair[0])
    yield reduced(call, log_likelihood(log_softmax(p), t), n)
    for eps in FLOORS[FLOORS < 1e-6]:
        yield reduced(call, log_likelihood(np.log(p + eps), t), n)
        yield reduced(call, log_likelihood(np.log(p.clip(eps, 1 - eps)), t), n)


def cross_entropy_mistakes(call: Call) -> Said:
    return entropy_mistakes(labels(call), p := probabilities(call), np.log(p))


def margins(call: Call, margin: float | None = None) -> np.ndarray:
    """s_j - s_y + margin, and -∞ for the right class y; (N, C)."""
    s, t = class_scores(call), labels(call)
    margin = call.setting(*MARGIN, default=1.0) if margin is None else margin
    return np.where(t == 1, -np.inf, s - (s * t).sum(axis=1, keepdims=True) + margin)


def positive(m: np.ndarray) -> Any:
    return np.maximum(m, 0).sum()


def hinge_mistakes(call: Call) -> Said:
    m, a = margins(call), call.setting(*MARGIN, default=1.0)
    should = f"it should be max(0, s_j - s_y + {a:g})"
    yield f"the margin is subtracted: {should}", positive(margins(call, -a))
    yield f"the margin is missing: {should}", positive(margins(call, 0.0))
    for margin in (0.1, 0.5, 1.0, 2.0, 10.0):
        yield f"the margin is {margin:g}, not {a:g}", positive(margins(call, margin))
    text = f"the right class is counted too, which adds the margin {a:g} for each example"
    yield text, positive(m) + a * len(m)
    text = "the roles are exchanged: it should be s_j - s_y, not s_y - s_j"
    yield text, np.where(np.isinf(m), 0, np.maximum(2 * a - m, 0)).sum()
    yield "the margins are squared", (np.maximum(m, 0) ** 2).sum()
    yield "only the worst wrong class counts, not all", positive(m.max(axis=1))


LOSSES = (
    loss("mse", "Σ (y - t)² / (N·C)", lambda call: (errors(call) ** 2).sum(), mse_mistakes, True),
    loss(
        "sigmoidcrossentropy",
        "-Σ (t log σ(s) + (1 - t) log(1 - σ(s))) / (N·C)",
        sigmoid_cross_entropy,
        binary_mistakes,
        elements=True,
        equals=per_example(sigmoid_cross_entropy),
    ),
    loss(
        "crossentropy",
        "-Σ t log p / N",
        cross_entropy,
        cross_entropy_mistakes,
        equals=cross_entropies,
    ),
    loss(
        "hinge",
        "Σ max(0, s_j - s_y + 1) / N",
        lambda call: positive(margins(call)),
        hinge_mistakes,
    ),
)
