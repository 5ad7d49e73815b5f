"""A function or a layer at a place: a copy of x that may be moved, the value there, the gradient.

Both classes have `x`, which is moved in place, `value()`, the output at x, and, where
`has_gradient`, `gradient()`, the gradient of an output that is one number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.passes import described, unpack
from gradcheck.subject import Subject


def at_place(
    who: str,
    f: Any,
    inputs: tuple[Any, ...],
    train: bool,
    dtype: Any,
    wrt: str | None = None,
    gradient: Callable[[np.ndarray], Any] | None = None,
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


class FunctionAt:
    """A function of one array, and its gradient where one is given. Both get copies of x, into
    which they may write."""

    def __init__(self, who: str, f: Any, x: Any, dtype: Any, gradient: Any) -> None:
        x = np.asarray(x)
        if x.dtype.kind not in "fiu":
            raise TypeError(f"{who}: x has dtype {x.dtype}, expected real numbers")
        self.who, self.f, self.x, self.slope = who, f, x.astype(dtype), gradient
        self.has_gradient = gradient is not None

    def value(self) -> np.ndarray:
        return numbers(self.who, "f", self.f(self.x.copy()), self.x.dtype)

    def gradient(self) -> np.ndarray:
        found = numbers(self.who, "gradient", self.slope(self.x.copy()), self.x.dtype)
        if found.shape != self.x.shape:
            raise ValueError(
                f"{self.who}: gradient returns an array of shape {found.shape}, expected "
                f"{self.x.shape}, the shape of x"
            )
        return found


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
        dtype: Any,
        wrt: str | None = None,
    ) -> None:
        if isinstance(layer, type):
            raise TypeError(f"{who}: {layer.__name__} is a class, expected a layer of that class")
        if not (hasattr(layer, "forward") and hasattr(layer, "backward")):
            raise TypeError(
                f"{who}: {layer!r} is not a layer: expected an object with forward and backward"
            )
        if not inputs:
            raise TypeError(f"{who}: no input; pass the arrays that forward takes after the layer")
        self.who, self.title = who, described(layer)
        self.train, self.dtype = train, np.dtype(dtype)
        self.subject = Subject(layer, inputs, dtype)
        named = dict(zip(self.subject.names, self.subject.inputs, strict=True))
        self.floats = [name for name, x in named.items() if x.dtype.kind in "fc"]
        self.arrays = named | {k: p for k, p in self.subject.params.items() if k not in named}
        self.wrt = self.subject.names[0] if wrt is None else wrt
        if self.wrt not in self.arrays:
            raise ValueError(
                f"{who}: wrt is {wrt!r}, expected an input or a parameter of {self.title}: "
                f"{', '.join(self.arrays)}"
            )

    @property
    def x(self) -> np.ndarray:
        if (x := self.arrays[self.wrt]).dtype.kind not in "fc":
            raise TypeError(
                f"{self.who}: {self.wrt} has dtype {x.dtype}, and derivatives need floats"
            )
        return x

    def forward(self) -> tuple[np.ndarray, Any]:
        legacy = np.random.get_state()
        try:
            out, cache = unpack(self.subject.forward(self.train), "forward", "out, cache")
        finally:
            np.random.set_state(legacy)
        if isinstance(out, tuple):
            raise TypeError(f"{self.who}: {self.title} has {len(out)} outputs, expected one array")
        return numbers(self.who, "forward", out, self.dtype), cache

    def backward(self, dout: np.ndarray, cache: Any) -> dict[str, Any]:
        """The gradients of one backward pass by the names of inputs and parameters."""
        dx, grads = unpack(self.subject.backward(dout, cache), "backward", "dx, grads")
        dxs = dx if isinstance(dx, tuple) else (dx,)
        return dict(grads or {}) | dict(zip(self.floats, dxs, strict=False))

    def fitting(self, gradients: dict[str, Any], name: str) -> np.ndarray:
        """One of `gradients`. Raises ValueError where it is missing or has another shape."""
        if (found := gradients.get(name)) is None:
            raise ValueError(f"{self.who}: backward of {self.title} returns no gradient for {name}")
        if np.shape(found) != (shape := self.arrays[name].shape):
            raise ValueError(
                f"{self.who}: backward of {self.title} returns a gradient of shape "
                f"{np.shape(found)} for {name}, expected {shape}"
            )
        return np.asarray(found)

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


def numbers(who: str, source: str, value: Any, dtype: np.dtype) -> np.ndarray:
    """What `source` returned as floats, or, for an x of complex `dtype`, as they are. Raises
    TypeError where it holds anything but numbers, or complex ones for real ones."""
    value = np.asarray(value)
    if value.dtype.kind in "iub":
        return value.astype(np.float64)
    if value.dtype.kind not in ("fc" if dtype.kind == "c" else "f"):
        raise TypeError(f"{who}: {source} returns dtype {value.dtype}, expected real numbers")
    return value
