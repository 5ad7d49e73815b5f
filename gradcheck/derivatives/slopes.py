"""Slopes by differences, each with its own error bar.

The weighted change of the output along a line, φ(t) = Σ dout · (out(t) - out(0)), is sampled at
±h and ±h/2, for h and h/8, where h is 1e-3 (times the size of what is moved, if that is above 1).
Each h gives

    value      D = (4 D(h/2) - D(h)) / 3, the five-point formula, with an error of order h⁴
    one-sided  R = 2 φ(h/2)/(h/2) - φ(h)/h, and L likewise to the left, with errors of order h²

Where two steps disagree, or R and L do, h shrinks by 8 again and again: a sharp bend or a kink
nearby goes away, a kink at the point itself keeps its jump. The error bar is the disagreement of
two successive steps plus the noise of φ over h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.gradcheck.derivatives.point import FIRST_STEP, PACES, Line, Point, units

SHRINK = 8.0
LEVELS = 12  # down to steps of 1e-13, where the noise allows it
SCREEN = 1e-8  # a slope that agrees with what is claimed so well needs no second step
NEARBY = 40  # so many points close by are looked at before a slope at a kink is called wrong


@dataclass(eq=False)
class Slopes:
    """Slopes and error bars; where `kink`, the slopes to the left and to the right differ."""

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray
    kink: np.ndarray


def by_step(
    point: Point, line: Line, t: float, split: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """From φ at ±t and ±t/2: the slope, those to the left and to the right, and their noise. Where
    there are known to be few digits, the mean over steps of several lengths."""
    if not point.last:
        return of_step(point, line, t, split)
    several = [of_step(point, line, t * pace, split) for pace in PACES]
    value, left, right, bar = (np.mean(part, axis=0) for part in zip(*several, strict=True))
    return value, left, right, bar / np.sqrt(len(PACES))


def of_step(
    point: Point, line: Line, t: float, split: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same of one step."""
    noise = point.noise_along(line, t, split)
    (u1, p1), (d1, m1), (u2, p2), (d2, m2) = [
        (line.move(s), point.phi(split)) for s in (t, -t, t / 2, -t / 2)
    ]
    value = (4 * (p2 - m2) / (u2 - d2) - (p1 - m1) / (u1 - d1)) / 3
    bar = 4 * noise / (u2 - d2)
    return value, 2 * m2 / d2 - m1 / d1, 2 * p2 / u2 - p1 / u1, bar


def confirmed(
    point: Point, line: Line, claim: np.ndarray, scale: float, split: str = ""
) -> tuple[np.ndarray, Slopes]:
    """Whether the slopes along the line are what is claimed, to 1e-8 of `scale`, by four values of
    φ; and the slopes. Where they are not, or there may be a kink, `measure` has to tell."""
    with np.errstate(all="ignore"):
        value, left, right, bar = by_step(point, line, point.step, split)
        line.move(0.0)
        gap = np.abs(value - claim)
        good = gap <= SCREEN * scale + 2 * bar
        good &= np.abs(right - left) <= 1e-4 * np.maximum(np.abs(value), scale) + 20 * bar
        return good, Slopes(value, gap + bar, value, value, np.zeros(value.shape, bool))


def measure(point: Point, line: Line, split: str = "") -> Slopes:
    """The slopes along the line, with as many steps as they need."""
    values: list[np.ndarray] = []
    lefts: list[np.ndarray] = []
    rights: list[np.ndarray] = []
    errors, bars = [], []
    with np.errstate(all="ignore"):
        # Of few digits a much finer step has fewer still.
        wide = SHRINK / 2 if point.step > 10 * FIRST_STEP else 1.0
        for level in range(LEVELS):
            t = point.step * SHRINK**-level * (wide if level else 1.0)
            value, left, right, bar = by_step(point, line, t, split)
            for kept, new in ((values, value), (lefts, left), (rights, right)):
                kept.append(new)
            bars.append(bar * np.ones_like(value))
            if level == 0:
                continue
            errors.append(np.abs(values[-1] - values[-2]) + bar)
            scale = np.max(np.abs(values[-1]))
            settled = errors[-1] <= 1e-9 * scale + 2 * bar
            settled &= np.abs(rights[-1] - lefts[-1]) <= 1e-7 * scale + 20 * bar
            if (settled | steady_kink(rights, lefts, bar, scale)).all():
                break
        line.move(0.0)
        return _best(*map(np.array, (values, lefts, rights, errors, bars)))


def steady_kink(
    rights: list[np.ndarray], lefts: list[np.ndarray], bar: np.ndarray, scale: float
) -> np.ndarray:
    """Whether the slopes to the left and right have been the same, and apart, for three steps."""
    if len(rights) < 4:
        return np.zeros(rights[0].shape, bool)
    jumps = np.abs(np.array(rights[-3:]) - np.array(lefts[-3:]))
    drift = np.ptp(np.array(rights[-3:]), axis=0) + np.ptp(np.array(lefts[-3:]), axis=0)
    return (jumps.min(axis=0) > 1e-3 * scale + 1e3 * bar) & (drift < 1e-6 * jumps.min(axis=0))


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


def allowed(point: Point, line: Line, claim: float, tolerance: float) -> bool:
    """Whether on a kink `claim` may be called the slope along the line. Every output may take any
    slope between its own two, whatever the others take; or one that it has at a point nearby, as
    the middle of three equal numbers that are sorted has three."""
    found = measure(point, line, "elements")
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    low, high = (np.where(found.kink, side, found.value) for side in (low, high))
    tolerance += 2 * float(np.nansum(found.error))
    for _ in range(NEARBY):
        least, most = float(low.sum()) - tolerance, float(high.sum()) + tolerance
        if least <= claim <= most or not np.isfinite(least + most):
            return True
        slopes = slopes_beside(point, line)
        other = np.abs(slopes - found.value) > 1e-3 * np.nanmax(np.abs(slopes), initial=0.0)
        low = np.where(other, np.fmin(low, slopes), low)
        high = np.where(other, np.fmax(high, slopes), high)
    return False


def slopes_beside(point: Point, line: Line, away: float = 1e3) -> np.ndarray:
    """The slopes of all elements of the outputs through a point so many steps away, or here."""
    arrays = point.moving
    kept = [array.copy() for array in arrays]
    h = max(1e-8, point.step**3) if away else 1e-8
    try:
        for array in arrays:
            array += away * h * units(array) * point.rng.standard_normal(array.shape)
        beside = Line(*((array, v) for array, _, v in line.parts))
        values = []
        for t in (h, -h):
            beside.move(t)
            values.append(point.phi("elements"))
        return (values[0] - values[1]) / (2 * h)
    finally:
        for array, content in zip(arrays, kept, strict=True):
            array[...] = content
