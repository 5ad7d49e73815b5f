"""The mistakes that, put into a formula, give at every step what a rule did."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from itertools import combinations

import numpy as np

from chainrule.gradcheck.update_rules.formula import Formula
from chainrule.gradcheck.update_rules.mistakes import Mistake, mistakes
from chainrule.gradcheck.update_rules.trial import Path, Trial, apart


def explain(rule: object, f: Formula, path: Path, trial: Trial) -> list[Mistake]:
    """The mistakes, one or two, that together give exactly what `rule` did; none where nothing
    that is known does. Where other single mistakes give the same, the hint tells one of them."""

    def fits(*some: Mistake) -> bool:
        changes = {key: value for one in some for key, value in one.changes.items()}
        wrong = replace(f, **changes).run(trial.start, trial.gradients)
        return apart(path, wrong, trial.start) is None

    single = list(mistakes(f))
    if found := [one for one in single if fits(one)]:
        others = [one.message for one in found if one.message != found[0].message]
        same = f" The same numbers come where {others[0]}." if others else ""
        return [in_its_words(rule, replace(found[0], hint=found[0].hint + same))]
    if (one := off_by(f, path, trial)) and fits(one):
        return [one]
    for pair in combinations(single, 2):
        if not pair[0].changes.keys() & pair[1].changes and fits(*pair):
            return [in_its_words(rule, one) for one in pair]
    return []


def off_by(f: Formula, path: Path, trial: Trial) -> Mistake | None:
    """The learning rate that gives the rule's first step, as a mistake."""
    if path[0]["W"].shape != trial.start["W"].shape:
        return None
    moved = path[0]["W"] - trial.start["W"]
    wanted = f.run(trial.start, trial.gradients[:1])[0]["W"] - trial.start["W"]
    size = float((wanted * wanted).sum())
    factor = float((moved * wanted).sum()) / size if size else 1.0
    if not np.isfinite(factor) or abs(factor) < 1e-12:
        return None
    message = f"the learning rate is off by a factor {factor:.6g}"
    return Mistake("scale", message, f"lr is {f.lr:g}.", {"lr": f.lr * factor})


def in_its_words(rule: object, mistake: Mistake) -> Mistake:
    """A Nesterov step without a look-ahead has none, or one that cancels: values cannot tell the
    two apart, but a factor (1 + momentum) in the source can."""
    if "this is plain momentum" not in mistake.message:
        return mistake
    try:
        source = inspect.getsource(type(rule))
    except (OSError, TypeError):
        return mistake
    if not re.search(r"\(1(\.0?)?\s*\+\s*(self\.)?(momentum|mu)\b", source):
        return mistake
    message = "the look-ahead cancels: the new velocity stands where the old one belongs"
    return replace(mistake, kind="swapped", message=message)
