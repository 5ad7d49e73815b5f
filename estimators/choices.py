"""What the words among the parameters stand for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.layers import L1, MSE, Huber, Layer, Loss
from chainrule.solvers import UpdateRule
from chainrule.training.options import ACTIVATIONS, NORMS, RULES, SCHEDULES

UNITS: dict[str, dict[str, Any]] = {
    "identity": {"activation": None},
    "logistic": ACTIVATIONS["sigmoid"],
    **ACTIVATIONS,
}
LOSSES: dict[str, Loss] = {"squared_error": MSE(), "absolute_error": L1(), "huber": Huber()}


def units(activation: str | Layer) -> dict[str, Any]:
    """The arguments of `MLP` for an activation, by its name or as a layer."""
    if not isinstance(activation, str):
        return {"activation": activation}
    found: dict[str, Any] = choice("activation", activation, UNITS)
    return found


def norm(named: str | Callable[..., Layer] | None) -> Callable[..., Layer] | None:
    """The class of a normalisation, by its name or as it is."""
    return choice("norm", named, NORMS) if isinstance(named, str) else named


def rule(solver: str | UpdateRule, lr: float) -> UpdateRule:
    """An update rule of the name, at that learning rate; of a rule itself, a copy."""
    if isinstance(solver, str):
        made: UpdateRule = choice("solver", solver, RULES)(lr=lr)
        return made
    if not isinstance(solver, UpdateRule):
        raise TypeError(f"solver is {solver!r}, expected {words(RULES)}, or an update rule")
    return copy.deepcopy(solver)


def schedule(named: str | Callable[[float], float], epochs: int) -> Callable[[float], float]:
    """The schedule of the name over so many epochs, or the function of the epoch as it is."""
    if isinstance(named, str):
        made: Callable[[float], float] = choice("learning_rate", named, SCHEDULES)(epochs)()
        return made
    if not callable(named):
        raise TypeError(
            f"learning_rate is {named!r}, expected {words(SCHEDULES)}, or a function of the epoch; "
            f"the rate itself is learning_rate_init"
        )
    return named


def loss(named: str | Loss) -> Loss:
    """The loss of the name, or the loss layer as it is."""
    found: Loss = choice("loss", named, LOSSES) if isinstance(named, str) else named
    return found


def choice(parameter: str, word: str, known: Mapping[str, Any]) -> Any:
    """What `word` stands for. Raises ValueError, which names the parameter, for one unknown."""
    if word not in known:
        raise ValueError(f"{parameter} is {word!r}, expected {words(known)}")
    return known[word]


def words(known: Mapping[str, Any]) -> str:
    """The words that are known, as a message lists them."""
    *most, last = map(repr, known)
    return f"{', '.join(most)} or {last}"
