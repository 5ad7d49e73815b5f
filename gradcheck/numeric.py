"""Derivatives from differences: the limit of the definition, central differences, complex steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)
# The step h of each method, for an entry of size 1 or less.
STEPS = {"forward": EPS ** (1 / 2), "central": 1e-5, "complex": 1e-20}


class ComplexStepError(ValueError):
    """The complex step cannot be taken through this function, or would be wrong there."""


def numerical_gradient(
    f: Callable[[], Any],
    x: np.ndarray,
    dout: Any = 1.0,
    *,
    method: str = "central",
    step: float | None = None,
    entries: Sequence[int] | None = None,
) -> np.ndarray:
    """The gradient of Σ dout · f() with respect to the array `x`, from differences.

        "forward"  dL/dx_i ≈ Σ dout · (f(x_i + h) - f(x_i)) / h          the limit's definition
        "central"  dL/dx_i ≈ Σ dout · (f(x_i + h) - f(x_i - h)) / 2h     the default
        "complex"  dL/dx_i ≈ Σ dout · Im f(x_i + ih) / h

    `f` is called without arguments and reads `x`, which is changed in place, one entry at a time,
    and put back. `dout` has the shape of f(). `entries` are the indices into x.flat to look at;
    left out, all. Returns an array of the shape of x, or one number per entry of `entries`.

    h = step · max(|x_i|, 1), and `step`, left out, balances truncation against rounding: 1.5e-8,
    1e-5 and 1e-20. The error relative to the largest gradient is then about 1e-8, 1e-10 and
    1e-16, where f is smooth within the step. Differences are taken element by element before they
    are summed: two sums of many terms would cancel and lose three digits. The divisor is the step
    that rounding left. "forward" calls f n + 1 times for n entries, "central" 2n times.

    The complex step subtracts nothing, so nothing cancels (Martins, Sturdza and Alonso, "The
    complex-step derivative approximation", ACM TOMS 29(3), 2003). It calls f n + 4 times. As f
    reads x, x itself has to hold complex numbers there: z = x.astype(complex), and an f that reads
    z. It is wrong without a sign of it where f takes absolute values or conjugates, so the result
    is compared with a central difference along one direction.

    Raises TypeError unless x is an array of float64 (complex128 for the complex step; in float32
    rounding swamps the difference), and ValueError where dout is neither a number nor of the shape
    of f(), where method or step is of another kind, and where the complex step does not work.
    """
    if method not in STEPS:
        raise ValueError(
            f"numerical_gradient: method is {method!r}, expected one of {', '.join(STEPS)}"
        )
    if step is not None and not (isinstance(step, (int, float)) and 0 < step < np.inf):
        raise ValueError(f"numerical_gradient: step is {step!r}, expected a positive number")
    if not isinstance(x, np.ndarray):
        raise TypeError(
            f"numerical_gradient: x is a {type(x).__name__}, expected the array that f reads"
        )
    expected = np.complex128 if method == "complex" else np.float64
    if x.dtype != expected:
        raise TypeError(
            f"numerical_gradient: x has dtype {x.dtype}, expected {expected.__name__}"
            + (": write z = x.astype(complex) and let f read z" if method == "complex" else "")
        )
    if np.any(x.imag):
        raise ValueError("numerical_gradient: x has imaginary parts, expected real numbers in it")
    wanted = range(x.size) if entries is None else entries
    slopes = np.empty(len(wanted))
    for at, (change, width) in enumerate(differences(f, x, method, step, wanted)):
        if np.ndim(dout) and np.shape(dout) != change.shape:
            raise ValueError(
                f"numerical_gradient: dout has shape {np.shape(dout)}, expected {change.shape}, "
                f"the shape of f()"
            )
        slopes[at] = np.sum(change * dout) / width
    if method == "complex":
        compare(lambda: np.multiply(f(), dout), x, slopes, wanted)
    return slopes.reshape(x.shape) if entries is None else slopes


def differences(
    f: Callable[[], Any],
    x: np.ndarray,
    method: str,
    step: float | None = None,
    entries: Iterable[int] | None = None,
) -> Iterator[tuple[np.ndarray, float]]:
    """For each entry of `x` how much f() changes, an array, and the width of the step that it
    changes over. `x` is changed in place and put back."""
    step = STEPS[method] if step is None else step
    start = np.array(f()) if method == "forward" else None
    for entry in range(x.size) if entries is None else entries:
        index = np.unravel_index(entry, x.shape)
        kept = x[index]
        h = step * max(abs(kept), 1.0)
        try:
            if method == "complex":
                x[index] = kept + 1j * h
                change, width = complex_value(f).imag, h
            else:
                x[index] = kept + h
                above, right = x[index], np.array(f())  # a copy: f may hand out x itself
                x[index] = kept if method == "forward" else kept - h
                below, left = x[index], np.array(f()) if start is None else start
                change, width = right - left, (above - below).real
        finally:
            x[index] = kept
        yield change, width


def complex_value(f: Callable[[], Any]) -> np.ndarray:
    """f() as an array of complex numbers. Raises ComplexStepError where f refuses them, or
    returns real numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # of a cast to real
            value = np.array(f())
    except Exception as error:  # whatever f does with numbers it was not written for
        raise ComplexStepError(
            f"complex step: f does not compute with complex numbers ({error}); use differences"
        ) from error
    if value.dtype.kind != "c":
        raise ComplexStepError(
            "complex step: f returns real numbers for complex ones, as abs and casts do; use "
            "differences"
        )
    return value


def compare(
    f: Callable[[], Any], x: np.ndarray, slopes: np.ndarray, entries: Iterable[int] | None = None
) -> None:
    """Raises ComplexStepError unless `slopes`, found by complex steps, stand the test of
    `both_ways`."""
    found, slope, error = both_ways(f, x, slopes, entries)
    excess = np.abs(found - slope) - error
    if not np.all(excess <= 0):
        worst = np.argmax(excess)
        raise ComplexStepError(
            f"complex step: the slope along a random direction is {found.flat[worst]:.10g}, but "
            f"{slope.flat[worst]:.10g} by differences: f takes absolute values, conjugates or real "
            f"parts, or has a kink here; use differences"
        )


def both_ways(
    f: Callable[[], Any], x: np.ndarray, slopes: np.ndarray, entries: Iterable[int] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slope of f() along a random direction, from `slopes` and from central differences, and
    by how much the two may differ if both are right.

    `slopes` (f().size, n) are the derivatives with respect to n entries of x, or (n,) those of
    the sum of f(). The bar is ten times what doubling the step changes, ten times the rounding of
    f over the step, and 1e-8 of the terms of the sum.
    """
    wanted = list(range(x.size) if entries is None else entries)
    total = np.sum if slopes.ndim == 1 else np.asarray
    along = np.random.default_rng(0).standard_normal(len(wanted))
    along *= np.maximum(np.abs(x.flat[wanted]), 1.0)
    h = EPS ** (1 / 3)
    kept = x.copy()
    value: dict[int, np.ndarray] = {}
    try:
        for k in (-2, -1, 1, 2):
            x.flat[wanted] = kept.flat[wanted] + k * h * along
            value[k] = np.array(f()).real.ravel()
    finally:
        x[...] = kept
    near = total(value[1] - value[-1]) / (2 * h)
    far = total(value[2] - value[-2]) / (4 * h)
    rounding = EPS * max(np.max(total(np.abs(v)), initial=0.0) for v in value.values()) / h
    error = 10 * np.abs(near - far) + 10 * rounding + 1e-8 * (np.abs(slopes) @ np.abs(along))
    return slopes @ along, near, error
