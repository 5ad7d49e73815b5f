"""Slopes by differences, each with its own error bar.

The weighted change of the output along a line, φ(t) = Σ dout · (out(t) - out(0)), is sampled at
±h and ±h/2, for h = 1e-3 and h = 1e-3 / 8 (times the size of the entry, if that is above 1). Each
h gives

    value      D = (4 D(h/2) - D(h)) / 3, the five-point formula, with an error of order h⁴
    one-sided  R = 2 φ(h/2)/(h/2) - φ(h)/h, and L likewise to the left, with errors of order h²

Where two steps disagree, or R and L do, h shrinks by 8 again and again: a sharp bend or a kink
nearby goes away, a kink at the point itself keeps its jump. The error bar is the disagreement of
two successive steps plus the noise of φ over h. The noise is measured from a table of differences
(Moré and Wild, "Estimating Computational Noise", 2011), since what happens inside a layer may
lose far more digits than the machine epsilon tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from chainrule.gradcheck.subject.layer import Arrays, Subject, as_outputs

FIRST_STEP = 1e-3
SHRINK = 8.0
LEVELS = 12  # down to steps of 1e-13, where the noise allows it

Move = Callable[[float], np.ndarray]


@dataclass(eq=False)
class Slopes:
    """Slopes and error bars; where `kink`, the slopes to the left and to the right differ."""

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray
    kink: np.ndarray


class Point:
    """A subject at one point, and the change of its output, weighted by `douts`, around it."""

    def __init__(self, subject: Subject, train: bool, out: Arrays, douts: Arrays) -> None:
        self.subject = subject
        self.train = train
        self.out = [o.astype(np.float64) for o in out]
        self.douts = douts
        self.floor = np.finfo(np.float64).eps * float(
            np.sqrt(sum(np.square(o * d).sum() for o, d in zip(self.out, douts, strict=True)))
        )

    def phi(self, split: str = "") -> np.ndarray:
        """φ where the inputs and parameters are now: (1,); split by "rows" of the one output, (N,);
        or by the "elements" of the outputs, (K,). It is nan where the layer refuses its inputs."""
        with np.errstate(all="ignore"):
            try:
                out, _ = self.subject.forward(self.train)
                changes = [
                    (now - then) * dout
                    for now, then, dout in zip(as_outputs(out), self.out, self.douts, strict=True)
                ]
            except Exception:  # out of the domain of the layer, which may say so as it likes
                changes = [np.full_like(then, np.nan) for then in self.out]
            if split == "rows":
                return changes[0].reshape(len(changes[0]), -1).sum(axis=1)
            if split == "elements":
                return np.concatenate([change.reshape(-1) for change in changes])
            return np.array([sum(change.sum() for change in changes)])

    def noise(self, array: np.ndarray, rng: np.random.Generator) -> float:
        """The noise of φ, as it shows in seven values very close to each other; but not so close
        that rounding makes them all one. Where they climb in equal stairs, a stair is the noise."""
        move = direction(array, rng.standard_normal(array.shape))
        for spacing in (1e-11, 1e-9, 1e-7, 1e-5):
            values = []
            for k in range(7):
                move(k * spacing)
                values.append(self.phi()[0])
            steps = np.abs(np.diff(values))
            if np.count_nonzero(steps) > 3:
                break
        move(0.0)
        stairs = np.unique(steps[steps > 0])
        stair = float(stairs[0]) if 0 < len(stairs) <= 3 else 0.0
        table, level = np.array(values), []
        for k in range(1, 6):
            table = np.diff(table)
            if k >= 3:
                level.append(np.mean(np.square(table)) / comb(2 * k, k))
        measured = float(np.sqrt(np.mean(level)))
        return max(measured, stair, self.floor) if np.isfinite(measured) else self.floor


def direction(array: np.ndarray, v: np.ndarray) -> Move:
    """Moves all of `array` along v, in units of its size, or of 1 where that is more."""
    kept = array.copy()
    size = max(float(np.sqrt(np.mean(np.square(kept)))), 1.0) if kept.size else 1.0

    def move(t: float) -> np.ndarray:
        array[...] = kept + (t * size) * v if t else kept
        return np.array([t * size])

    return move


def entries(array: np.ndarray, indices: np.ndarray) -> Move:
    """Moves the entries of array.flat at `indices`, each in units of its own size or of 1."""
    kept = array.reshape(-1)[indices].copy()
    size = np.maximum(np.abs(kept), 1.0)

    def move(t: float) -> np.ndarray:
        array.flat[indices] = kept + t * size if t else kept
        return array.reshape(-1)[indices] - kept

    return move


def measure(point: Point, move: Move, noise: float, split: str = "") -> Slopes:
    """The slopes along `move`, which sets the arrays to x + t and returns the steps taken."""
    values, lefts, rights, errors, bars = [], [], [], [], []
    with np.errstate(all="ignore"):
        for level in range(LEVELS):
            t = FIRST_STEP * SHRINK**-level
            (u1, p1), (d1, m1), (u2, p2), (d2, m2) = [
                (move(s), point.phi(split)) for s in (t, -t, t / 2, -t / 2)
            ]
            coarse, fine = (p1 - m1) / (u1 - d1), (p2 - m2) / (u2 - d2)
            values.append((4 * fine - coarse) / 3)
            rights.append(2 * p2 / u2 - p1 / u1)
            lefts.append(2 * m2 / d2 - m1 / d1)
            bar = 4 * noise / (u2 - d2)
            bars.append(bar * np.ones_like(p1))
            if level == 0:
                continue
            errors.append(np.abs(values[-1] - values[-2]) + bar)
            scale = np.max(np.abs(values[-1]))
            settled = errors[-1] <= 1e-9 * scale + 2 * bar
            settled &= np.abs(rights[-1] - lefts[-1]) <= 1e-7 * scale + 20 * bar
            if settled.all():
                break
        move(0.0)
        return _best(*map(np.array, (values, lefts, rights, errors, bars)))


def _best(
    values: np.ndarray, lefts: np.ndarray, rights: np.ndarray, errors: np.ndarray, bars: np.ndarray
) -> Slopes:
    """Entry by entry, the step with the smallest error bar."""
    each = np.arange(values.shape[1])
    jumps = np.abs(rights - lefts)
    jumps = np.where(np.isfinite(jumps), jumps, 0.0)
    sizes = np.maximum(np.abs(lefts), np.abs(rights))
    scale = np.max(np.where(np.isfinite(sizes), sizes, 0.0), axis=1).min()
    broken = jumps > 1e-5 * scale + 50 * bars
    # The smallest step at which a jump as large as the largest would still stand out of the noise.
    clear = 100 * bars < jumps.max(axis=0)
    deepest = len(jumps) - 1 - clear[::-1].argmax(axis=0)
    kink = clear.any(axis=0) & broken[deepest, each] & (len(values) > 2)
    kink &= jumps[deepest, each] > 0.3 * jumps.max(axis=0)

    # Far from the point two steps may agree on a slope that smaller steps contradict.
    refuted = np.zeros_like(broken[1:])
    for k in range(len(errors) - 1):
        apart = np.abs(values[k + 2 :] - values[k + 1]) > 4 * errors[k] + 10 * bars[k + 2 :]
        refuted[k] = apart.any(axis=0)
    errors = np.where(np.isfinite(errors) & ~broken[1:] & ~refuted, errors, np.inf)
    best = errors.argmin(axis=0)
    # A jump too small to tell from noise may be that of a kink: it widens the bar.
    value, error = values[best + 1, each], errors[best, each] + jumps[best + 1, each]
    drift = np.abs(np.diff(rights, axis=0)) + np.abs(np.diff(lefts, axis=0)) + 4 * bars[1:]
    drift = np.where(np.isfinite(drift), drift, np.inf)
    steady = drift.argmin(axis=0)
    left, right = lefts[steady + 1, each], rights[steady + 1, each]
    kink |= ~np.isfinite(error)
    value = np.where(kink, (left + right) / 2, value)
    error = np.where(kink, drift[steady, each], error)
    return Slopes(value, error, left, right, kink)


def between(point: Point, move: Move, noise: float) -> tuple[float, float, float]:
    """The least and the largest legal slope along `move` at a kink, and their error: every output
    may take any slope between its own two, whatever the others take."""
    found = measure(point, move, noise, "elements")
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    low, high = (np.where(found.kink, side, found.value).sum() for side in (low, high))
    return float(low), float(high), float(np.max(found.error))


def rows_are_independent(subject: Subject, train: bool, x: np.ndarray, out: Arrays) -> bool:
    """Whether each row of the one output depends on the same row of x alone."""
    if len(out) != 1 or x.ndim < 2 or out[0].shape[:1] != x.shape[:1] or len(x) < 2:
        return False
    kept, numbers = x.copy(), np.arange(len(x))
    # Any two rows differ in a bit of their numbers, so that one moves while the other stays.
    for bit in range(max(len(x) - 1, 1).bit_length()):
        for value in (0, 1):
            moving = (numbers >> bit & 1) == value
            x[moving] += 0.1 * np.maximum(np.abs(x[moving]), 1.0)
            moved = as_outputs(subject.forward(train)[0])[0]
            x[...] = kept
            if moved.shape != out[0].shape or not np.allclose(
                moved[~moving], out[0][~moving], rtol=1e-12, atol=1e-12, equal_nan=True
            ):
                return False
    return True


def entry_slopes(
    point: Point, array: np.ndarray, noise: float, by_row: bool, limit: int,
    rng: np.random.Generator,
) -> Slopes:  # fmt: skip
    """Slopes for the entries of `array`, nan for those that were not measured: at most `limit`
    lines are looked at, one for each entry, or for each column where rows are independent."""
    shape, flat = array.shape, [np.full(array.size, np.nan) for _ in range(4)]
    kink = np.zeros(array.size, bool)
    lines: Sequence[np.ndarray]
    if by_row:
        lines = list(np.arange(array.size).reshape(len(array), -1).T)
    else:
        lines = list(np.arange(array.size)[:, np.newaxis])
    if len(lines) > limit:
        lines = [lines[at] for at in np.sort(rng.permutation(len(lines))[:limit])]
    for indices in lines:
        found = measure(point, entries(array, indices), noise, "rows" if by_row else "")
        for whole, part in zip(
            flat, (found.value, found.error, found.left, found.right), strict=True
        ):
            whole[indices] = part
        kink[indices] = found.kink
        for entry in indices[found.kink]:
            low, high, bar = between(point, entries(array, np.array([entry])), noise)
            flat[2][entry], flat[3][entry] = low, high
            flat[1][entry] = max(flat[1][entry], bar)
    value, error, left, right = (part.reshape(shape) for part in flat)
    return Slopes(value, error, left, right, kink.reshape(shape))
