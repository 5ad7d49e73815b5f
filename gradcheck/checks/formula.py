"""Forward against what it should compute: a formula known by name, or a correct layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck import formulas
from chainrule.gradcheck.checks.arrays import close
from chainrule.gradcheck.checks.causes import cause
from chainrule.gradcheck.checks.outcome import BadRequest, Difference, Outcome, Passes, wrong
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.subject import Subject, twin_of
from chainrule.gradcheck.subject.trees import Arrays, state_of

WAY_OUT = "If it means something else, pass reference=False."


def compare_with_formula(subject: Subject, passes: Passes, is_right: bool) -> Outcome:
    """Compare forward with what it should compute, where that is known.

    A difference from a formula that the user named is wrong. One from a formula that was guessed
    from a name is a remark, unless gradients are wrong, too, and are those of the formula.
    """
    given = passes.request.reference
    if given is not None and not isinstance(given, str):
        return compare_with_object(subject, passes, given)
    reference = formulas.find(given if given is not None else subject.profile.formula)
    if reference is None and given is not None:
        raise BadRequest(f"check: there is no reference called {given!r}")
    if reference is None:
        return Outcome(why="no formula is known for this name")
    named = given is not None
    meant = not is_right and has_slopes_of(subject, passes, reference, "analytic")
    causes, notes = compare(subject, passes, reference, named or meant)
    if not causes:
        # That a formula does not apply is of interest to who asked for it.
        told = [note for note in notes if named or not note.startswith(formulas.INAPPLICABLE)]
        return Outcome(notes=told, why=notes[0] if notes else "")
    if not named and is_right and causes[0].values.get("convention"):
        said = subject.profile.vocabulary.finding(causes[0]).message
        return Outcome(notes=[*notes, f"consistent, but {said}"])
    if not named:
        level = "wrong" if meant else "remark"
        causes = [replace(one, hint=f"{one.hint} {WAY_OUT}".strip(), level=level) for one in causes]
    forward = causes[0].tensors[0] in ("out", "loss")
    own = named and not has_slopes_of(subject, passes, reference, "numeric")
    odd = forward and (meant or own)
    return Outcome(causes, notes=notes, replaces=odd)


def compare(
    subject: Subject, passes: Passes, reference: formulas.Reference, strict: bool
) -> tuple[list[Cause], list[str]]:
    """The differences from a formula, in the first mode that has one, and notes."""
    causes: list[Cause] = []
    notes: list[str] = []
    for mode in passes.request.modes:
        train = mode == "train"
        subject.origin.restore()
        before = {k: np.array(v) for k, v in state_of(subject.layer).items()}
        outs, _ = subject.forward(train)
        after = {k: np.array(v) for k, v in state_of(subject.layer).items()}
        subject.origin.restore()
        comparison = formulas.compare(
            subject.layer, tuple(subject.inputs), train=train,
            out=outs[0] if subject.single else tuple(outs),
            state_before=before, state_after=after, reference=reference, strict=strict,
            names=subject.names,
        )  # fmt: skip
        subject.origin.restore()
        causes += comparison.causes
        notes += [note for note in comparison.notes if note not in notes]
        if causes:
            break
    return causes, notes


def has_slopes_of(
    subject: Subject, passes: Passes, reference: formulas.Reference, gradient: str
) -> bool:
    """Whether a gradient that is wrong has the slopes of the formula: the "numeric" one, of
    forward, so that backward is to blame; or the "analytic" one, of backward, so that forward is.
    """
    wrong_ones = [name for name, t in passes.tensors.items() if not t.ok and name in subject.floats]
    if not wrong_ones:
        return False
    array, tensor = subject.floats[wrong_ones[0]], passes.tensors[wrong_ones[0]]
    slopes = getattr(tensor, gradient)
    if slopes.shape != array.shape or not np.isfinite(slopes).all():
        return False
    done = passes.train
    shapes = [out.shape for out in done.outs]
    v, kept, values = passes.rng.standard_normal(array.shape), array.copy(), []
    for h in (1e-5, -1e-5):
        array[...] = kept + h * v
        call = formulas.Call(subject.layer, tuple(subject.inputs), True, {}, subject.names, shapes)
        try:
            values.append(formulas.evaluated(reference, call))
        except formulas.Inapplicable:
            return False
        finally:
            array[...] = kept
    flows = [(a, b, d) for a, b, d in zip(*values, done.douts, strict=False) if d is not None]
    if any(a.shape != d.shape for a, _, d in flows):
        return False
    slope = sum(float(((a - b) * d).sum()) for a, b, d in flows) / 2e-5
    want = float((slopes * v).sum())
    return abs(slope - want) <= 1e-5 * (abs(want) + np.sqrt(np.square(slopes * v).sum()))


def compare_with_object(subject: Subject, passes: Passes, reference: Any) -> Outcome:
    """Compare output and state with those of a correct layer that is given the same parameters."""

    def right(other: Subject) -> Arrays:
        """What the reference gives with the inputs and parameters of a subject."""
        return twin_of(other, reference).forward(train)[0]

    for mode in passes.request.modes:
        train = mode == "train"
        mine, _ = subject.forward(train)
        state = {k: v.copy() for k, v in state_of(subject.layer).items()}
        twin = twin_of(subject, reference)
        wanted, _ = twin.forward(train)
        if len(mine) != len(wanted):
            raise BadRequest(
                f"check: forward gives {len(mine)} outputs and the reference {len(wanted)}; "
                "expected it to return what forward does: outputs and a cache, which may be None"
            )
        for a, b in zip(mine, wanted, strict=True):
            if close(a, b):
                continue
            tensor, word = ("loss", "the loss") if a.ndim == 0 else ("out", "out")
            c, shapes = 0.0, a.shape == b.shape
            if shapes:
                c = float(np.nansum(a * b) / max(np.nansum(b * b), 1e-300))
            scaled = shapes and close(a, c * b)
            what = f"is {c:.4g} times what the reference gives" if scaled else (
                "differs from what the reference gives" if shapes else
                f"has shape {a.shape}, the reference gives {b.shape}")  # fmt: skip
            found = cause("reference", tensor, word=word, what=what)
            example = f"{word} = {np.ravel(a)[0]:.4g}, should be {np.ravel(b)[0]:.4g}"
            kind = "forward-bug" if train else "mode"
            found = replace(found, kind=kind, example=example)
            return Outcome([found], difference=Difference(subject, train, right), replaces=True)
        for name, array in state.items():
            other = state_of(twin.layer).get(name)
            if other is not None and not close(array, other):
                return wrong(name, "reference-state")
        subject.origin.restore()
    return Outcome()
