"""The three sums of a convolution, each in its plain form and in the one that is fast.

`correlate` is the forward pass, `spread` its transpose, which gives dx, and `weight_sum` gives dW.
x (N, C, H, W); kernels W (F, C / G, kh, kw) for G groups of channels; out, dout (N, F, H', W').
"""

import numpy as np

from chainrule.layers.annotations import Floats
from chainrule.layers.windows import Windows


def correlate_plain(x: Floats, W: Floats, windows: Windows) -> Floats:
    """out[n, f, i, j] = Σ over c, u, v of W[f, c, u, v] · x[n, c, i s + u d - p, j s + v d - p]."""
    groups = x.shape[1] // W.shape[1]
    out = np.zeros((len(x), len(W), *windows.places(x.shape[2:])), x.dtype)
    for u, v, part in windows.entries(windows.padded(x)):
        one = W[:, :, u, v].reshape(groups, -1, W.shape[1])
        by_group(out, groups)[...] += np.einsum("gfc,ngchw->ngfhw", one, by_group(part, groups))
    return out


def spread_plain(
    dout: Floats, W: Floats, windows: Windows, image: tuple[int, int], groups: int
) -> Floats:
    """Every entry of dout times the kernel that made it, added up where that lay on the images:
    (N, C, H, W) for images (H, W)."""
    (top, bottom), (left, right) = windows.pad
    shape = (top + image[0] + bottom, left + image[1] + right)
    padded = np.zeros((len(dout), groups * W.shape[1], *shape), dout.dtype)
    for u, v, part in windows.entries(padded):
        one = W[:, :, u, v].reshape(groups, -1, W.shape[1])
        sent = np.einsum("gfc,ngfhw->ngchw", one, by_group(dout, groups))
        part += sent.reshape(part.shape)
    return windows.inner(padded, image)


def weight_sum_plain(x: Floats, dout: Floats, windows: Windows, groups: int) -> Floats:
    """dW[f, c, u, v] = Σ over n, i, j of dout[n, f, i, j] x[n, c, i s + u d - p, j s + v d - p]."""
    dW = np.empty((dout.shape[1], x.shape[1] // groups, *windows.size), x.dtype)
    dout = by_group(dout, groups)
    for u, v, part in windows.entries(windows.padded(x)):
        one = np.einsum("ngfhw,ngchw->gfc", dout, by_group(part, groups))
        dW[:, :, u, v] = one.reshape(dW.shape[:2])
    return dW


def by_group(x: Floats, groups: int) -> Floats:
    """(N, C, …) → (N, G, C / G, …)."""
    return x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])


correlate, spread, weight_sum = correlate_plain, spread_plain, weight_sum_plain
