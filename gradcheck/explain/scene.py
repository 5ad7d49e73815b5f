"""What a hypothesis may look at, and when it counts as true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray
Named = dict[str, np.ndarray]

ENOUGH = 3  # so many measured entries test a hypothesis, and one more for each fitted number


@dataclass(eq=False)
class Scene:
    """All that a hypothesis may look at: inputs, parameters and cache by their names, the first
    output, and what came from upstream for it; the gradients as given and as measured."""

    inputs: Named
    params: Named
    cache: Named
    out: Array
    dout: Array
    yours: Named
    right: Named  # nan where it was not measured
    error: dict[str, float]  # of each measured gradient, relative to its largest entry
    settings: dict[str, float]  # the numbers that the layer holds
    elementwise: bool = False  # whether an entry of the output follows the inputs' same entry alone
    is_loss: bool = False
    # How a gradient depends on dout that is not linear in it, see `linearity.dependence`.
    powers: dict[str, tuple[str, float]] = field(default_factory=dict)
    # The slope of an elementwise layer at another input, None if unknown.
    slope_at: Callable[[Array], Array | None] = lambda _: None
    # What single outputs contribute to a gradient, see `contributions`; None where it is too much.
    pairs: Callable[[str], Any] = lambda _: None
    lines: dict[str, str] = field(default_factory=dict)  # of source, that compute each gradient
    kinks: Named = field(default_factory=dict)  # masks of kinks where yours is none of the slopes
    kept: dict[Any, Any] = field(default_factory=dict)  # what was computed and is needed again

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, computed once."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def close(self, name: str, guess: Any, fitted: int = 0) -> float | None:
        """The part of `yours` that `guess` leaves unexplained, relative to the larger of the two
        gradients; None where that is more than noise. `fitted` numbers were chosen to fit."""
        yours, right = self.yours[name], self.right[name]
        if np.shape(guess) not in ((), yours.shape):
            return None
        larger = self.once((name, "larger"), lambda: np.maximum(np.abs(yours), np.abs(right)))
        return self.small(name, yours - guess, larger, fitted)

    def small(self, name: str, rest: Array, size: Array, fitted: int = 0) -> float | None:
        """The largest |rest| relative to the largest `size`, both over the measured entries; None
        where it is more than noise, or where too little was measured for it to mean anything."""
        seen, gap, wrong = self._measured(name)
        if not wrong.any() or seen.sum() < min(seen.size, ENOUGH) + fitted:
            return None
        rest, scale = np.abs(rest), float(np.abs(size)[seen].max())
        # A hypothesis has to explain much more than there is to explain, too.
        limit = min(max(3e-7, 30 * self.error[name]) * scale, 1e-3 * scale, gap / 30)
        most = rest[seen].max()
        if not scale > 0 or not most <= limit or (rest > limit).any():
            return None
        return float(most) / scale

    def wrong(self, name: str) -> Array:
        """Which entries of `yours` were measured and are off by more than noise."""
        return self._measured(name)[2]

    def measured(self, name: str) -> bool:
        """Whether every entry of the right gradient is known."""
        return bool(self._measured(name)[0].all())

    def _measured(self, name: str) -> tuple[Array, float, Array]:
        """Which entries were measured, the largest difference, and which are wrong."""
        if name not in self.kept:
            seen = np.isfinite(self.right[name])
            gap = np.where(seen, np.abs(self.yours[name] - self.right[name]), 0)
            scale, most = np.abs(self.right[name][seen]).max(initial=0.0), gap.max(initial=0.0)
            bar = max(min(30 * self.error[name] * scale, most / 30), 1e-12 * scale)
            self.kept[name] = seen, float(most), gap > bar
        return self.kept[name]

    @cached_property
    def arrays(self) -> Named:
        """Inputs, parameters, output and cache of floats, without repeats."""
        found: Named = {}
        for group in (self.inputs, self.params, {"out": self.out}, self.cache):
            for name, array in group.items():
                usable = array.dtype.kind in "fb" and array.size
                if usable and not any(np.array_equal(array, other) for other in found.values()):
                    found[name] = array.astype(np.float64)
        return found


def ratio(yours: Array, right: Array, mask: Any = ...) -> float | None:
    """The number c with yours ≈ c · right over the mask, by least squares, or None for zeros."""
    a, n = yours[mask], right[mask]
    good = np.isfinite(n) & np.isfinite(a)
    a, n = a[good], n[good]
    total = np.square(n).sum()
    return float((a * n).sum() / total) if total else None


def agree(a: Array | float, b: Array | float, size: float, digits: float = 1e-6) -> bool:
    """Whether a and b differ by less than `digits` of `size`, everywhere."""
    return bool(np.max(np.abs(np.asarray(a) - b), initial=0.0) <= digits * size)
