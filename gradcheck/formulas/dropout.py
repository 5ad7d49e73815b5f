"""Dropout against its definition.

It is random, so it is known by its habits: what is kept is x / keep, entry by entry, with
probability keep. A copy of the layer draws one mask over some 30,000 entries.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np

from chainrule.gradcheck.formulas.outcome import EXACT, Comparison, agree, entry
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Reference
from chainrule.gradcheck.report import Finding

KEEP = ("keep", "keep_prob", "keep_probability", "p_keep")
DROP = ("drop", "rate", "drop_prob", "dropout", "p_drop", "drop_rate")
EITHER = ("p", "prob")
VANILLA = "dropout scales by keep in inference, not by 1 / keep in training"


def no_formula(_: Call) -> np.ndarray:
    raise Inapplicable("dropout is random, so no call has one right output")


DROPOUT = Reference("dropout", "x mask / keep", no_formula, settings=(*KEEP, *DROP, *EITHER))


def compare_dropout(found: Comparison, call: Call, out: np.ndarray) -> None:
    """Adds to `found` what is wrong with the masks, or with the inference pass."""
    if call.train:
        compare_masks(found, call)
    else:
        compare_inference(found, call, out)


def keeps(call: Call) -> list[float]:
    """The probability of keeping an entry; two where a setting `p` leaves open what it means."""
    keep, drop, p = (call.setting(*names, default=-1.0) for names in (KEEP, DROP, EITHER))
    for ways in ([keep], [1 - drop], [p, 1 - p]):
        if all(0 <= q <= 1 for q in ways):
            return [q for q in ways if q > 0]
    raise Inapplicable("the layer has no setting keep, nor any like it")


def draw(call: Call, x: np.ndarray, *, train: bool) -> np.ndarray:
    """The output of a copy of the layer, whose own generator thus stays where it is."""
    try:
        out = copy.deepcopy(call.layer).forward(x.copy(), train=train)[0]
    except Exception as error:
        raise Inapplicable(f"forward raises {type(error).__name__} for x {x.shape}") from error
    return np.asarray(out, np.float64)


@dataclass(frozen=True)
class Masks:
    """Of `size` entries the share that was kept, and the number that those were multiplied by."""

    size: int
    share: float
    factor: float
    digits: float

    def keeps(self, q: float) -> bool:
        """Whether entries are kept with probability q, up to six standard deviations."""
        return abs(self.share - q) <= 6 * math.sqrt(max(q * (1 - q), 1e-12) / self.size)

    def scales(self, factor: float) -> bool:
        return abs(self.factor - factor) <= self.digits * abs(factor)

    def finding(self, message: str, hint: str) -> Finding:
        example = f"of {self.size} entries {self.share:.1%} were kept, times {self.factor:.4g}"
        return Finding("forward-bug", "out", message, hint, example)


def compare_masks(found: Comparison, call: Call) -> None:
    """Training: whether each entry is kept on its own, with the right probability and factor."""
    ways = keeps(call)
    x = call.raw[0] if call.raw[0].dtype.kind == "f" else call.x
    tall = max(30_000 // max(math.prod(x.shape[1:]), 1), 2)
    probe = np.random.default_rng(0).uniform(0.5, 2, (tall, *x.shape[1:])).astype(x.dtype)
    drawn = draw(call, probe, train=True)
    if drawn.shape != probe.shape:
        message = f"out has shape {drawn.shape}, x has {probe.shape}"
        found.add(Finding("shape", "out", message), explained=False)
        return
    factors = drawn / probe
    kept = factors != 0
    factor = float(np.median(factors[kept])) if kept.any() else 0.0
    digits = 1e-5 if x.dtype == np.float32 else 1e-9
    masks = Masks(kept.size, float(kept.mean()), factor, digits)
    if kept.any() and np.abs(factors[kept] - factor).max() > digits * abs(factor):
        text = "kept entries are not all multiplied by one number"
        found.add(masks.finding(text, "Each is 0 or x / keep."), explained=False)
    elif text := shared(kept):
        found.add(masks.finding(f"one mask for all: {text}", "Draw the mask with x.shape."))
    elif not any(masks.keeps(q) and masks.scales(1 / q) for q in ways):
        q = next((q for q in ways if masks.keeps(q)), ways[0])
        if not masks.keeps(q):
            compare_share(found, masks, q)
        elif masks.scales(1) and np.allclose(draw(call, probe, train=False), q * probe):
            found.notes.append(VANILLA)
            return
        if not masks.scales(1 / q):
            compare_factor(found, masks, q)


def compare_share(found: Comparison, masks: Masks, q: float) -> None:
    """Why not q of all entries are kept."""
    causes = {
        "the probabilities of keeping and of dropping are exchanged": 1 - q,
        "the mask is drawn from normal, not uniform random numbers": (
            0.5 * (1 + math.erf(q / math.sqrt(2)))
        ),
        "two masks are applied": q * q,
        "nothing is dropped in training": 1.0,
    }
    cause = next((f": {text}" for text, share in causes.items() if masks.keeps(share)), "")
    text = f"{masks.share:.0%} of the entries survive instead of {q:.0%}{cause}"
    found.add(masks.finding(text, f"mask = rng.random(x.shape) < {q:g}"), explained=bool(cause))


def compare_factor(found: Comparison, masks: Masks, q: float) -> None:
    """Why kept entries are not divided by q."""
    if not masks.keeps(q) and masks.keeps(1 - q) and masks.scales(1 / (1 - q)):
        return  # the exchanged probabilities, of which compare_share tells
    causes = {
        "they are not scaled": 1.0,
        "multiplied by keep, not divided": q,
        "divided by keep twice": q**-2,
        "divided by √keep": q**-0.5,
        "multiplied by 1 - keep": 1 - q,
        "divided by the probability of dropping, 1 - keep": 1 / (1 - q) if q < 1 else math.inf,
    }
    cause = next((text for text, factor in causes.items() if masks.scales(factor)), "")
    did = cause or f"multiplied by {masks.factor:.4g}"
    average = f"and out averages {masks.share * masks.factor:.3g} x"
    text = f"kept entries should be divided by keep = {q:g}: {did}, {average}"
    found.add(masks.finding(text, f"out = x * mask / {q:g}"), explained=bool(cause))


def shared(kept: np.ndarray) -> str:
    """In words the axis along which all entries are kept and dropped together, or ""."""
    if kept.all() or not kept.any():
        return ""
    for axis in range(kept.ndim):
        if kept.shape[axis] > 1 and (kept == kept.take([0], axis=axis)).all():
            if axis == 0:
                return "every example drops the same units"
            return f"entries along axis {axis} are dropped together"
    return ""


def compare_inference(found: Comparison, call: Call, out: np.ndarray) -> None:
    """Inference: out = x."""
    x = call.x
    largest = np.abs(x).max(initial=0.0)
    if agree(out, x, (1e-6 if call.narrow else 1e-12) * largest):
        return
    q = keeps(call)[0]
    text = "with train=False dropout must be the identity"
    if out.shape != x.shape:
        message = f"{text}: out has shape {out.shape}, x has {x.shape}"
        found.add(Finding("shape", "out", message), explained=False)
        return
    example = entry("out", out.astype(np.float64), x, "out = x")
    if np.any((out == 0) & (x != 0)):
        found.add(Finding("mode", "out", f"{text}: it still drops entries", "", example))
    elif not agree(out, q * x, EXACT * largest):
        found.add(Finding("mode", "out", text, "", example), explained=False)
    else:
        ones = np.ones((30, *x.shape[1:]), call.raw[0].dtype)
        if np.isin(draw(call, ones, train=True), (0, 1)).all():
            found.notes.append(VANILLA)
        else:
            text += ": it scales by keep, as the training pass has done already"
            found.add(Finding("mode", "out", text, "", example))
