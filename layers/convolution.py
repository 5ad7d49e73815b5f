"""The three sums of a convolution, each in its plain form and in the one that is fast.

`correlate` is the forward pass, `spread` its transpose, which gives dx, and `weight_sum` gives dW.
"""

import numpy as np

from chainrule.layers.annotations import Floats
from chainrule.layers.windows import Windows


def correlate_plain(x: Floats, W: Floats, windows: Windows) -> Floats:
    """out[n, f, i, j] = Σ over c, u, v of W[f, c, u, v] · x[n, c, i s + u d - p, j s + v d - p].

    x (N, C, H, W); W (F, C / G, kh, kw) for G groups of channels; out (N, F, H', W').
    """
    groups = x.shape[1] // W.shape[1]
    W = W.reshape(groups, -1, *W.shape[1:])  # (G, F / G, C / G, kh, kw)
    x = x.reshape(len(x), groups, -1, *x.shape[2:])
    parts = windows.entries(windows.padded(x))
    out = sum(np.einsum("gfc,ngchw->ngfhw", W[..., u, v], part) for u, v, part in parts)
    return out.reshape(len(x), -1, *out.shape[3:])


def spread_plain(
    dout: Floats, W: Floats, windows: Windows, image: tuple[int, int], groups: int
) -> Floats:
    """Every entry of dout times the kernel that made it, added up where the windows lie: (N, C, H,
    W) from dout (N, F, H', W'), for images (H, W)."""
    W = W.reshape(groups, -1, *W.shape[1:])
    dout = dout.reshape(len(dout), groups, -1, *dout.shape[2:])
    (top, bottom), (left, right) = windows.pad
    H, W_ = image
    shape = (len(dout), groups, W.shape[2], top + H + bottom, left + W_ + right)
    padded = np.zeros(shape, dout.dtype)
    for u, v, part in windows.entries(padded):
        part += np.einsum("gfc,ngfhw->ngchw", W[..., u, v], dout)
    return windows.inner(padded, image).reshape(len(dout), -1, H, W_)


def weight_sum_plain(x: Floats, dout: Floats, windows: Windows, groups: int) -> Floats:
    """dW[f, c, u, v] = Σ over n, i, j of dout[n, f, i, j] x[n, c, i s + u d - p, j s + v d - p]."""
    x = x.reshape(len(x), groups, -1, *x.shape[2:])
    dout = dout.reshape(len(dout), groups, -1, *dout.shape[2:])
    dW = np.empty((groups, dout.shape[2], x.shape[2], *windows.size), x.dtype)
    for u, v, part in windows.entries(windows.padded(x)):
        dW[..., u, v] = np.einsum("ngfhw,ngchw->gfc", dout, part)
    return dW.reshape(-1, *dW.shape[2:])


correlate, spread, weight_sum = correlate_plain, spread_plain, weight_sum_plain
