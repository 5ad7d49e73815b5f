"""The library's own layers, for a student who is stuck."""

import inspect
from collections.abc import Callable
from typing import Any


def borrow(make: Callable[..., Any]) -> Any:
    """A way on for someone who is stuck: the library's own in the place of one's own.

    A class gives a class, `BatchNorm = borrow(layers.BatchNorm)`. A function that makes a layer
    for given parameters, named as in the layer, gives a pair of functions as the exercises have
    them, `forward(*inputs, *params)` → out, cache and `backward(dout, cache)` → the gradients:

        affine_forward, affine_backward = borrow(lambda W, b: Affine(*W.shape))
        sigmoid_forward, sigmoid_backward = borrow(lambda: Sigmoid())

    An exercise that is done with what was borrowed says so, and gives no points.
    """
    if isinstance(make, type):
        return type(make.__name__, (make,), {"borrowed": True, "__doc__": make.__doc__})
    names = [*inspect.signature(make).parameters]

    def forward(*arrays: Any) -> tuple[Any, Any]:
        count = len(arrays) - len(names)
        layer = make(*arrays[count:])
        layer.params.update(zip(names, arrays[count:], strict=True))
        out, cache = layer.forward(*arrays[:count])
        return out, (layer, cache)

    def backward(dout: Any, cache: Any) -> Any:
        layer, cache = cache
        dx, grads = layer.backward(dout, cache)
        back = (*(dx if isinstance(dx, tuple) else (dx,)), *(grads[name] for name in names))
        return back if len(back) > 1 else back[0]

    forward.borrowed = backward.borrowed = True  # type: ignore[attr-defined]
    return forward, backward
