"""Dropout against its definition.

It is random, so it is known by its habits: what is kept is x / keep, entry by entry, with
probability keep. A copy of the layer draws one mask over some 30,000 entries.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.formulas.reference import (
    BUG,
    EXACT,
    Call,
    Comparison,
    Inapplicable,
    Reference,
    agree,
)
from chainrule.gradcheck.report import Cause
from chainrule.gradcheck.report.findings import because, entry
from chainrule.gradcheck.subject.layer import takes_train

KEEP = ("keep", "keep_prob", "keep_probability", "p_keep")
DROP = ("drop", "rate", "drop_prob", "dropout", "p_drop", "drop_rate", "dropout_ratio")
EITHER = ("p", "prob")
VANILLA = "dropout scales by keep in inference, not by 1 / keep in training"


def no_formula(_: Call) -> np.ndarray:
    raise Inapplicable("dropout is random, so no call has one right output")


DROPOUTS = (
    Reference("dropout", "x mask / keep", no_formula, settings=(*KEEP, *DROP, *EITHER)),
    Reference("channeldropout", "x mask / keep", no_formula, settings=(*KEEP, *DROP, *EITHER)),
)


def keeps(call: Call) -> list[float]:
    """The probability of keeping an entry; two where a setting `p` leaves open what it means."""
    keep, drop, p = (call.setting(*names, default=-1.0) for names in (KEEP, DROP, EITHER))
    for ways in ([keep], [1 - drop], [p, 1 - p]):
        if all(0 <= q <= 1 for q in ways):
            return [q for q in ways if q > 0]
    raise Inapplicable("the layer has no setting keep, nor any like it")


def draw(call: Call, x: np.ndarray, *, train: bool) -> np.ndarray:
    """The output of a copy of the layer, whose own generator thus stays where it is."""
    mode = {"train": train} if takes_train(call.layer) else {}
    try:
        out = copy.deepcopy(call.layer).forward(x.copy(), **mode)[0]
    except Exception as error:
        raise Inapplicable(f"forward raises {type(error).__name__} for x {x.shape}") from error
    if np.shape(out) != x.shape:
        raise Inapplicable(f"out has shape {np.shape(out)}, x has {x.shape}")
    return np.asarray(out, np.float64)


def compare_masks(found: Comparison, call: Call, whole: bool) -> None:
    """Training: whether each entry is kept on its own, with the right probability and factor; or
    each channel as a `whole`."""
    ways = keeps(call)
    x = call.raw[0] if call.raw[0].dtype.kind == "f" else call.x
    several = x.shape[1:2] if whole else x.shape[1:]
    most = 3_000_000 // max(math.prod(x.shape[1:]), 1)
    tall = max(min(30_000 // max(math.prod(several), 1), most), 2)
    probe = np.random.default_rng(0).uniform(0.5, 2, (tall, *x.shape[1:])).astype(x.dtype)
    factors = draw(call, probe, train=True) / probe
    kept = factors != 0
    if whole and x.ndim > 2:
        first = kept.reshape(*kept.shape[:2], -1)[..., :1]
        if not (kept.reshape(*kept.shape[:2], -1) == first).all():
            text = "single entries are dropped: whole channels should be, each with all its pixels"
            cause = because("dropout-mask", BUG, text, "Draw the mask with shape (N, C, 1, 1).")
            found.add(replace(cause, tensors=("out",)))
            return
        kept, factors = first, factors.reshape(first.shape[0], first.shape[1], -1)[..., :1]
    share, factor = float(kept.mean()), float(np.median(factors[kept])) if kept.any() else 0.0
    digits = 1e-5 if x.dtype == np.float32 else 1e-9
    example = f"of {kept.size} entries {share:.1%} were kept, times {factor:.4g}"

    def keep(q: float) -> bool:  # up to six standard deviations
        return abs(share - q) <= 6 * math.sqrt(max(q * (1 - q), 1e-12) / kept.size)

    def scale(number: float) -> bool:
        return abs(factor - number) <= digits * abs(number)

    def add(cause: Cause, *, known: bool = True) -> None:
        found.add(replace(cause, tensors=("out",), example=example), explained=known)

    if kept.any() and np.abs(factors[kept] - factor).max() > digits * abs(factor):
        text = "kept entries are not all multiplied by one number"
        add(because("dropout-factors", BUG, text, "Each is 0 or x / keep."), known=False)
    elif text := shared(kept):
        text = f"one mask for all: {text}"
        size = "(N, C, 1, 1)" if whole else "x.shape"
        add(because("dropout-mask", BUG, text, f"Draw the mask with shape {size}."))
    elif not any(keep(q) and scale(1 / q) for q in ways):
        q = next(filter(keep, ways), ways[0])
        if keep(q) and scale(1) and np.allclose(draw(call, probe, train=False), q * probe):
            found.notes.append(VANILLA)
            return
        if not keep(q):
            why = next((f": {text}" for text, p in shares(q).items() if keep(p)), "")
            text = f"{share:.0%} of the entries survive instead of {q:.0%}{why}"
            hint = f"mask = rng.random(x.shape) < {q:g}"
            add(because("dropout-share", BUG, text, hint, keep=q), known=bool(why))
            if keep(1 - q) and scale(1 / (1 - q)):
                return
        if not scale(1 / q):
            did, number = next((one for one in scales(q).items() if scale(one[1])), ("", 0.0))
            how = did or f"multiplied by {factor:.4g}"
            text = f"kept entries should be divided by keep = {q:g}: {how}, "
            text += f"and out averages {share * factor:.3g} x"
            left = abs(factor - number) / number if did else None
            values = {"factor": factor, "convention": scale(1)}  # it may be scaled elsewhere
            hint = f"out = x * mask / {q:g}"
            add(because("dropout-factor", BUG, text, hint, left, **values), known=bool(did))


def shares(q: float) -> dict[str, float]:
    """What of the entries is kept where it should be q, and why."""
    normal = 0.5 * (1 + math.erf(q / math.sqrt(2)))
    return {
        "the probabilities of keeping and of dropping are exchanged": 1 - q,
        "the mask is drawn from normal, not uniform random numbers": normal,
        "nothing is dropped in training": 1.0,
    }


def scales(q: float) -> dict[str, float]:
    """What the kept entries are multiplied by where it should be 1 / q."""
    return {
        "they are not scaled": 1.0,
        "multiplied by keep, not divided": q,
        "divided by the probability of dropping, 1 - keep": 1 / (1 - q) if q < 1 else math.inf,
    }


def shared(kept: np.ndarray) -> str:
    """In words the axis along which all entries are kept and dropped together, or ""."""
    for axis in range(kept.ndim) if kept.any() and not kept.all() else ():
        if kept.shape[axis] > 1 and (kept == kept.take([0], axis=axis)).all():
            together = f"entries along axis {axis} are dropped together"
            return together if axis else "every example drops the same units"
    return ""


def compare_dropout(found: Comparison, call: Call, out: np.ndarray, whole: bool = False) -> None:
    """Adds to `found` what is wrong with the masks, or with the inference pass, where out = x."""
    if call.train:
        compare_masks(found, call, whole)
        return
    x = call.x
    largest = np.abs(x).max(initial=0.0)
    if agree(out, x, (1e-6 if call.narrow else 1e-12) * largest):
        return
    if out.shape != x.shape:
        raise Inapplicable(f"out has shape {out.shape}, x has {x.shape}")
    if not takes_train(call.layer):
        raise Inapplicable("forward has no argument train, so there is no inference pass")
    why = ""
    if np.any((out == 0) & (x != 0)):
        why = ": it still drops entries"
    elif agree(out, keeps(call)[0] * x, EXACT * largest):
        ones = np.ones((30, *x.shape[1:]), call.raw[0].dtype)
        if np.isin(draw(call, ones, train=True), (0, 1)).all():
            found.notes.append(VANILLA)
            return
        why = ": it scales by keep, as the training pass has done already"
    cause = because("dropout-inference", "mode", f"in inference dropout must be the identity{why}")
    example = entry("out", out.astype(np.float64), x, "out = x gives")
    found.add(replace(cause, tensors=("out",), example=example), explained=bool(why))
