"""What one forward and backward pass gave, and how two of them are compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.gradcheck.subject.layer import Arrays, as_outputs


class Pass:
    """What one forward and one backward pass gave."""

    def __init__(self, out: Any, cache: Any, douts: Arrays, dxs: list[Any], grads: Any) -> None:
        self.out, self.cache, self.douts = out, cache, douts
        self.outs = as_outputs(out)
        self.dxs, self.grads = dxs, grads


def described(layer: Any) -> str:
    text = repr(layer)
    return type(layer).__name__ if " object at 0x" in text or "\n" in text else text


def unpack(result: Any, method: str, form: str) -> tuple[Any, Any]:
    if result is None:
        return None, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{method} must return {form}, and returns {type(result).__name__}")
    return result


def gradients(dx: Any, grads: Any) -> dict[str, np.ndarray]:
    """All gradients in one dict, those of inputs under keys that no parameter has."""
    parts = dx if isinstance(dx, tuple) else (dx,)
    named = {f"\0{at}": np.array(d) for at, d in enumerate(parts) if d is not None}
    return named | ({k: np.array(g) for k, g in grads.items()} if isinstance(grads, dict) else {})


def same(some: Arrays, others: Arrays) -> bool:
    return len(some) == len(others) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(some, others, strict=True)
    )


def close(a: np.ndarray, b: np.ndarray, noise: float = 0.0) -> bool:
    """Whether two arrays are the same but for rounding, which is at least `noise`."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    scale = np.nanmax(np.abs(b), initial=0.0)
    return bool(np.allclose(a, b, rtol=1e-9, atol=max(1e-9 * scale, noise), equal_nan=True))


def state_of(layer: Any) -> dict[str, np.ndarray]:
    state = getattr(layer, "state", {})
    if not isinstance(state, dict):
        return {}
    return {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
