"""A gradient that ignores dout, is off by a number, or lacks a factor.

A number has a name only where no other size or setting has the same value: with N = C = 5 the
factor 5 is just 5.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause, explains, leaves_nothing
from chainrule.gradcheck.explain.scene import Array, Scene, ratio
from chainrule.gradcheck.report.findings import Cause

USUAL = ("x", "X", "scores", "logits")  # inputs whose axes are called by letters
LETTERS = {1: "N", 2: "ND", 3: "NTD", 4: "NCHW"}
PLAIN = (2, 3, 4)  # what the derivatives of powers bring; they need no name
DEPENDENCE = {
    "ignored": "ignores-dout",
    "sign": "mask-from-dout",
    "constant": "part-without-dout",
    "other": "power-of-dout",
}
ADVICE = {
    "small": "Sum over the batch, do not average: if the loss is a mean, it has averaged.",
    "large": "Divide by the batch size: the loss is a mean over the examples.",
}


def depends_wrongly_on_dout(scene: Scene, name: str) -> Iterator[Cause]:
    word, residual = scene.powers.get(name, ("", None))
    if word:
        yield cause(DEPENDENCE[word], residual)


def off_by_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    masked = scene.elementwise and two_valued(scene, name)
    yield from explains(scene, name, "zero-mask" if masked else "zero", 0.0)
    c = ratio(scene.yours[name], scene.right[name]) or 1.0
    known, word = factor_name(scene, max(abs(c), 1 / abs(c)))
    guess = c * scene.right[name]
    count = examples_in_columns(scene)
    if count and name in scene.params and abs(c * count - 1) < 1e-6:
        yield from explains(scene, name, "averaged", guess, count=count)
    elif abs(c + 1) < 1e-5:
        yield from explains(scene, name, "sign", guess)
    elif not known and abs(c - 1) < 1e-2:
        yield from explains(scene, name, "nearly", guess, 1, factor=f"{c:.8g}")
    else:
        values = {"size": off_by(scene, c)}
        values["advice"] = ADVICE["large" if abs(c) > 1 else "small"] if word == "N" else ""
        key = "factor" if c > 0 else "factor-and-sign"
        yield from explains(scene, name, key, guess, 0 if known else 1, **values)


def examples_in_columns(scene: Scene) -> int:
    """How many examples there are, where each is a column: out = W x, W (M, D), x (D, m); 0 where
    they are not, or where another size is the same."""
    x = next((a for a in scene.inputs.values() if a.ndim), np.zeros(()))
    if x.ndim != 2 or scene.out.ndim != 2 or x.shape[1] != scene.out.shape[1]:
        return 0
    weights = (scene.out.shape[0], x.shape[0])
    fits = any(w.shape == weights for w in scene.params.values())
    return x.shape[1] if fits and x.shape[1] not in (*weights, 2) else 0


def two_valued(scene: Scene, name: str) -> bool:
    """Whether the right slope is 0 or one constant: that of a mask."""
    if scene.dout.shape != scene.right[name].shape:
        return False
    slope = scene.right[name] / np.where(scene.dout == 0, np.nan, scene.dout)
    slope = slope[np.isfinite(slope)]
    on = slope[np.abs(slope) > 1e-6]
    return 0 < on.size < slope.size and np.ptp(on) < 1e-5 * np.abs(on).max()


def broadcast_factors(scene: Scene, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Arrays at hand, and simple functions of them, that broadcast to a shape."""
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
            yield f"(1 - {word}²)", 1 - array**2
            yield f"(1 + {word}) / (1 - {word})", (1 + array) / (1 - array)
            yield f"exp({word})", np.exp(array)


def lacks_a_factor(scene: Scene, name: str) -> Iterator[Cause]:
    yours, right = scene.yours[name], scene.right[name]
    for said, factor in broadcast_factors(scene, yours.shape):
        # yours · factor = right, compared in that form so that zeros do no harm
        rest = yours * factor - right
        yield from leaves_nothing(scene, name, "lacks-factor", rest, right, factor=said)
        own = said in scene.params and name in scene.params
        key = "own-factor" if own else "extra-factor"
        yield from explains(scene, name, key, right * factor, factor=said)


def axes(scene: Scene) -> Iterator[tuple[float, str]]:
    """The sizes of the axes of the first input, by letters or as numpy says them, and of others."""
    name, x = next(((name, a) for name, a in scene.inputs.items() if a.ndim), ("", np.ones(())))
    letters = LETTERS.get(x.ndim, "") if name in USUAL else "N"
    letters = letters.replace("D", "C") if scene.is_loss else letters
    windows = scene.out.ndim == 4 and x.shape[2:] != scene.out.shape[2:]  # of any small size
    for axis, size in enumerate(x.shape[:1] if windows else x.shape):
        yield float(size), letters[axis] if axis < len(letters) else f"{name}.shape[{axis}]"
    for name, array in scene.params.items():
        for axis in range(2, array.ndim):  # the sides of a kernel
            yield float(array.shape[axis]), f"{name}.shape[{axis}]"
    if scene.out.ndim == 2 and scene.out.shape != x.shape:
        yield float(scene.out.shape[1]), "M"


def derived(scene: Scene, sizes: dict[str, float]) -> Iterator[tuple[float, str]]:
    """Products and roots of sizes, and what settings are made into."""
    x = next((a for a in scene.inputs.values() if a.ndim), np.zeros(()))
    for group in ("HW", "NHW", "NT"):
        if all(letter in sizes for letter in group):
            yield float(np.prod([sizes[letter] for letter in group])), "·".join(group)
    if 1 < x.ndim <= len(sizes):
        yield float(x.size), "the number of all entries"
        yield float(np.sqrt(x.shape[-1])), f"√{[*sizes][x.ndim - 1]}"
    for (key, value), (other, divisor) in itertools.permutations(scene.settings.items(), 2):
        if value > divisor > 1:
            yield value / divisor, f"{key} / {other}"
            yield (value / divisor) ** 2, f"({key} / {other})²"
    for key, value in scene.settings.items():
        yield value, key
        yield value**2, f"{key}²"
        yield 1 - value, f"(1 - {key})"


def factor_name(scene: Scene, size: float) -> tuple[bool, str]:
    """Whether a factor above 1 is one that is often met, and its name, "" where it has none."""

    def found(constants: dict[str, float]) -> list[str]:
        sizes = {w: max(abs(c), 1 / abs(c)) for w, c in constants.items() if c not in (-1, 0, 1)}
        same = [w for w, c in sizes.items() if abs(size - c) <= 1e-6 * c]
        return [w if abs(constants[w]) > 1 else f"1/{w}" for w in same]

    sizes = {word: value for value, word in axes(scene)}
    base, more = found(sizes), found({word: value for value, word in derived(scene, sizes)})
    plain = any(abs(size - number) <= 1e-6 for number in PLAIN)
    names = [] if plain and more else base + more
    return plain or bool(names), names[0] if len(names) == 1 else ""


def off_by(scene: Scene, c: float) -> str:
    """How to say that something is c times its right size: "too large by a factor 5 = N"."""
    size = max(abs(c), 1 / abs(c))
    name = factor_name(scene, size)[1]
    which = "large" if abs(c) > 1 else "small"
    told = f"too {which} by a factor {size:.{4 if size > 1.001 else 10}g}"
    if abs(size - 2) <= 1e-6:  # of a square, or N
        return told
    return f"{told}{f' = {name}' if name else ''}{', the batch size' if name == 'N' else ''}"
