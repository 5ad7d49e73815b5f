"""Update rules as others write them, with `update(params, grads)` on dicts of arrays.

w, config = sgd(w, dw, config)      a function, whose config holds settings and moments
rule.update(params, grads)          an object, with dicts or with lists
w = rule.update(w, grad)            an object for each parameter
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np

from chainrule.gradcheck.report import Report
from chainrule.gradcheck.update_rules import check_update
from chainrule.gradcheck.update_rules.formula import Arrays


def check_rule(rule: Any, seed: int = 0, **_: Any) -> Report:
    """Check an update rule that is adapted; the other options of `check` do not concern it."""
    return check_update(rule, seed=seed)


def adapted(rule: Any) -> Any:
    """A rule of any of these forms, a function or a class, as an object that takes dicts."""
    make = Function if inspect.isfunction(rule) else form_of(rule)
    return type(rule.__name__, (make,), {})(rule)


class Rule:
    """A rule with the settings of another as its attributes; `rule` makes one."""

    def __init__(self, rule: Any) -> None:
        self._rule = rule()
        vars(self).update(vars(self._rule))


class Dicts(Rule):
    """An object that takes dicts of arrays."""

    def update(self, params: Arrays, grads: Arrays) -> None:
        self._rule.update(params, grads)


class Lists(Rule):
    """An object that takes lists of arrays."""

    def update(self, params: Arrays, grads: Arrays) -> None:
        names = list(params)
        self._rule.update([params[name] for name in names], [grads[name] for name in names])


class Each(Rule):
    """An object that takes one array and its gradient, and returns the new array."""

    def __init__(self, rule: Any) -> None:
        super().__init__(rule)
        self._rules: dict[str, Any] = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        for name, w in params.items():
            rule = self._rules.setdefault(name, copy.deepcopy(self._rule))
            w[...] = rule.update(w, grads[name])


class Function:
    """A function with a config for each parameter; its settings are those that a first call leaves
    in the config."""

    def __init__(self, rule: Any) -> None:
        self._rule = rule
        self._configs: dict[str, Any] = {}
        _, config = rule(np.ones(2), np.ones(2), None)
        numbers = {k: v for k, v in config.items() if isinstance(v, (float, np.floating))}
        vars(self).update({key: float(number) for key, number in numbers.items()})

    def update(self, params: Arrays, grads: Arrays) -> None:
        for name, w in params.items():
            w[...], self._configs[name] = self._rule(w, grads[name], self._configs.get(name))


def form_of(rule: Any) -> type:
    """The form that an object's update takes, by trying; dicts where none works."""
    for form in (Dicts, Lists, Each):
        params = {"W": np.ones((2, 2)), "b": np.ones(2)}
        try:
            form(rule).update(params, {name: np.ones_like(w) for name, w in params.items()})
        except Exception:
            continue
        if all(np.shape(w) == np.shape(params[name]) for name, w in params.items()):
            return form
    return Dicts
