"""Points in the plane, drawn by formula: problems whose solution can be looked at.

Every function returns a `Dataset` with x (N, 2) float64 and classes named "0", "1", …, divided
60/20/20 by `stratified_split`. n is the number of points in all three parts together, shared
out evenly among the classes; points and split follow from `seed`. In the formulas u is uniform
on [0, 1), ε is standard normal, both drawn anew for each point, and j is the class. Fewer than
two classes, or fewer than three points of one, raise ValueError.
"""

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Dataset


def spirals(
    n: int = 600, *, classes: int = 3, turns: float = 0.6, noise: float = 0.2, seed: int = 0
) -> Dataset:
    """Draw arms of a spiral, one for each class, twisted into each other.

    x = r (sin θ, cos θ),  r = 0.1 + 0.9 u,  θ = 2π (j / classes + turns · r) + noise · ε

    The three arms of the CS231n notes, up to their spacing. With `classes=2, turns=3,
    noise=0` it is the problem of K. J. Lang and M. J. Witbrock, "Learning to tell two spirals
    apart", 1988: hard for a small net.
    """
    rng, y = _start("spirals", n, classes, seed)
    r = rng.uniform(0.1, 1.0, n)
    angle = 2 * np.pi * (y / classes + turns * r) + noise * rng.standard_normal(n)
    x = r[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return Dataset.from_arrays("spirals", x, y, seed=rng)


def moons(n: int = 400, *, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Draw two half circles that reach into each other.

    Class 0: x = (cos πu, sin πu) + noise · ε,  class 1: x = (1 - cos πu, ½ - sin πu) + noise · ε
    """
    rng, y = _start("moons", n, 2, seed)
    angle = np.pi * rng.random(n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(y[:, None] == 0, upper, [1.0, 0.5] - upper)
    return Dataset.from_arrays("moons", x + noise * rng.standard_normal((n, 2)), y, seed=rng)


def circles(n: int = 400, *, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Draw two rings around the origin: class 0 of radius 1, class 1 of radius ½.

    x = (1 - j/2) (cos 2πu, sin 2πu) + noise · ε
    """
    rng, y = _start("circles", n, 2, seed)
    angle = 2 * np.pi * rng.random(n)
    x = (1 - y / 2)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Dataset.from_arrays("circles", x + noise * rng.standard_normal((n, 2)), y, seed=rng)


def blobs(n: int = 400, *, classes: int = 4, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Draw a round cloud for each class, centred on the unit circle.

    x = (cos(2πj/classes), sin(2πj/classes)) + noise · ε
    """
    rng, y = _start("blobs", n, classes, seed)
    angle = 2 * np.pi * y / classes
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Dataset.from_arrays("blobs", x + noise * rng.standard_normal((n, 2)), y, seed=rng)


def xor(n: int = 400, *, noise: float = 0.3, seed: int = 0) -> Dataset:
    """Draw clouds at the corners of a square; opposite corners are of one class.

    x = (s, s - 2 j s) + noise · ε,  s = -1 or 1 with equal chance

    Class 0 has coordinates of the same sign, class 1 of different signs: no straight line
    separates them.
    """
    rng, y = _start("xor", n, 2, seed)
    side = rng.choice([-1.0, 1.0], n)
    x = np.stack([side, side - 2 * y * side], axis=1)
    return Dataset.from_arrays("xor", x + noise * rng.standard_normal((n, 2)), y, seed=rng)


def _start(
    name: str, n: int, classes: int, seed: int
) -> tuple[np.random.Generator, NDArray[np.int64]]:
    if classes < 2:
        raise ValueError(f"{name}: classes must be at least 2, got {classes}")
    if n < 3 * classes:
        raise ValueError(f"{name}: n must be at least {3 * classes}, 3 for each class, got {n}")
    return np.random.default_rng(seed), np.arange(n, dtype=np.int64) % classes
