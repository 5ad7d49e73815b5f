"""Which formula a rule stands for, by the name of its class and its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from chainrule.gradcheck.update_rules.formula import Formula

FAMILIES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
ALIASES = {
    "nag": "nesterov",
    "nesterovmomentum": "nesterov",
    "gradientdescent": "sgd",
    "stochasticgradientdescent": "sgd",
}
LR = ("lr", "learning_rate", "rate", "step_size", "eta")
MOMENTUM = ("momentum", "mu", "beta", "rho")
DECAY = ("decay", "decay_rate", "rho", "beta", "alpha")
BETA1, BETA2 = ("beta1", "beta_1", "b1"), ("beta2", "beta_2", "b2")
EPS = ("eps", "epsilon")
WEIGHT_DECAY = ("weight_decay", "l2", "wd", "reg")
# What a setting may be where the rule keeps no such attribute, the usual value first.
USUAL = {
    "beta1": (0.9, 0.5),
    "beta2": (0.999, 0.99, 0.95),
    "weight_decay": (1e-2, 0.0, 1e-4, 5e-4, 1e-3, 0.1),
    "eps": (1e-8, 1e-7, 1e-6, 1e-10, 1e-16, 0.0),
}


class Unknown(Exception):
    """A rule does not tell a setting that its formula needs, or has one that the formula lacks."""


@dataclass(frozen=True)
class Way:
    """One right formula: the textbook's, or another, of which a note tells. `assumed` are the
    settings that the rule does not keep, with the values that this formula has for them."""

    formula: Formula
    assumed: dict[str, float]
    note: str = ""

    def notes(self) -> list[str]:
        """What is to be said where the rule goes this way."""
        values = ", ".join(f"{name} = {value:g}" for name, value in self.assumed.items())
        guessed = f"the rule keeps no {' and no '.join(self.assumed)}, and fits with {values}"
        return [text for text in (self.note, guessed if self.assumed else "") if text]


class Settings:
    """The numbers that a rule keeps as attributes; remembers which were asked for, and which of
    them the rule does not keep, so that they are `assumed`."""

    def __init__(self, rule: object, assumed: dict[str, float]) -> None:
        self.rule, self.assumed = rule, assumed
        self.asked: set[str] = set()

    def number(self, *names: str, default: float | None = None) -> float:
        """The first of these attributes that is a number; of those in USUAL, otherwise, what is
        assumed."""
        self.asked |= set(names)
        for name in names:
            value = getattr(self.rule, name, None)
            if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
                return float(value)
        if default is not None:
            return default
        if names[0] not in USUAL:
            raise Unknown(f"the rule keeps no {names[0]} as an attribute")
        return self.assumed.setdefault(names[0], USUAL[names[0]][0])

    def all_asked(self) -> None:
        """Raises Unknown where the rule has a number that nobody asked for."""
        for name, value in vars(self.rule).items():
            if isinstance(value, float) and value and name.strip("_") not in self.asked:
                raise Unknown(f"what {name} does in the rule is not known")


def family_of(rule: object, name: str | None) -> str | None:
    """The family of update rules called `name`, or that of the rule by its class and settings."""
    known = re.sub(r"[^a-z]", "", (name or type(rule).__name__).lower())
    suffixes = ("", "optimizer", "optimiser", "rule", "update", "solver")
    for prefix, suffix in product(("", "sgd", "vanilla"), suffixes):
        word = known.removeprefix(prefix).removesuffix(suffix)
        family = ALIASES.get(word, word)
        if family in ("sgd", "momentum") and name is None:
            moves = Settings(rule, {}).number("momentum", "mu", default=0.0) > 0
            family = "momentum" if moves or family == "momentum" else "sgd"
            if family == "momentum" and getattr(rule, "nesterov", False):
                family = "nesterov"
        if family in FAMILIES:
            return family
    return None


def ways_of(rule: object, family: str) -> Iterator[Way]:
    """The textbook's formula of a family, with the settings of the rule; then other formulas that
    are right. Where the rule does not keep a setting, all of them with every usual value of it.
    Raises Unknown."""
    missing: dict[str, float] = {}
    textbook(Settings(rule, missing), family)
    for values in product(*(USUAL[name] for name in missing)):
        settings = Settings(rule, dict(zip(missing, values, strict=True)))
        f, assumed, decay = textbook(settings, family), settings.assumed, 0.0
        if family in ("sgd", "momentum", "nesterov") and not f.weight_decay:
            decay = settings.number("decay", default=0.0)
            f = replace(f, weight_decay=decay)
        settings.all_asked()
        yield Way(f, assumed)
        if f.weight_decay and f.decay_by == "gradient":
            yield Way(replace(f, decays="weights"), assumed)
        if family == "adamw":
            note = "biases decay too, as in PyTorch; ours decays weights alone"
            yield Way(replace(f, decays="all"), assumed, note)
        if decay:
            note = "decay is that of the learning rate, lr / (1 + decay t), as in Keras"
            yield Way(replace(f, weight_decay=0.0, lr_decay=decay), assumed, note)
        if f.beta2 is not None:
            note = "eps is added to √v before the bias correction, as in section 2 of Adam's paper"
            yield Way(replace(f, root="√v + eps, then corrected"), assumed, note)


def textbook(settings: Settings, family: str) -> Formula:
    get = settings.number
    default = None if family == "adamw" else 0.0  # other rules that keep none have none
    f = Formula(get(*LR), weight_decay=get(*WEIGHT_DECAY, default=default))
    if family in ("momentum", "nesterov"):
        return replace(f, keep1=get(*MOMENTUM), nesterov=family == "nesterov")
    if family == "adagrad":
        return replace(f, keep2=1.0, eps=get(*EPS))
    if family == "rmsprop":
        decay = get(*DECAY)
        return replace(f, keep2=decay, add2=1 - decay, eps=get(*EPS))
    if family in ("adam", "adamw"):
        a, b = getattr(settings.rule, "betas", (None, None))
        a, b = get(*BETA1, default=a), get(*BETA2, default=b)
        f = replace(f, keep1=a, add1=1 - a, beta1=a, keep2=b, add2=1 - b, beta2=b, eps=get(*EPS))
        if family == "adamw":
            return replace(f, decay_by="weights", decays="weights")
    return f
