"""A point that slopes are taken at: lines through it, and how noisy the output is around it.

The noise is measured, since what happens inside a layer may lose far more digits than its dtype
tells: it is what a cubic leaves of eight values close together (after Moré and Wild, "Estimating
Computational Noise", 2011). They are taken at a spacing at which the output climbs steadily: a
forward pass that computes in float32 or float16 inside, whatever it is given, stands still or
stumbles at finer ones. The first step grows with the noise, by its fifth root, which is where
truncation and rounding of the five-point formula balance.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chainrule.gradcheck.subject.subject import Pass, Subject
from chainrule.gradcheck.subject.trees import Arrays

FIRST_STEP = 1e-3
FAR = 2.0  # an output that stays where it is in so large a step does not depend on what moves
PACES = np.linspace(0.55, 1.0, 12)  # steps over which slopes of few digits are averaged
SPACINGS = (1e-6, 1e-4, 1e-2)  # of the values that noise shows in, finest first
# Their places along the line, at unlike distances, so that rounding cannot keep step with them; and
# what a cubic leaves of values there.
OFFSETS = np.array([1.0, 2.37, 3.11, 4.52, 5.23, 6.71, 7.18, 8.64])
REST = np.eye(8) - np.linalg.multi_dot(
    [(V := np.vander(OFFSETS / 8, 4)), np.linalg.inv(V.T @ V), V.T]
)


class Line:
    """A straight line through a point: arrays, and what each of them moves by for t = 1. Slopes
    are those in t; or, with `indices`, those in the entries of the one array's .flat there."""

    def __init__(
        self, *parts: tuple[np.ndarray, np.ndarray], indices: np.ndarray | None = None
    ) -> None:
        self.parts = [(array, array.copy(), v) for array, v in parts]
        self.indices = indices
        self.follows: np.ndarray | None = None  # which outputs follow, where somebody has looked

    def move(self, t: float) -> np.ndarray:
        """Set the arrays to their place at t; returns the steps that were taken."""
        for array, kept, v in self.parts:
            array[...] = kept + t * v if t else kept
        if self.indices is None:
            return np.array([t])
        array, kept, _ = self.parts[0]
        return array.flat[self.indices] - kept.flat[self.indices]


def units(array: np.ndarray) -> np.ndarray:
    """How far each entry of an array may be moved: its own size, or the array's where that is more,
    but no more than 1; 1 in an array of next to nothing; and the spread of numbers far from 0."""
    size = float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0
    spread = float(np.std(array)) if array.size else 0.0
    if 1e-12 * size < spread < 1e-3 * size:
        return np.full(array.shape, spread)
    return np.maximum(np.abs(array), min(size, 1.0) if size > 1e-8 else 1.0)


def random_line(arrays: Arrays, rng: np.random.Generator) -> Line:
    """A line along which all entries move, each in its own units."""
    return Line(*((a, units(a) * rng.standard_normal(a.shape)) for a in arrays))


def tied_line(arrays: Arrays, rng: np.random.Generator) -> Line:
    """A line along which entries that are equal move together."""
    pace, start = rng.uniform(1, 3), rng.uniform(0, 6)
    return Line(*((a, units(a) * np.cos(pace * a + start)) for a in arrays))


def entry_line(array: np.ndarray, indices: np.ndarray) -> Line:
    """The line along which the entries of array.flat at `indices` move, each in its own units."""
    v = np.zeros(array.size)
    v[indices] = units(array).reshape(-1)[indices]
    return Line((array, v.reshape(array.shape)), indices=indices)


class Point:
    """A subject at one point, and the change of its output, weighted by `douts`, around it.

    moving  the arrays that may be moved
    noise   of φ, in absolute numbers
    step    the first step h
    """

    def __init__(
        self, subject: Subject, train: bool, done: Pass, moving: Arrays, rng: np.random.Generator
    ) -> None:
        self.moving = moving
        self.subject, self.train, self.rng = subject, train, rng
        values = done.outs if subject.surrogate is None else subject.values(train)
        self.out = [o.astype(np.float64) for o in values]
        self.douts = done.douts
        weighted = zip(self.out, self.douts, strict=True)
        total = sum(np.square(o * d).sum() for o, d in weighted if d is not None)
        self.floor, self.seen = float(np.finfo(np.float64).eps * np.sqrt(total)), self.out
        self.noise, self.step = self.floor, FIRST_STEP
        self.noises = np.zeros(self.sizes().shape)  # of the elements of the outputs
        self.last = subject.profile.precision
        if moving:
            self._measure_noise()

    def followers(self, line: Line) -> np.ndarray:
        """Which elements of the outputs follow a step along the line that is far."""
        if line.follows is None:
            line.follows = (self.walk(line, (FAR, -FAR), "elements") != 0).any(axis=0)
        return line.follows

    def phi(self, split: str = "") -> np.ndarray:
        """φ where the inputs and parameters are now: (1,); split by "rows" of the one output, (N,);
        or by the "elements" of the outputs, (K,). It is nan where the layer refuses its inputs."""
        with np.errstate(all="ignore"):
            try:
                self.seen = outs = self.subject.values(self.train)
                moved = zip(outs, self.out, self.douts, strict=True)
                changes = [(now - then) * d for now, then, d in moved if d is not None]
            except Exception:  # out of the domain of the layer, which may say so as it likes
                changes = [np.full_like(then, np.nan) for then in self.out]
            if split == "rows":
                return changes[0].reshape(len(changes[0]), -1).sum(axis=1)
            if split == "elements":
                return np.concatenate([change.reshape(-1) for change in changes])
            return np.array([sum(change.sum() for change in changes)])

    def walk(self, line: Line, places: Iterable[float], split: str = "") -> np.ndarray:
        """φ at these places along a line, a row for each, and back to where it starts."""
        values = []
        for t in places:
            line.move(t)
            values.append(self.phi(split))
        line.move(0.0)
        return np.array(values)

    def sizes(self) -> np.ndarray:
        """|out · dout| for every element of the outputs."""
        pairs = zip(self.out, self.douts, strict=True)
        return np.concatenate([np.abs(o * d).reshape(-1) for o, d in pairs if d is not None])

    def _measure_noise(self) -> None:
        """Set noise and step from values along a line, to one side of the point, which may sit on a
        kink; each output has its own spacing at which it climbs steadily."""
        line = random_line(self.moving, self.rng)
        noise = slope = np.zeros(self.sizes().shape)
        pending = np.ones(noise.shape, bool)
        for spacing in SPACINGS:
            values = self.walk(line, OFFSETS * spacing, "elements")
            if not np.isfinite(values).all():
                break
            pace = np.diff(values, axis=0) / np.diff(OFFSETS)[:, np.newaxis]
            size = np.median(np.abs(pace), axis=0)
            steady = (size > 0) & (np.ptp(pace, axis=0) <= 0.5 * size)
            found = np.sqrt(np.square(REST @ values).sum(axis=0) / (len(OFFSETS) - 4))
            counts = steady | (spacing == SPACINGS[0])  # the finest, until another is steady
            noise = np.where(pending & counts, found, noise)
            slope = np.where(pending & steady, size / spacing, slope)
            pending &= ~steady
            if not pending.any() or not (pending & self._moved(line)).any():
                break
        if pending.any() and np.isfinite(values).all():
            stair, rise = stairs(values, self.sizes())
            noise = np.where(pending, np.maximum(noise, stair), noise)
            slope = np.where(pending & (stair > 0), rise / spacing, slope)
        self._moved(line)
        last = max(digits(self.seen), self.last)
        self.floor = max(self.floor, last * float(np.linalg.norm(self.sizes())))
        self.noise = max(self.floor, float(np.sqrt(np.square(noise).sum())))
        self.noises = np.maximum(noise, last * self.sizes())
        if steepness := float(np.sqrt(np.square(slope).sum())):
            ratio = self.noise / steepness
            self.step = float(np.clip(ratio**0.2, FIRST_STEP, 0.3))
        self.step = max(self.step, min(self.last**0.2, 0.3))

    def noise_along(self, line: Line, t: float, split: str) -> float | np.ndarray:
        """The noise of φ in a step t along a line. Where the format is known, it is that of the
        outputs which follow; the others move by less than what shows in a step that is far."""
        if not self.last:
            return self.noise
        little = min(abs(t) / FAR, 1.0)
        noises = np.where(self.followers(line), self.noises, self.noises * little)
        if split == "elements":
            return noises
        if split == "rows":
            noises = noises.reshape(len(self.out[0]), -1)
        return np.sqrt(np.square(noises).sum(axis=-1)).reshape(-1)

    def _moved(self, line: Line) -> np.ndarray:
        """Which elements of the outputs move in a large step along the line."""
        return self.walk(line, SPACINGS[-1:], "elements")[0] != 0

    def is_still(self, line: Line) -> bool:
        """Whether nothing moves in a small step along the line, as where a function is made of
        stairs; those of float16 are too narrow to stand on for long. Where the format is known,
        whether most of what follows in a large step does not in one of a digit or two."""
        if self.last:
            near = self.walk(line, (4 * self.last, -4 * self.last), "elements").any(axis=0)
            return bool(near.sum() <= 0.5 * self.followers(line).sum())
        return not self.walk(line, (1e-5, -1e-5)).any()


def digits(outs: Arrays) -> float:
    """Half the last digit, relative, of the format of fewer digits that all numbers fit into; 0
    where there is none, and of whole numbers, which fit into any."""
    floats = [o for o in outs if o.dtype.kind == "f"]
    if not any((o != np.round(o)).any() for o in floats):
        return 0.0
    with np.errstate(all="ignore"):
        for dtype in (np.float16, np.float32):
            if all((o.astype(dtype) == o).all() for o in floats):
                return float(np.finfo(dtype).eps) / 2
    return 0.0


def stairs(values: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each output, the height of the stairs that it climbs, where it does and they are low, as
    those of a format of few digits or of rounding; 0 elsewhere; and how fast it climbs."""
    steps = np.abs(np.diff(values, axis=0))
    lowest = np.where(steps > 0, steps, np.inf).min(axis=0)
    with np.errstate(all="ignore"):
        counts = steps / lowest
        even = (np.abs(counts - np.round(counts)) < 1e-6).all(axis=0)
    several = ((steps > 0).sum(axis=0) > 1) | (sizes > lowest)
    low = lowest <= 0.05 * sizes.max(initial=0.0)
    stair = np.where(low & several & even, lowest, 0.0)
    return stair, np.abs(values[-1] - values[0]) / np.ptp(OFFSETS)


def rows_are_independent(point: Point, x: np.ndarray) -> bool:
    """Whether each row of the one output depends on the same row of x alone."""
    outs, rng = point.out, point.rng
    if len(outs) != 1 or x.ndim < 2 or outs[0].shape[:1] != x.shape[:1] or len(x) < 2:
        return False
    kept, numbers = x.copy(), np.arange(len(x))
    moves = 0.1 * np.maximum(np.abs(x), 1.0) * rng.uniform(0.2, 1, x.shape)
    moves *= rng.choice([-1.0, 1.0], x.shape)
    # Any two rows differ in a bit of their numbers, so that one moves while the other stays.
    for bit in range(max(len(x) - 1, 1).bit_length()):
        for value in (0, 1):
            moving = (numbers >> bit & 1) == value
            x[moving] += moves[moving]
            try:
                moved = point.subject.values(point.train)[0]
            except Exception:  # as an input out of its domain may be refused
                return False
            finally:
                x[...] = kept
            if moved.shape != outs[0].shape or not np.allclose(
                moved[~moving], outs[0][~moving], rtol=1e-12, atol=1e-12, equal_nan=True
            ):
                return False
    return True
