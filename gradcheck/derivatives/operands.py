"""A function or a layer at a place: a copy of x that may be moved, the value there, the gradient.

Both classes have `x`, which is moved in place, `value()`, the output at x, and, where
`has_gradient`, `gradient()`, the gradient of an output that is one number. Once `shape` is set,
value() raises ValueError for an output of another shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.derivatives.numeric import (
    as_array,
    finite,
    numbers,
    of_shape,
    reals,
    wrong,
)
from chainrule.gradcheck.subject.layer import described, of_layer, positional
from chainrule.gradcheck.subject.subject import Complaint, two


def at_place(
    who: str,
    f: Any,
    inputs: tuple[Any, ...],
    train: bool,
    wrt: str | None,
    gradient: Callable[[np.ndarray], Any] | None,
    dtype: Any,
) -> FunctionAt | LayerAt:
    """`f` at a copy of its input in `dtype`. Errors begin with the name `who`. Raises TypeError
    where f is neither a layer nor a function, or cannot have these arguments."""
    if hasattr(f, "forward") and hasattr(f, "backward"):
        if gradient is not None:
            raise TypeError(f"{who}: the gradient of a layer is its backward; leave out gradient")
        return LayerAt(who, f, inputs, train, dtype, wrt)
    if not callable(f):
        raise TypeError(
            f"{who}: {f!r} is neither a layer, an object with forward and backward, nor a function"
        )
    if wrt is not None:
        raise TypeError(f"{who}: wrt={wrt!r} is for layers; a function is differentiated in x")
    if gradient is not None and not callable(gradient):
        raise TypeError(f"{who}: gradient is {gradient!r}, expected a function of x")
    if len(inputs) != 1:
        raise TypeError(
            f"{who}: a function takes one array, got {len(inputs)}; hold the others fixed, as in "
            f"lambda x: f(x, y)"
        )
    return FunctionAt(who, f, inputs[0], dtype, gradient)


def settled(here: FunctionAt | LayerAt) -> np.ndarray:
    """The value, whose shape every later one must have. Raises ValueError where a function gives
    another at its second call; a layer starts every pass from the same generators."""
    out = here.value()
    here.shape = out.shape
    size = np.max(np.abs(out), initial=0.0, where=np.isfinite(out))
    if isinstance(here, FunctionAt) and not np.allclose(
        here.value(), out, rtol=0, atol=1e-9 * size, equal_nan=True
    ):
        found = "f returns other numbers in a second call with the same x"
        expected = "the same; a random f has to make its generator afresh in every call"
        raise wrong(here.who, found, expected)
    return out


class FunctionAt:
    """A function of one array, and its gradient where one is given. Both get copies of x, into
    which they may write. Whole numbers in x become floats."""

    def __init__(self, who: str, f: Any, x: Any, dtype: Any, gradient: Any) -> None:
        x = finite(who, "x", reals(who, "x has", x).astype(dtype))
        self.who, self.f, self.x, self.slope = who, f, x, gradient
        self.has_gradient = gradient is not None
        self.shape: tuple[int, ...] | None = None

    def value(self) -> np.ndarray:
        return numbers(self.who, "f", self.f(self.x.copy()), self.x.dtype, self.shape)

    def gradient(self) -> np.ndarray:
        found = numbers(self.who, "gradient", self.slope(self.x.copy()), self.x.dtype)
        what = "gradient returns an array of"
        return of_shape(self.who, what, found, self.x.shape, "the shape of x")


class LayerAt:
    """A copy of a layer and its inputs, every pass of which starts from the same state, the same
    point of every generator and of np.random. `x` is the input or parameter named `wrt`."""

    has_gradient = True

    def __init__(
        self,
        who: str,
        layer: Any,
        inputs: tuple[Any, ...],
        train: bool,
        dtype: Any = None,
        wrt: str | None = None,
    ) -> None:
        if isinstance(layer, type):
            raise wrong(who, f"{layer.__name__} is a class", "a layer of that class", TypeError)
        if not (hasattr(layer, "forward") and hasattr(layer, "backward")):
            raise TypeError(
                f"{who}: {layer!r} is not a layer: expected an object with forward and backward"
            )
        if not inputs and not needs_nothing(layer):
            raise TypeError(f"{who}: no input; pass the arrays that forward takes after the layer")
        inputs = tuple(as_array(who, "an input has", x) for x in inputs)
        dtype = own_dtype(layer, inputs) if dtype is None else dtype
        self.who, self.title = who, described(layer)
        self.train, self.dtype = train, np.dtype(dtype)
        self.shape: tuple[int, ...] | None = None
        self.subject = of_layer(layer, inputs, self.dtype)
        names = self.subject.names
        named = dict(zip(names, self.subject.inputs, strict=True))
        # The inputs that have a gradient: a loss has none for its targets.
        some = self.subject.profile.differentiable
        some = names if some is None else some
        self.floats = [n for n in names if n in some and named[n].dtype.kind in "fc"]
        self.arrays = named | {k: p for k, p in self.subject.params.items() if k not in named}
        self.wrt = names[0] if wrt is None and names else wrt or ""
        if wrt is not None and not (isinstance(wrt, str) and wrt in self.arrays):
            names_of = f"an input or a parameter of {self.title}: {', '.join(self.arrays)}"
            raise wrong(who, f"wrt is {wrt!r}", names_of)

    @property
    def x(self) -> np.ndarray:
        if not self.wrt:
            raise ValueError(
                f"{self.who}: {self.title} has no inputs; name one of its parameters with wrt: "
                f"{', '.join(self.subject.params)}"
            )
        if (x := self.arrays[self.wrt]).dtype != self.dtype:
            raise TypeError(
                f"{self.who}: {self.wrt} has dtype {x.dtype}, and derivatives need floats"
            )
        return finite(self.who, self.wrt, x)

    def forward(self) -> tuple[np.ndarray, Any]:
        legacy = np.random.get_state()
        try:
            outs, cache = self.subject.forward(self.train)
        except Complaint as complaint:
            raise TypeError(self.said(complaint)) from None
        except NotImplementedError as error:
            found = f"forward of {self.title} is not written or returns None"
            raise wrong(self.who, found, "out, cache", TypeError) from error
        finally:
            np.random.set_state(legacy)
        if len(outs) != 1:
            raise wrong(self.who, f"{self.title} has {len(outs)} outputs", "one array", TypeError)
        return numbers(self.who, "forward", outs[0], self.dtype, self.shape), cache

    def backward(self, dout: np.ndarray, cache: Any) -> dict[str, Any]:
        """The gradients of one backward pass by the names of inputs and parameters; where an input
        has the name of a parameter, that of the input."""
        try:
            with np.errstate(all="ignore"):
                dx, grads = two(self.subject.layer.backward(dout, cache), "backward", "dx, grads")
        except Complaint as complaint:
            raise TypeError(self.said(complaint)) from None
        if not isinstance(grads, Mapping | None):
            found = f"backward of {self.title} returns a {type(grads).__name__} for grads"
            raise wrong(self.who, found, "a dict", TypeError)
        dxs = dx if isinstance(dx, tuple) else (dx,)
        return dict(grads or {}) | dict(zip(self.floats, dxs, strict=False))

    def said(self, complaint: Complaint) -> str:
        sentence = self.subject.profile.vocabulary.finding(complaint.cause).message
        return f"{self.who}: {self.title}: {sentence}"

    def fitting(self, gradients: dict[str, Any], name: str) -> np.ndarray:
        """A copy of one of `gradients`. Raises ValueError where it is missing or has another shape,
        TypeError where it does not hold real numbers."""
        if (found := gradients.get(name)) is None:
            raise ValueError(f"{self.who}: backward of {self.title} returns no gradient for {name}")
        found = numbers(self.who, f"backward of {self.title}", found, self.dtype)
        if found.shape != (shape := self.arrays[name].shape):
            what = f"returns a gradient of shape {found.shape} for {name}"
            raise wrong(self.who, f"backward of {self.title} {what}", f"{shape}")
        return found

    def value(self) -> np.ndarray:
        return self.forward()[0]

    def gradient(self) -> np.ndarray:
        out, cache = self.forward()
        return self.fitting(self.backward(np.ones_like(out), cache), self.wrt)


def own_dtype(layer: Any, inputs: tuple[Any, ...]) -> np.dtype:
    """The dtype of the floats that a layer and its inputs hold, float64 where there are none."""
    arrays = map(np.asarray, (*inputs, *getattr(layer, "params", {}).values()))
    dtypes = [array.dtype for array in arrays if array.dtype.kind == "f"]
    return np.result_type(*dtypes) if dtypes else np.dtype(np.float64)


def needs_nothing(layer: Any) -> bool:
    """Whether forward can be called without inputs, as that of a graph of parameters alone."""
    required = any(one.default is one.empty for one in positional(layer.forward))
    return not getattr(layer, "inputs", None) and not required
