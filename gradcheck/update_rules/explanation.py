"""The mistakes that, put into a formula, give at every step what a rule did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import combinations

import numpy as np

from chainrule.gradcheck.report import Cause
from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.update_rules.formula import Formula
from chainrule.gradcheck.update_rules.mistakes import Mistake, mistakes
from chainrule.gradcheck.update_rules.trial import Path, Trial, apart, left_over

# What a mistake changes in a formula that has to do with a setting.
ABOUT = {
    "eps": {"eps", "root"},
    "beta1": {"keep1", "add1", "beta1"},
    "beta2": {"keep2", "add2", "beta2"},
    "weight_decay": {"weight_decay"},
}


def explain(f: Formula, path: Path, trial: Trial, unknown: Collection[str] = ()) -> list[Cause]:
    """The mistakes, one or two, that together give exactly what a rule did; none where nothing
    that is known does. Where other single mistakes give the same, the hint tells one of them.
    Where settings of the rule are `unknown`, single mistakes alone that are not about these."""

    def cause(*some: Mistake, of: Mistake | None = None) -> Cause | None:
        changes = {key: value for one in some for key, value in one.changes.items()}
        wrong = replace(f, **changes).run(trial.start, trial.gradients)
        if apart(path, wrong, trial.start) is not None:
            return None
        left = left_over(path, wrong, trial.start)
        one = of or some[0]
        return because(one.key, one.kind, "{mistake}", one.hint, left, mistake=one.message)

    about = {key for name in unknown for key in ABOUT[name]}
    single = [one for one in mistakes(f) if not about & one.changes.keys()]
    found = [(one, told) for one in single if (told := cause(one))]
    if found:
        first, told = found[0]
        others = [one.message for one, _ in found if one.message != first.message]
        same = f" The same numbers come where {others[0]}." if others else ""
        return [replace(told, hint=first.hint + same)]
    if (one := off_by(f, path, trial)) and (told := cause(one)):
        return [told]
    for pair in () if unknown else combinations(single, 2):
        if not pair[0].changes.keys() & pair[1].changes and cause(*pair):
            return [told for one in pair if (told := cause(*pair, of=one))]
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
    return Mistake("scale", message, f"lr is {f.lr:g}.", {"lr": f.lr * factor}, "update-rate")
