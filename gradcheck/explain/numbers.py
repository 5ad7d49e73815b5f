"""The numbers that gradients are often off by, and what they are called.

A number has a name only where no other size or setting has the same value: with N = C = 5 the
factor 5 is just 5.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import Scene

USUAL = ("x", "X", "scores", "logits")  # inputs whose axes are called by letters
LETTERS = {1: "N", 2: "ND", 3: "NTD", 4: "NCHW"}
PLAIN = (2, 3, 4)  # what the derivatives of powers bring; they need no name


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
    if abs(size - 2) <= 1e-6:
        return f"{told} (N is 2, too)" if name == "N" else told
    return f"{told}{f' = {name}' if name else ''}{', the batch size' if name == 'N' else ''}"
