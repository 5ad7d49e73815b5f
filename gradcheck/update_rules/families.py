"""Which formula a rule stands for, by the name of its class and its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.update_rules.formula import Formula

FAMILIES = {
    "sgd": "sgd",
    "gradientdescent": "sgd",
    "vanillasgd": "sgd",
    "momentum": "momentum",
    "sgdmomentum": "momentum",
    "heavyball": "momentum",
    "nesterov": "nesterov",
    "nesterovmomentum": "nesterov",
    "sgdnesterov": "nesterov",
    "nag": "nesterov",
    "adagrad": "adagrad",
    "rmsprop": "rmsprop",
    "adam": "adam",
    "adamw": "adamw",
}
LR = ("lr", "learning_rate", "rate", "step_size", "eta")
MOMENTUM = ("momentum", "mu", "beta", "rho")
DECAY = ("decay", "decay_rate", "rho", "beta", "alpha")
BETA1, BETA2 = ("beta1", "beta_1", "b1"), ("beta2", "beta_2", "b2")
EPS = ("eps", "epsilon")
WEIGHT_DECAY = ("weight_decay", "l2", "wd", "reg")


class Unknown(Exception):
    """A rule does not tell a setting that its formula needs, or has one that the formula lacks."""


class Settings:
    """The numbers that a rule keeps as attributes; remembers which were asked for."""

    def __init__(self, rule: object) -> None:
        self.rule = rule
        self.asked: set[str] = set()

    def number(self, *names: str, default: float | None = None) -> float:
        """The first of these attributes that is a number."""
        self.asked |= set(names)
        for name in names:
            value = getattr(self.rule, name, None)
            if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
                return float(value)
        if default is None:
            raise Unknown(f"the rule keeps no {names[0]} as an attribute")
        return default

    def all_asked(self) -> None:
        """Raises Unknown where the rule has a number that nobody asked for."""
        for name, value in vars(self.rule).items():
            if isinstance(value, float) and value and name.strip("_") not in self.asked:
                raise Unknown(f"what {name} does in the rule is not known")


def family_of(rule: object, name: str | None) -> str | None:
    """The family of update rules called `name`, or that of the rule by its class and settings."""
    known = re.sub(r"[^a-z]", "", (name or type(rule).__name__).lower())
    for suffix in ("", "optimizer", "optimiser", "rule", "update", "solver"):
        family = FAMILIES.get(known.removesuffix(suffix))
        if family in ("sgd", "momentum") and name is None:
            moves = Settings(rule).number("momentum", "mu", default=0.0) > 0
            family = "momentum" if moves or family == "momentum" else "sgd"
            if family == "momentum" and getattr(rule, "nesterov", False):
                family = "nesterov"
        if family:
            return family
    return None


def formulas_of(rule: object, family: str) -> Iterator[tuple[Formula, str]]:
    """The textbook's formula of a family, with the settings of the rule; then other formulas that
    are right, each with a note where it is not the textbook's. Raises Unknown."""
    settings = Settings(rule)
    f = textbook(settings, family)
    decay = 0.0
    if family in ("sgd", "momentum", "nesterov") and not f.weight_decay:
        decay = settings.number("decay", default=0.0)
        f = replace(f, weight_decay=decay)
    settings.all_asked()
    yield f, ""
    if f.weight_decay and f.decay_by == "gradient":
        yield replace(f, decays="weights"), ""
    if decay:
        note = "decay is that of the learning rate, lr / (1 + decay t), as in Keras"
        yield replace(f, weight_decay=0.0, lr_decay=decay), note
    if f.beta2 is not None:
        note = "eps is added to √v before the bias correction, as in section 2 of Adam's paper"
        yield replace(f, root="√v + eps, then corrected"), note


def textbook(settings: Settings, family: str) -> Formula:
    get = settings.number
    default = 1e-2 if family == "adamw" else 0.0
    f = Formula(get(*LR), weight_decay=get(*WEIGHT_DECAY, default=default))
    if family in ("momentum", "nesterov"):
        return replace(f, keep1=get(*MOMENTUM), nesterov=family == "nesterov")
    if family == "adagrad":
        return replace(f, keep2=1.0, eps=get(*EPS, default=1e-8))
    if family == "rmsprop":
        decay = get(*DECAY)
        return replace(f, keep2=decay, add2=1 - decay, eps=get(*EPS, default=1e-8))
    if family in ("adam", "adamw"):
        a, b = getattr(settings.rule, "betas", (0.9, 0.999))
        a, b = get(*BETA1, default=a), get(*BETA2, default=b)
        f = replace(f, keep1=a, add1=1 - a, beta1=a, keep2=b, add2=1 - b, beta2=b)
        f = replace(f, eps=get(*EPS, default=1e-8))
        if family == "adamw":
            return replace(f, decay_by="weights", decays="weights")
    return f
