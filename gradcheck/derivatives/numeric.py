"""Derivatives from differences: the limit of the definition, central differences, complex steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.subject import own_stream

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
    entries: Iterable[int] | None = None,
) -> np.ndarray:
    """The gradient of Σ dout · f() with respect to the array `x`, from differences.

        "forward"  dL/dx_i ≈ Σ dout · (f(x_i + h) - f(x_i)) / h          the limit's definition
        "central"  dL/dx_i ≈ Σ dout · (f(x_i + h) - f(x_i - h)) / 2h     the default
        "complex"  dL/dx_i ≈ Σ dout · Im f(x_i + ih) / h

    `f` is called without arguments and reads `x`, which is changed in place, one entry at a time,
    and put back; f has to return the same for the same x. `dout` has the shape of f(). `entries`
    are the indices into x.flat to look at; left out, all. Returns an array of the shape of x, or
    one number per entry of `entries`.

    h = step · max(|x_i|, 1), and `step`, left out, balances truncation against rounding: 1.5e-8,
    1e-5 and 1e-20. The error relative to the largest gradient is then about 1e-8, 1e-10 and
    1e-16, where f is smooth within the step. Differences are taken element by element before they
    are summed: two sums of many terms would cancel and lose three digits. The divisor is the step
    that rounding left. "forward" calls f n + 1 times for n entries, "central" 2n times.

    The complex step subtracts nothing, so nothing cancels (Martins, Sturdza and Alonso, "The
    complex-step derivative approximation", ACM TOMS 29(3), 2003). It calls f n + 4 times, and four
    times more where that tells little, as beside a pole. As f reads x, x itself has to hold complex
    numbers there: z = x.astype(complex), and an f that reads z. It is wrong without a sign of it
    where f takes absolute values or conjugates, so that every output is compared with a central
    difference along one direction.

    Raises TypeError unless x and f() are arrays of float64 (complex128 for the complex step; in
    float32 rounding swamps the difference), and ValueError where x is read-only, not finite or
    written into by f, where the shape of f() changes, where dout is neither a number nor of that
    shape, where method, step or entries is of another kind, and where the complex step does not
    work.
    """
    who, shape = "numerical_gradient", None
    check_arguments(who, f, x, method, step)
    dout = reals(who, "dout has", dout)
    wanted, back = np.unique(indices(who, entries, x.size), return_inverse=True)

    def value() -> np.ndarray:
        nonlocal shape
        out = numbers(who, "f", f(), x.dtype, shape)
        shape = out.shape
        return out

    kept, slopes, along = x.copy(), np.empty(len(wanted)), np.zeros(x.shape)
    along.flat[wanted] = direction(x).flat[wanted]
    found = terms = np.zeros(())  # of the slope along that direction, which complex steps give
    try:
        for at, (change, width) in enumerate(differences(value, x, method, step, wanted)):
            if dout.ndim:
                of_shape(who, "dout has", dout, change.shape, "the shape of f()")
            slopes[at] = np.sum(change * dout) / width
            if method == "complex":
                term = change * dout / width * along.flat[wanted[at]]
                found, terms = found + term, terms + np.abs(term)
        if method == "complex":
            compare(lambda: value() * dout, x, along, found, terms)
        if not np.array_equal(x, kept):
            raise wrong(who, "f writes into x", "it to read x alone, or a copy of x")
    finally:
        x[...] = kept
    return slopes.reshape(x.shape) if entries is None else slopes[back]


def indices(who: str, entries: Any, size: int) -> np.ndarray:
    """`entries` as an array, those of all `size` numbers for None. Raises ValueError unless they
    are indices into these."""
    if entries is None:
        return np.arange(size)
    try:
        places = list(entries)
    except TypeError as error:
        raise wrong(who, f"entries is {entries!r}", "indices into x.flat, as in [0, 3]") from error
    for place in places:
        whole = isinstance(place, (int, np.integer)) and not isinstance(place, bool)
        if not whole or not 0 <= place < size:
            expected = f"indices into x.flat, whole numbers from 0 on and below {size}"
            raise wrong(who, f"entries has {place!r} in it", expected)
    return np.array(places, int)


def wrong(who: str, what: str, expected: str, error: type[Exception] = ValueError) -> Exception:
    """The error of an argument of the function `who`: what it is, and what is expected of it."""
    return error(f"{who}: {what}, expected {expected}")


def check_arguments(who: str, f: Any, x: Any, method: Any, step: Any) -> None:
    """Raises TypeError or ValueError unless these are arguments of `numerical_gradient`."""
    if method not in tuple(STEPS):
        raise wrong(who, f"method is {method!r}", f"one of {', '.join(STEPS)}")
    is_number = isinstance(step, Real) and not isinstance(step, bool)
    if step is not None and not (is_number and 0 < step < np.inf):
        raise wrong(who, f"step is {step!r}", "a positive number")
    if not callable(f):
        expected = "a function without arguments that reads x"
        raise wrong(who, f"f is a {type(f).__name__}", expected, TypeError)
    if not isinstance(x, np.ndarray):
        raise wrong(who, f"x is a {type(x).__name__}", "the array that f reads", TypeError)
    dtype = "complex128" if method == "complex" else "float64"
    if x.dtype != dtype:
        advice = ": write z = x.astype(complex) and let f read z" if method == "complex" else ""
        raise wrong(who, f"x has dtype {x.dtype}", f"{dtype}{advice}", TypeError)
    if not x.flags.writeable:
        raise wrong(who, "x is read-only", "an array that may move while f reads it")
    if np.any(x.imag):
        raise wrong(who, "x has imaginary parts", "real numbers in it")
    finite(who, "x", x)


def as_array(who: str, what: str, given: Any) -> np.ndarray:
    """`given` as an array. Raises ValueError where it is ragged; `what` it is begins the sentence,
    as in "x has"."""
    try:
        return np.asarray(given)
    except ValueError as error:
        raise wrong(who, f"{what} rows of unlike lengths", "an array") from error


def reals(who: str, what: str, given: Any, kinds: str = "fiu") -> np.ndarray:
    """`given` as an array, as above. Raises TypeError unless its dtype is of one of the `kinds`."""
    if (array := as_array(who, what, given)).dtype.kind not in kinds:
        raise wrong(who, f"{what} dtype {array.dtype}", "real numbers", TypeError)
    return array


def finite(who: str, name: str, x: np.ndarray) -> np.ndarray:
    """`x`. Raises ValueError where a number in it is nan or infinite."""
    if not np.isfinite(x).all():
        raise wrong(who, f"{name} has {x[~np.isfinite(x)][0].real} in it", "finite numbers")
    return x


def of_shape(
    who: str, what: str, array: np.ndarray, shape: tuple[int, ...], whose: str
) -> np.ndarray:
    """`array`. Raises ValueError unless it has this shape, that of something."""
    if array.shape != shape:
        raise wrong(who, f"{what} shape {array.shape}", f"{shape}, {whose}")
    return array


def numbers(
    who: str, source: str, value: Any, dtype: np.dtype, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """A copy of what `source` returned as floats, or, for an x of complex `dtype`, as they are.
    Raises TypeError where it holds anything but numbers, or complex ones for real ones, and
    ValueError where it does not have the `shape` that it had before."""
    array = reals(who, f"{source} returns", value, "fciub" if dtype.kind == "c" else "fiub")
    if shape is not None and array.shape != shape:
        shapes = f"an array of shape {array.shape} after one of shape {shape}"
        raise wrong(who, f"{source} returns {shapes}", "the same shape in every call")
    return array.astype(np.float64) if array.dtype.kind in "iub" else array.copy()


def differences(
    f: Callable[[], np.ndarray],
    x: np.ndarray,
    method: str,
    step: float | None = None,
    entries: Iterable[int] | None = None,
) -> Iterator[tuple[np.ndarray, float]]:
    """For each entry of `x` how much f() changes, an array, and the width of the step that it
    changes over. `x` is changed in place and put back. Raises TypeError where f() is float32, and
    ValueError where the step moves nothing."""
    step = STEPS[method] if step is None else float(step)
    value = complex_value if method == "complex" else real_value
    start = value(f) if method == "forward" else None
    for entry in range(x.size) if entries is None else entries:
        index = np.unravel_index(entry, x.shape)
        kept = x[index]
        h = step * max(float(abs(kept)), 1.0)
        try:
            if method == "complex":
                x[index] = kept + 1j * h
                change, width = value(f).imag, h
            else:
                x[index] = kept + h
                above, right = x[index], value(f)
                x[index] = kept if method == "forward" else kept - h
                below, left = x[index], value(f) if start is None else start
                change, width = right - left, (above - below).real
        finally:
            x[index] = kept
        if not 0 < width < np.inf:
            lost = f"a step of {h:.3g} from {kept.real:.3g} is lost in rounding or overflows"
            raise wrong(f"{method} differences", lost, "a step that moves it")
        yield change, width


def real_value(f: Callable[[], np.ndarray]) -> np.ndarray:
    """f(). Raises TypeError where it is float32 or less."""
    if (value := f()).dtype.itemsize < 8:
        found = f"f returns {value.dtype}, in which rounding swamps them"
        raise wrong("differences", found, "float64", TypeError)
    return value


def complex_value(f: Callable[[], np.ndarray]) -> np.ndarray:
    """f() as an array of complex numbers. Raises ComplexStepError where f refuses them, or
    returns real numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # of a cast to real
            value = f()
    except Exception as error:  # whatever f does with numbers it was not written for
        raise ComplexStepError(
            f"complex step: f does not compute with complex numbers ({error}); use differences"
        ) from error
    if value.dtype.kind != "c":
        raise ComplexStepError(
            "complex step: f returns real numbers for complex ones, as abs and casts do; use "
            "differences"
        )
    if value.dtype.itemsize < 16:
        raise wrong("complex step", f"f returns {value.dtype}", "complex128", ComplexStepError)
    return value


def compare(
    f: Callable[[], np.ndarray], x: np.ndarray, along: np.ndarray, found: Any, terms: Any
) -> None:
    """Raises ComplexStepError where slopes found by complex steps do not stand the test of
    `both_ways`."""
    if (slopes := both_ways(f, x, along, found, terms)) is not None:
        raise ComplexStepError(
            f"complex step: the slope along a random direction is {slopes[0]:.10g}, but "
            f"{slopes[1]:.10g} by differences: f takes absolute values, conjugates or real parts, "
            f"or has a kink or an edge here; use differences"
        )


def direction(x: np.ndarray) -> np.ndarray:
    """A random direction for `both_ways`, always the same, on the scale of x."""
    return own_stream(0).standard_normal(x.shape) * np.maximum(np.abs(x), 1.0)


def both_ways(
    f: Callable[[], np.ndarray], x: np.ndarray, along: np.ndarray, found: Any, terms: Any
) -> tuple[float, float] | None:
    """Where the slope of an output of f() in the direction `along` contradicts central differences,
    the two slopes, of the worst output; None where all agree.

    `found`, of the shape of f(), is Σ_j ∂out_i/∂x_j along_j, and `terms` the sum of the absolute
    terms. Where the differences tell little of an output, since it is not finite within the step or
    their bar is not small, as beside a pole, a shorter step decides if it tells more, and also
    where the shorter one contradicts the longer; one in which the output does not move tells
    nothing.
    """
    found, terms = np.ravel(found), np.ravel(terms)
    with np.errstate(all="ignore"):  # f may have an edge within the step
        slope, bar = along_line(f, x, along, terms, EPS ** (1 / 3))
        doubtful = ~(bar <= 1e-3 * (terms + np.abs(slope)))
        if np.any(doubtful | (np.abs(found - slope) > bar)):
            closer = along_line(f, x, along, terms, EPS ** (2 / 3))
            elsewhere = np.abs(closer[0] - slope) > closer[1] + bar
            better = (doubtful & (closer[1] < bar) | elsewhere) & (closer[0] != 0) | np.isnan(bar)
            slope, bar = np.where(better, closer, (slope, bar))
        excess = np.abs(found - slope) - bar
    if np.all(excess <= 0):
        return None
    worst = np.argmax(excess)
    return float(np.broadcast_to(found, slope.shape)[worst]), float(slope[worst])


def along_line(
    f: Callable[[], np.ndarray], x: np.ndarray, along: np.ndarray, terms: np.ndarray, h: float
) -> tuple[np.ndarray, np.ndarray]:
    """The slope of every output of f() in the direction `along` from central differences with the
    step `h`, and the bar of each for another slope: ten times what doubling the step changes, ten
    times the rounding of this output and of x over the step, 1e-8 of its `terms`, and 1e-280, below
    which complex steps underflow."""
    kept, value = x.copy(), {}
    try:
        for k in (-2, -1, 1, 2):
            x[...] = kept + k * h * along
            value[k] = f().real.ravel()
    finally:
        x[...] = kept
    near = (value[1] - value[-1]) / (2 * h)
    far = (value[2] - value[-2]) / (4 * h)
    largest = np.max([np.abs(v) for v in value.values()], axis=0)
    bar = 10 * np.abs(near - far) + 10 * EPS / h * (largest + terms) + 1e-8 * terms + 1e-280
    return near, bar
