"""A gradient that ignores dout, is off by a number, or lacks a factor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.numbers import factor_name, off_by
from chainrule.gradcheck.explain.scene import Array, Scene, ratio
from chainrule.gradcheck.report.findings import Cause

DEPENDENCE = {"ignored": "ignores-dout", "sign": "mask-from-dout", "square": "square-of-dout"}
TOO_SMALL = "Sum over the batch, do not average: if the loss is a mean, it has averaged."
TOO_LARGE = "Divide by the batch size: the loss is a mean over the examples."


def depends_wrongly_on_dout(scene: Scene, name: str) -> Iterator[Cause]:
    how = scene.powers.get(name)
    word, residual = how if isinstance(how, tuple) else (how, None)
    if word in DEPENDENCE:
        yield cause(DEPENDENCE[word], residual)


def off_by_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    residual = scene.close(name, np.zeros(yours.shape))
    if residual is not None:
        yield cause(
            "zero-mask" if scene.elementwise and two_valued(scene, name) else "zero", residual
        )
    c = ratio(yours, right)
    if not c:
        return
    known, word = factor_name(scene, max(abs(c), 1 / abs(c)))
    residual = scene.close(name, c * right, 0 if known or abs(c + 1) < 1e-5 else 1)
    if residual is None:
        return
    if abs(c + 1) < 1e-5:
        yield cause("sign", residual)
    elif abs(abs(c) - 0.5) < 1e-6 and scene.elementwise and scene.quadratic:
        yield cause("half-of-a-square", residual)
    elif not known and abs(c - 1) < 1e-2:
        yield cause("nearly", residual, factor=f"{c:.8g}")
    else:
        advice = "" if word != "N" or factor_is(c, 2) else TOO_LARGE if abs(c) > 1 else TOO_SMALL
        sign = "{has} the wrong sign and " if c < 0 else ""
        size = off_by(scene, c)
        yield cause("factor", residual, sign=sign, size=size, advice=advice)


def factor_is(c: float, size: float) -> bool:
    return abs(max(abs(c), 1 / abs(c)) - size) < 1e-6


def two_valued(scene: Scene, name: str) -> bool:
    """Whether the right slope is 0 or one constant: that of a mask."""
    if scene.dout.shape != scene.right[name].shape:
        return False
    slope = scene.right[name] / np.where(scene.dout == 0, np.nan, scene.dout)
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
            forms += [
                (f"{word} (1 - {word})", array * (1 - array)),
                (f"exp({word})", np.exp(array)),
            ]
            forms += [(f"(1 + {word}) / (1 - {word})", (1 + array) / (1 - array))]
        if array.size and array.min() > 0:
            forms += [(f"√{word}", np.sqrt(array))]
        for said, form in forms:
            if form.ndim == 1 and len(shape) > 2 and form.shape[0] == shape[1]:
                form = form.reshape(-1, *[1] * (len(shape) - 2))
            sizes = zip(form.shape[::-1], shape[::-1], strict=False)
            if form.size > 1 and form.ndim <= len(shape) and all(n in (1, m) for n, m in sizes):
                yield said, form


def lacks_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    for said, factor in broadcast_factors(scene, name):
        # yours · factor = right, compared in that form so that zeros do no harm
        residual = scene.small(name, yours * factor - right, right)
        if residual is not None:
            key = "lacks-sign" if np.all(np.abs(factor) == 1) else "lacks-factor"
            yield cause(key, residual, factor=said)
        residual = scene.close(name, right * factor)
        if residual is not None:
            own = said in scene.params and name in scene.params
            yield cause("own-factor" if own else "extra-factor", residual, factor=said)


def factors_by_slice(scene: Scene, name: str) -> Iterator[Cause]:
    """A factor for each row, each column and so on: one that broadcasts, whatever it is."""
    yours, right = scene.yours[name], scene.right[name]
    if not scene.measured(name):
        return
    every = range(yours.ndim)
    for kept in itertools.chain(*(itertools.combinations(every, n) for n in every[1:])):
        rest = tuple(axis for axis in every if axis not in kept)
        if np.prod([yours.shape[axis] for axis in rest]) < 3:
            continue
        total = np.square(right).sum(axis=rest, keepdims=True)
        c = (yours * right).sum(axis=rest, keepdims=True) / np.where(total > 0, total, np.inf)
        residual = scene.close(name, c * right)
        if residual is not None:
            axes = " and ".join(f"axis {axis}" for axis in kept)
            low, high = f"{c.min():.4g}", f"{c.max():.4g}"
            yield cause("factor-by-slice", residual, axes=axes, low=low, high=high)
