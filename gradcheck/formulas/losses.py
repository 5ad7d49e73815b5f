"""Formulas of losses, and those of regression and of yes/no answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Reference, Said, nothing
from chainrule.gradcheck.formulas.units import sigmoid

# What people add to a probability, or cut it off at, to keep it away from 0.
FLOORS = 10.0 ** np.arange(-15, -2)


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
    *,
    elements: bool = False,
    equals: Callable[[Call], Iterator[Any]] = nothing,
    settings: tuple[str, ...] = (),
) -> Reference:
    """A loss with its `total` over the batch; `mistakes` are totals too. `elements` tells that the
    mean is over all elements and not over the examples alone."""

    def count(call: Call) -> int:
        s = call.pair[0]
        if s.size == 0:
            raise Inapplicable("the batch is empty")
        return s.size if elements else len(s)

    def forward(call: Call) -> Any:
        return reduced(call, total(call), count(call))

    def all_mistakes(call: Call) -> Said:
        yield from factors(call, forward(call), count(call))
        for text, other in mistakes(call):
            yield text, reduced(call, other, count(call))
        words = {"summed, not averaged": count(call), "halved": 0.5}
        words["divided by N twice"] = 1 / len(call.pair[0])
        for text, other in mistakes(call):
            for word, k in words.items():
                yield f"{text}; and it is {word}", reduced(call, other, count(call)) * k

    return Reference(name, formula, forward, all_mistakes, equals, settings=settings, loss=True)


def factors(call: Call, right: Any, count: int) -> Said:
    """`right`, with a factor that comes from the shapes, or a quotient of two."""
    s = call.pair[0]
    N, C = len(s), s.size // len(s)
    names: dict[str, float] = {"2": 2, "N": N, "C": C, "N·C": s.size, "N²": N * N}
    names |= {"N - 1": N - 1, "C - 1": C - 1}
    names |= {"log 2 = 0.693 (base 2)": 1 / np.log(2), "log 10 = 2.303 (base 10)": 1 / np.log(10)}
    names = {text: value for text, value in names.items() if value not in (0, 1)}
    for text, value in names.items():
        same = [other for other, v in names.items() if v == value]
        called = text if text == "2" or value % 1 else f"{value:g} = {' or '.join(same)}"
        advice = ": average it" if value == count else ": it is summed too far" if value > 2 else ""
        yield f"the loss is {called} times the reference{advice}", right * value
        yield f"the loss is the reference divided by {called}", right / value
    for (text, value), (other, divisor) in permutations(names.items(), 2):
        yield (
            f"the loss is {text} times the reference, divided by {other}",
            right * value / divisor,
        )


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
    yield "the errors are not squared", e.sum()
    yield "the root is taken", np.sqrt((e**2).mean()) * e.size
    yield "the root of the sum is taken", np.sqrt((e**2).sum())
    yield "targets are added, not subtracted", ((2 * y - e) ** 2).sum()
    if t.ndim == 1 and y.shape == (len(t), 1):
        text = "outputs (N, 1) minus targets (N,) broadcast to (N, N): reshape the targets"
        yield text, ((y - t) ** 2).mean() * e.size
    yield "the mean error is squared, not the errors averaged", e.mean() ** 2 * e.size


def binary(s: np.ndarray, t: np.ndarray) -> Any:
    """- t log σ(s) - (1 - t) log(1 - σ(s)), summed."""
    return (t * np.logaddexp(0, -s) + (1 - t) * np.logaddexp(0, s)).sum()


def summed_over_outputs(call: Call) -> Iterator[Any]:
    """Also common: the sum over the outputs of an example, the mean over the examples."""
    s = call.pair[0]
    yield reduced(call, binary(s, labels(call)), len(s))


def binary_mistakes(call: Call) -> Said:
    s, t = call.pair[0], labels(call)
    p = sigmoid(s)
    ones, zeros = t * np.logaddexp(0, -s), (1 - t) * np.logaddexp(0, s)
    yield "targets 0 and 1 are exchanged, or the scores' sign is flipped", binary(s, 1 - t)
    yield "the term of the targets 0, (1 - t) log(1 - p), is missing", ones.sum()
    yield "the term of the targets 1, t log p, is missing", zeros.sum()
    yield "the sign of the term of the targets 0 is flipped", (ones - zeros).sum()
    yield "s t is not subtracted: log(1 + exp(s)) alone", np.logaddexp(0, s).sum()
    yield "s t is added, not subtracted", (np.logaddexp(0, s) + s * t).sum()
    yield "the softplus lacks its part log(1 + exp(-|s|))", (np.maximum(s, 0) - s * t).sum()
    yield "the softplus lacks its part max(s, 0)", (np.log1p(np.exp(-abs(s))) - s * t).sum()
    for eps in FLOORS:
        text = f"a small number, {eps:g}, is added inside the logarithms: the loss saturates"
        yield text, -(t * np.log(p + eps) + (1 - t) * np.log(1 - p + eps)).sum()
        text = f"probabilities are cut off at {eps:g}: the loss saturates"
        q = p.clip(eps, 1 - eps)
        yield text, -(t * np.log(q) + (1 - t) * np.log(1 - q)).sum()
    yield "the sigmoid is applied twice", binary(p, t)
    yield "the loss is the squared error of the probabilities", ((p - t) ** 2).sum()


LOSSES = (
    loss(
        "mse",
        "Σ (y - t)² / (N·C)",
        lambda call: (errors(call) ** 2).sum(),
        mse_mistakes,
        elements=True,
    ),
    loss(
        "sigmoidcrossentropy",
        "-Σ (t log σ(s) + (1 - t) log(1 - σ(s))) / (N·C)",
        lambda call: binary(call.pair[0], labels(call)),
        binary_mistakes,
        elements=True,
        equals=summed_over_outputs,
        settings=("eps", "epsilon"),
    ),
)
