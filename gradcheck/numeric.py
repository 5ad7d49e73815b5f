"""Derivatives from differences."""

import numpy as np


def numerical_gradient(f, x, dout=1.0, *, step=1e-5, entries=None):
    """The gradient of Σ dout · f() with respect to the array `x`, by central differences.

        dL/dx_i ≈ Σ dout · (f(x_i + h) - f(x_i - h)) / 2h,   h = step · max(|x_i|, 1)

    `f` is called without arguments and reads `x`, which is changed in place, one entry at a time,
    and put back. `dout` has the shape of f(). `entries` are the indices into x.flat to look at;
    left out, all. Returns an array of the shape of x, or one number per entry of `entries`.

    Differences are taken element by element before they are summed: two sums of many terms would
    cancel and lose three digits. The divisor is the step that rounding left. The error is about
    1e-10 relative to the largest gradient, where f is smooth within the step.
    Raises TypeError unless x is float64, since in float32 rounding swamps the difference, and
    ValueError where dout is neither a number nor of the shape of f().
    """
    if x.dtype != np.float64:
        raise TypeError(f"numerical_gradient: x has dtype {x.dtype}, expected float64")
    wanted = range(x.size) if entries is None else entries
    slopes = np.empty(len(wanted))
    for at, entry in enumerate(wanted):
        index = np.unravel_index(entry, x.shape)
        kept = x[index]
        h = step * max(abs(kept), 1.0)
        try:
            x[index] = kept + h
            above, right = x[index], np.array(f())  # a copy: f may hand out x itself
            x[index] = kept - h
            below, left = x[index], np.array(f())
        finally:
            x[index] = kept
        if np.ndim(dout) and np.shape(dout) != right.shape:
            raise ValueError(
                f"numerical_gradient: dout has shape {np.shape(dout)}, expected {right.shape}, the "
                f"shape of f()"
            )
        slopes[at] = np.sum((right - left) * dout) / (above - below)
    return slopes.reshape(x.shape) if entries is None else slopes
