"""Derivatives of layers and of functions: products with the Jacobian, the Jacobian, the Hessian."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.derivatives.memory import allowed
from chainrule.gradcheck.derivatives.numeric import (
    EPS,
    ComplexStepError,
    both_ways,
    compare,
    differences,
    direction,
    finite,
    of_shape,
    reals,
    wrong,
)
from chainrule.gradcheck.derivatives.operands import FunctionAt, LayerAt, at_place, settled
from chainrule.gradcheck.subject.trees import fingerprint

SECOND = EPS ** (1 / 4)  # the step that is best for second differences

# x and f: f() reads x, which may be moved in place; made afresh in float64 or complex128.
Make = Callable[[Any], tuple[np.ndarray, Callable[[], Any]]]
Place = Callable[[Any], FunctionAt | LayerAt]  # `at_place` in a dtype


def vjp(layer: Any, *inputs: Any, dout: Any, wrt: str | None = None, train: bool = True) -> Any:
    """dout · J: the gradient of Σ dout · out, from one forward and one backward pass.

    `dout` has the shape of out. Returns what backward returns for the inputs, each gradient of the
    shape of its input, a tuple where there are several; with `wrt`, the name of an input or a
    parameter, that one gradient. This is all that backpropagation needs of the Jacobian J, which
    is not formed. It runs in the dtype of the inputs, on a copy of the layer.

    Raises TypeError where layer is not a layer or dout not an array of real numbers, and ValueError
    where dout does not have the shape of out or backward returns no gradient for wrt.
    """
    here = LayerAt("vjp", layer, inputs, train, wrt=wrt)
    out, cache = here.forward()
    if dout is None:
        raise wrong("vjp", "dout is None", f"an array of shape {out.shape}, as out has", TypeError)
    dout = reals("vjp", "dout has", dout).astype(out.dtype)
    of_shape("vjp", "dout has", dout, out.shape, "the shape of the output")
    gradients = here.backward(dout, cache)
    if wrt is not None:
        return here.fitting(gradients, wrt)
    dxs = tuple(here.fitting(gradients, name) for name in here.floats if name in gradients)
    if not dxs:
        raise ValueError(
            f"vjp: {here.title} has no input with a gradient; name one of its parameters with wrt: "
            f"{', '.join(here.subject.params)}"
        )
    return dxs[0] if len(dxs) == 1 else dxs


def jvp(f: Any, *inputs: Any, v: Any, wrt: str | None = None, train: bool = True) -> np.ndarray:
    """J v, the change of out for a small change v of x: out(x + v) ≈ out(x) + J v. Of the shape of
    out, in float64, without J; `v` has the shape of x.

        J v = (∂ / ∂t) f(x + t v) at t = 0

    The derivative of forward along a line: backward takes no part. It is the complex step where f
    takes complex numbers, exact to rounding, else a central difference, off by about 1e-10 of the
    largest entry. f and wrt are those of `jacobian`.

    Raises TypeError or ValueError where an argument is not of this kind, where x or v is not finite
    or f random, and ValueError where v does not have the shape of x.
    """
    at = partial(at_place, "jvp", f, inputs, train, wrt, None)
    here = at(np.float64)
    v, shape = direction_of("jvp", v, here.x), settled(here).shape

    def values(dtype: Any) -> tuple[np.ndarray, Callable[[], Any]]:
        there = at(dtype)
        there.shape = shape
        return there.x, there.value

    return along(values, v, here.x, int(np.prod(shape)), None, None).reshape(shape)


def jacobian(
    f: Any,
    *inputs: Any,
    wrt: str | None = None,
    method: str | None = None,
    layout: str = "numerator",
    train: bool = True,
) -> np.ndarray:
    """The derivative of every output with respect to every entry of x, in float64.

    f       a layer, called as f.forward(*inputs, train=…), or a function of one array, which it
            gets in float64, whole numbers too, and for which it returns the same in every call
    wrt     the name of the input or parameter of a layer that x is; left out, the first input
    method  "backward", "central" or "complex"; left out, "backward" for a layer, and for a
            function "complex" where it works and "central" where it does not
    layout  "numerator": entry [i…, j…] is ∂out_i/∂x_j, of shape out.shape + x.shape, as in Magnus
            and Neudecker, "Matrix Differential Calculus", and in Deisenroth, Faisal and Ong,
            "Mathematics for Machine Learning"
            "denominator": entry [j…, i…] is ∂out_i/∂x_j, of shape x.shape + out.shape, as in
            Aggarwal, "Linear Algebra and Optimization for Machine Learning"
    train   the mode of a layer: True, as in forward, so that this is the derivative of
            f.forward(x); with it, the rows of a batch norm depend on each other

    "backward" takes one backward pass per output, and is as exact as backward is right. "central"
    takes two calls of f per entry of x; its error is about 1e-10 of the largest entry. "complex"
    takes one, exact to rounding, and a few more to compare the result with differences, since
    absolute values would make it wrong without a sign of it; see `numerical_gradient`. In
    numerator layout dx = dout · J, as `vjp` has it without J; in denominator layout dx = J · dout.

    f runs on copies and the layer with it, so that x, state, generators and np.random stay as they
    are. Raises TypeError or ValueError where an argument is not of this kind, where x is not finite
    or f random, ValueError where "complex" does not work or backward writes into its cache, and
    MemoryError where the Jacobian would take more than 1 GiB.
    """
    if layout not in ("numerator", "denominator"):
        raise wrong("jacobian", f"layout is {layout!r}", "'numerator' or 'denominator'")
    if method not in (None, "backward", "central", "complex"):
        raise wrong("jacobian", f"method is {method!r}", "'backward', 'central' or 'complex'")
    at = partial(at_place, "jacobian", f, inputs, train, wrt, None)

    def make(dtype: Any) -> tuple[np.ndarray, Callable[[], Any]]:
        there = at(dtype)
        there.shape = out.shape
        return there.x, there.value

    here = at(np.float64)
    x, out = here.x, settled(here)
    allowed("jacobian", out.shape + x.shape, "vjp gives products with it")
    if isinstance(here, LayerAt) and method in (None, "backward"):
        slopes = backward_rows(here)
    elif method == "backward":
        raise ValueError("jacobian: a function has no backward pass; method is central or complex")
    else:
        slopes = derivatives(make, out.size, method)
    if layout == "denominator":
        return slopes.T.reshape(x.shape + out.shape)
    return slopes.reshape(out.shape + x.shape)


def backward_rows(here: LayerAt) -> np.ndarray:
    """The Jacobian (out.size, x.size): backward of a dout with a single 1 gives a row. Raises
    ValueError where backward writes into its cache, which spoils the rows that follow."""
    out, cache = here.forward()
    before = fingerprint(cache)
    slopes = np.empty((out.size, here.x.size))
    for at in range(out.size):
        dout = np.zeros(out.size)
        dout[at] = 1
        gradients = here.backward(dout.reshape(out.shape), cache)
        slopes[at] = here.fitting(gradients, here.wrt).ravel()
    if fingerprint(cache) != before:
        expected = "one that can be called again; take method='central'"
        raise wrong(here.who, f"backward of {here.title} writes into its cache", expected)
    return slopes


def derivatives(
    make: Make, size: int, method: str | None = None, step: float | None = None
) -> np.ndarray:
    """The derivatives (size, x.size) of f() with respect to x, for x, f = make(dtype): by complex
    steps where they work and central differences where not, or by the `method` alone."""
    if method != "central":
        x, f = make(np.complex128)
        try:
            return complex_columns(f, x, size)
        except ComplexStepError:
            if method == "complex":
                raise
    x, f = make(np.float64)
    return columns(f, x, "central", size, step)


def columns(
    f: Callable[[], Any], x: np.ndarray, method: str, size: int, step: float | None = None
) -> np.ndarray:
    """The derivatives (size, x.size) of f() with respect to x by one method."""
    slopes = np.empty((size, x.size))
    for at, (change, width) in enumerate(differences(f, x, method, step)):
        slopes[:, at] = np.ravel(change) / width
    return slopes


def complex_columns(f: Callable[[], Any], x: np.ndarray, size: int) -> np.ndarray:
    """The derivatives (size, x.size) of f() by complex steps. Raises ComplexStepError where they
    are wrong."""
    slopes = columns(f, x, "complex", size)
    along = direction(x)
    compare(f, x, along, slopes @ along.ravel(), np.abs(slopes) @ np.abs(along).ravel())
    return slopes


def hessian(
    f: Any,
    *inputs: Any,
    gradient: Callable[[np.ndarray], Any] | None = None,
    wrt: str | None = None,
    train: bool = True,
) -> np.ndarray:
    """The second derivatives ∂²f/∂x_i∂x_j of a number, of shape x.shape + x.shape, in float64.

    `f` is a function of one array, or a layer whose output is one number, such as a loss, called
    as f.forward(*inputs, train=…); `wrt` names the input or parameter that x is, left out, the
    first input. `gradient`, a function of x that returns ∇f, makes a function as exact as a layer.

    The columns are derivatives of the gradient: Im ∇f(x + ih e_j) / h where it takes complex
    numbers and agrees with differences (Martins, Sturdza and Alonso 2003), else
    (∇f(x + h e_j) - ∇f(x - h e_j)) / 2h. Our layers take no complex numbers. Without a gradient,
    it is found from f by complex steps, or else by differences, which makes these second ones.
    Then H becomes (H + Hᵀ) / 2. Measured errors, relative to the largest entry:

        gradient, complex step                         1e-15
        gradient of a layer, or differences            4e-10
        f alone, complex steps and then differences    4e-10
        f alone, second differences                    1e-7

    These are medians over 200 functions; where H is small against ∇f or f, as in saturation, more
    is lost in proportion, least of all with the complex step.

    The gradient is compared with f along a random direction. Nothing that is given is changed.
    Raises TypeError or ValueError where an argument is not of this kind or f is not a number,
    ValueError where the gradient is not that of f, MemoryError where H would take over 1 GiB.
    """
    at = partial(at_place, "hessian", f, inputs, train, wrt, gradient)
    here = at(np.float64)
    allowed("hessian", here.x.shape * 2, "hvp gives products with it")
    make, method, step = gradient_of(at)
    if here.has_gradient:
        along = direction(here.x)
        terms = here.gradient() * along
        slopes = both_ways(here.value, here.x, along, terms.sum(), np.abs(terms).sum())
        if slopes is not None:
            raise ValueError(
                f"hessian: along a random direction the gradient gives a slope of {slopes[0]:.10g},"
                f" but differences of f {slopes[1]:.10g}: it is not the gradient of f, or f has a "
                f"kink here"
            )
    H = derivatives(make, here.x.size, method, step)
    return ((H + H.T) / 2).reshape(here.x.shape * 2)


def hvp(
    f: Any,
    *inputs: Any,
    v: Any,
    gradient: Callable[[np.ndarray], Any] | None = None,
    wrt: str | None = None,
    train: bool = True,
) -> np.ndarray:
    """H v, the product of the Hessian of `hessian` with `v`, of the shape of x, without H.

        H v = (∂ / ∂t) ∇f(x + t v) at t = 0

    Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6(1), 1994, carries
    this derivative through every layer and has it exactly. Here it is the complex step where the
    gradient takes complex numbers, exact to rounding for five gradients (four of them compare, or
    eight beside a pole), else a central difference of two gradients, off by about 1e-9 of ‖H‖ ‖v‖.
    The step is 1e-5 max(‖x‖, 1) / ‖v‖ in the largest entries. The arguments are those of
    `hessian`; without a gradient, each takes n or 2n calls of f. Unlike there, the gradient is not
    compared with f.

    Raises TypeError or ValueError where an argument is not of this kind or f is not a number, and
    ValueError where v is not finite or does not have the shape of x.
    """
    at = partial(at_place, "hvp", f, inputs, train, wrt, gradient)
    x = at(np.float64).x
    v = direction_of("hvp", v, x)
    make, method, step = gradient_of(at)
    return along(make, v, x, x.size, method, step).reshape(x.shape)


def direction_of(who: str, v: Any, x: np.ndarray) -> np.ndarray:
    """`v` in float64. Raises TypeError or ValueError unless it is finite and has the shape of x."""
    v = finite(who, "v", reals(who, "v has", v).astype(np.float64))
    return of_shape(who, "v has", v, x.shape, "that of x")


def along(
    make: Make, v: np.ndarray, x: np.ndarray, size: int, method: str | None, step: float | None
) -> np.ndarray:
    """(∂ / ∂t) f() at x + t v, of `size` entries, for x, f = make(dtype); see `derivatives`."""
    if not v.any():
        return np.zeros(size)
    # Both sizes stay apart: their quotient may be beyond all floats where the product is not.
    reach, length = max(np.abs(x).max(), 1.0), np.abs(v).max()

    def line(dtype: Any) -> tuple[np.ndarray, Callable[[], Any]]:
        there, f = make(dtype)
        start, t = there.copy(), np.zeros((), dtype)

        def moved() -> Any:
            there[...] = start + t * reach * (v / length)
            return f()

        return t, moved

    return derivatives(line, size, method, step).ravel() / reach * length


def gradient_of(at: Place) -> tuple[Make, str | None, float | None]:
    """The gradient of a number as a function that `derivatives` takes, with the method and the
    step that its own derivative calls for. Raises ValueError where f is not a number."""
    here = at(np.float64)
    if (shape := settled(here).shape) != ():
        raise wrong(here.who, f"f returns an array of shape {shape}", "one number")
    if here.has_gradient:

        def make(dtype: Any) -> tuple[np.ndarray, Callable[[], Any]]:
            there = at(dtype)
            return there.x, there.gradient

        return make, None, None
    there, inner, step = at(np.complex128), "complex", None
    there.shape = ()
    try:
        complex_columns(there.value, there.x, 1)
    except ComplexStepError:
        there, inner, step = here, "central", SECOND

    def numeric(_: Any) -> tuple[np.ndarray, Callable[[], Any]]:
        return there.x, lambda: columns(there.value, there.x, inner, 1, step)

    return numeric, "central", step
