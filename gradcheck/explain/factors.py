"""A gradient that ignores dout, is off by a number, or lacks a factor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause, explains, leaves_nothing
from chainrule.gradcheck.explain.numbers import factor_name, off_by
from chainrule.gradcheck.explain.scene import Array, Scene, ratio
from chainrule.gradcheck.report.findings import Cause

DEPENDENCE = {"ignored": "ignores-dout", "sign": "mask-from-dout"}
ADVICE = {
    "small": "Sum over the batch, do not average: if the loss is a mean, it has averaged.",
    "large": "Divide by the batch size: the loss is a mean over the examples.",
}


def depends_wrongly_on_dout(scene: Scene, name: str) -> Iterator[Cause]:
    how = scene.powers.get(name)
    word, residual = how if isinstance(how, tuple) else (how, None)
    if word in DEPENDENCE:
        yield cause(DEPENDENCE[word], residual)


def off_by_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    masked = scene.elementwise and two_valued(scene, name)
    yield from explains(scene, name, "zero-mask" if masked else "zero", 0.0)
    c = ratio(scene.yours[name], scene.right[name]) or 1.0
    known, word = factor_name(scene, max(abs(c), 1 / abs(c)))
    guess = c * scene.right[name]
    if abs(c + 1) < 1e-5:
        yield from explains(scene, name, "sign", guess)
    elif abs(abs(c) - 0.5) < 1e-6 and scene.elementwise and scene.quadratic:
        yield from explains(scene, name, "half-of-a-square", guess)
    elif not known and abs(c - 1) < 1e-2:
        yield from explains(scene, name, "nearly", guess, 1, factor=f"{c:.8g}")
    else:
        values = {"size": off_by(scene, c)}
        values["advice"] = ADVICE["large" if abs(c) > 1 else "small"] if word == "N" else ""
        key = "factor" if c > 0 else "factor-and-sign"
        yield from explains(scene, name, key, guess, 0 if known else 1, **values)


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
    for word, array in scene.arrays.items():
        if array.ndim == 1 and len(shape) > 2 and array.shape[0] == shape[1]:
            array = array.reshape(-1, *[1] * (len(shape) - 2))
        sizes = zip(array.shape[::-1], shape[::-1], strict=False)
        if array.size < 2 or array.ndim > len(shape) or any(n not in (1, m) for n, m in sizes):
            continue
        yield word, array
        yield f"{word}²", array**2
        if array.min() > 0:
            yield f"√{word}", np.sqrt(array)
        if array.shape == shape:
            yield f"(1 - {word})", 1 - array
            yield f"(1 + {word})", 1 + array
            yield f"{word} (1 - {word})", array * (1 - array)
            yield f"(1 + {word}) / (1 - {word})", (1 + array) / (1 - array)
            yield f"exp({word})", np.exp(array)


def lacks_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    for said, factor in broadcast_factors(scene, name):
        # yours · factor = right, compared in that form so that zeros do no harm
        rest = yours * factor - right
        yield from leaves_nothing(scene, name, "lacks-factor", rest, right, factor=said)
        own = said in scene.params and name in scene.params
        key = "own-factor" if own else "extra-factor"
        yield from explains(scene, name, key, right * factor, factor=said)


def factors_by_slice(scene: Scene, name: str) -> Iterator[Cause]:
    """A factor for each row, each column and so on: one that broadcasts, whatever it is."""
    yours, right = scene.yours[name], scene.right[name]
    every = range(yours.ndim if scene.measured(name) else 0)
    for kept in itertools.chain(*(itertools.combinations(every, n) for n in every[1:])):
        rest = tuple(axis for axis in every if axis not in kept)
        if (right != 0).sum(axis=rest).min() < 2 or right.size < 3 * np.prod(
            [yours.shape[axis] for axis in kept]
        ):
            continue
        total = np.square(right).sum(axis=rest, keepdims=True)
        c = (yours * right).sum(axis=rest, keepdims=True) / np.where(total > 0, total, np.inf)
        values = {"axes": " and ".join(f"axis {axis}" for axis in kept)}
        digits = 4 if np.abs(c - 1).max() > 1e-3 else 9
        values |= {"low": f"{c.min():.{digits}g}", "high": f"{c.max():.{digits}g}"}
        yield from explains(scene, name, "factor-by-slice", c * right, **values)
