"""A gradient that ignores dout, is off by a number, or lacks a factor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.numbers import factor_name, off_by
from chainrule.gradcheck.explain.scene import Array, Scene, ratio
from chainrule.gradcheck.report.findings import Cause, because

DEPENDENCE = {
    "ignored": (
        "ignores-dout",
        "missing-term",
        "{d} {does} not change when dout changes",
        "Multiply the local derivative by the upstream gradient dout.",
    ),
    "sign": (
        "mask-from-dout",
        "mask",
        "{d} {is} not linear in dout: which entries pass depends on the sign of dout",
        "Take the mask from the input or the output, kept in the cache, not from the gradient.",
    ),
    "square": (
        "square-of-dout",
        "missing-term",
        "{d} {grows} with the square of dout",
        "Multiply by the upstream gradient once.",
    ),
}


def depends_wrongly_on_dout(scene: Scene, name: str) -> Iterator[Cause]:
    how = scene.powers.get(name)
    word, residual = how if isinstance(how, tuple) else (how, None)
    if word in DEPENDENCE:
        yield because(*DEPENDENCE[word], residual)


def off_by_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    residual = scene.close(name, np.zeros(yours.shape))
    if residual is not None:
        kind = "mask" if scene.elementwise and two_valued(scene, name) else "missing-term"
        hint = "Nothing of dout reaches this tensor."
        yield because("zero", kind, "{d} {is} 0 everywhere", hint, residual)
    c = ratio(yours, right)
    if not c:
        return
    known, word = factor_name(scene, max(abs(c), 1 / abs(c)))
    residual = scene.close(name, c * right, 0 if known or abs(c + 1) < 1e-5 else 1)
    if residual is None:
        return
    if abs(c + 1) < 1e-5:
        yield because("sign", "sign", "{d} {has} the wrong sign everywhere", "", residual)
        return
    if abs(abs(c) - 0.5) < 1e-6 and scene.elementwise and scene.quadratic:
        message = "{d} {is} too small by a factor 2: x enters twice, and one of the two is lost"
        hint = "Where a value forks its gradients add up: use +=, not =."
        yield because("half-of-a-square", "overwrite", message, hint, residual)
    if not known and abs(c - 1) < 1e-2:
        message, hint = "{d} {is} nearly right: off by a factor {factor}", "Look where eps stands."
        yield because("nearly", "missing-term", message, hint, residual, factor=f"{c:.8g}")
        return
    hint = ""
    if word == "N" and abs(abs(c) - 2) > 1e-6 and abs(abs(c) - 0.5) > 1e-6:
        hint = "Sum over the batch, do not average: if the loss is a mean, it has averaged."
        if abs(c) > 1:
            hint = "Divide by the batch size: the loss is a mean over the examples."
    sign = "{has} the wrong sign and " if c < 0 else ""
    message = f"{{d}} {sign}{{is}} {{size}}"
    yield because("factor", "scale", message, hint, residual, size=off_by(scene, c), factor=c)


def two_valued(scene: Scene, name: str) -> bool:
    """Whether the right slope is 0 or one constant: that of a mask."""
    if scene.dout.shape != scene.right[name].shape:
        return False
    with np.errstate(all="ignore"):
        slope = scene.right[name] / scene.dout
    slope = slope[np.isfinite(slope)]
    on = slope[np.abs(slope) > 1e-6]
    return 0 < on.size < slope.size and np.ptp(on) < 1e-5 * np.abs(on).max()


def broadcast_factors(scene: Scene, name: str) -> Iterator[tuple[str, Array]]:
    """Arrays at hand, and simple functions of them, that broadcast to the tensor."""
    shape = scene.yours[name].shape
    for word, array in scene.arrays().items():
        forms = [(word, array), (f"{word}²", array**2)]
        if array.shape == shape and shape:
            forms += [(f"(1 - {word})", 1 - array), (f"(1 + {word})", 1 + array)]
            forms += [(f"{word} (1 - {word})", array * (1 - array))]
            forms += [(f"(1 + {word}) / (1 - {word})", (1 + array) / (1 - array))]
        if array.size and array.min() > 0:
            forms += [(f"√{word}", np.sqrt(array))]
        if array.shape == shape:
            forms += [(f"exp({word})", np.exp(array))]
        for said, form in forms:
            if form.ndim == 1 and len(shape) > 2 and form.shape[0] == shape[1]:
                form = form.reshape(-1, *[1] * (len(shape) - 2))
            fits = form.size > 1 and form.ndim <= len(shape)
            if fits and all(
                n in (1, m) for n, m in zip(form.shape[::-1], shape[::-1], strict=False)
            ):
                yield said, form
    x = scene.inputs.get(name)
    if x is not None and x.ndim > 1:
        for axis, rows in (((0, *range(2, x.ndim)), "column"), (x.ndim - 1, "row")):
            std = np.sqrt(x.var(axis=axis, keepdims=True) + scene.settings.get("eps", 0))
            yield f"std of each {rows}", std


def lacks_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    with np.errstate(all="ignore"):
        for said, factor in broadcast_factors(scene, name):
            # yours · factor = right, compared in that form so that zeros do no harm
            lacking = scene.small(name, yours * factor - right, right)
            if lacking is not None and np.all(np.abs(factor) == 1):
                message = "{d} {lacks} the sign {factor}"
                yield because("lacks-sign", "sign", message, "", lacking, factor=said)
            if lacking is not None:
                message, hint = "{d} {lacks} the factor {factor}", "Multiply by {factor}."
                yield because("lacks-factor", "missing-term", message, hint, lacking, factor=said)
            extra = scene.close(name, right * factor)
            if extra is not None:
                kind = "scale" if said in scene.params and name in scene.params else "missing-term"
                message = "{d} {has} the factor {factor} too much"
                hint = "Leave out {factor}: it is not part of this derivative."
                yield because("extra-factor", kind, message, hint, extra, factor=said)
