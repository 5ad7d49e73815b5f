"""What a hypothesis may look at, and the numbers that gradients are often off by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Named = dict[str, np.ndarray]
Verdict = tuple[str, str, str, float]  # kind, message, hint, what is left unexplained


STRENGTHS = ("l2", "reg", "weight_decay", "lam")  # what people call the factor of a penalty


@dataclass(eq=False)
class Scene:
    """All that a hypothesis may look at. `right` is nan where it was not measured."""

    inputs: Named
    params: Named
    cache: Named
    out: np.ndarray
    dout: np.ndarray
    yours: Named
    right: Named
    error: dict[str, float]
    settings: dict[str, float]
    elementwise: bool = False
    quadratic: bool = False
    is_loss: bool = False
    powers: dict[str, str] = field(default_factory=dict)  # see `linearity.dependence`
    slope_at: Callable[[np.ndarray], np.ndarray | None] = lambda _: None
    lines: dict[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        return f"d{name}" if name in self.inputs else f"grads['{name}']"

    def close(self, name: str, guess: Any) -> float | None:
        """The part of `yours` that `guess` leaves unexplained, relative to the larger of the two
        gradients; None where that is more than noise."""
        yours, right = self.yours[name], self.right[name]
        guess = np.asarray(guess)
        if guess.shape != yours.shape:
            return None
        return self.small(name, yours - guess, np.maximum(np.abs(yours), np.abs(right)))

    def small(self, name: str, rest: np.ndarray, size: np.ndarray) -> float | None:
        with np.errstate(all="ignore"):
            scale = np.nanmax(size, initial=0.0)
            left = np.nanmax(np.abs(rest), initial=0.0) / scale if scale else 0.0
            gap = np.nanmax(np.abs(self.yours[name] - self.right[name]), initial=0.0)
        # A hypothesis has to explain much more than there is to explain, too.
        limit = min(max(3e-7, 30 * self.error[name]), 1e-3, gap / scale / 30 if scale else 0.0)
        return float(left) if left <= limit else None

    def wrong(self, name: str) -> np.ndarray:
        """Which entries of `yours` are off by more than noise."""
        yours, right = self.yours[name], self.right[name]
        with np.errstate(all="ignore"):
            gap = np.abs(yours - right)
            scale = np.nanmax(np.abs(right), initial=0.0)
            noise = min(30 * self.error[name] * scale, np.nanmax(gap, initial=0.0) / 30)
            return gap > max(noise, 1e-12 * scale)

    def arrays(self) -> Named:
        """Inputs, parameters and cache of floats, without repeats."""
        found: Named = {}
        for group in (self.inputs, self.params, {"out": self.out}, self.cache):
            for name, array in group.items():
                if (
                    array.dtype.kind in "fb"
                    and array.size
                    and not any(
                        array.shape == other.shape and np.array_equal(array, other)
                        for other in found.values()
                    )
                ):
                    found[name] = array.astype(np.float64)
        return found


def constants(scene: Scene) -> Iterator[tuple[float, str]]:
    """Numbers that a gradient is often off by, with their names: sizes, settings, 2."""
    yield 2.0, "2"
    x = next((a for a in scene.inputs.values() if a.ndim), None)
    sizes: dict[str, float] = {}
    if x is not None:
        letters = ("N", "C", "H", "W") if x.ndim == 4 else ("N", "D", "K", "L")
        sizes |= {letter: float(n) for letter, n in zip(letters, x.shape, strict=False)}
        if scene.is_loss and x.ndim == 2:
            sizes = {"N": float(len(x)), "C": float(x.shape[1])}
        if x.ndim == 4:
            sizes["H·W"] = float(x.shape[2] * x.shape[3])
            sizes["N·H·W"] = sizes["N"] * sizes["H·W"]
        if x.ndim > 1:
            sizes.setdefault("all elements", float(x.size))
    if scene.out.ndim == 2 and not scene.is_loss:
        sizes["M"] = float(scene.out.shape[1])
    for letter, value in sizes.items():
        yield value, letter
    for key, value in scene.settings.items():
        if value not in (0.0, 1.0, -1.0):
            yield value, key
            yield value**2, f"{key}²"
            yield 1 - value, f"(1 - {key})"
    for (a, size), (b, other) in itertools.permutations(sizes.items(), 2):
        yield size / other, f"{a}/{b}"
    yield 3.0, "3"
    yield 4.0, "4"


def factor_name(scene: Scene, size: float) -> str | None:
    """What a factor above 1 is called, "" where it is a plain number, None where it is unknown."""
    for value, word in constants(scene):
        if value <= 0 or value == 1:
            continue
        c = value if value > 1 else 1 / value
        if abs(size - c) <= 1e-6 * c:
            told = "N, the batch size" if word == "N" else word
            return "" if word.isdigit() else told if value > 1 else f"1/{word}"
    return None


def off_by(scene: Scene, c: float) -> str:
    """How to say that something is c times its right size: "too large by a factor 5 = N"."""
    size = max(abs(c), 1 / abs(c))
    name = factor_name(scene, size)
    which = "large" if abs(c) > 1 else "small"
    digits = 4 if size > 1.001 else 10
    return f"too {which} by a factor {size:.{digits}g}{f' = {name}' if name else ''}"


def ratio(yours: np.ndarray, right: np.ndarray, mask: Any = ...) -> float | None:
    """The number c with yours ≈ c · right over the mask, by least squares, or None for zeros."""
    a, n = yours[mask], right[mask]
    good = np.isfinite(n)
    a, n = a[good], n[good]
    total = np.square(n).sum()
    return float((a * n).sum() / total) if total else None
