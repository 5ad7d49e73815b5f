"""Maxima and means of windows of images."""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

K, STRIDE = 3, 2
HH, WW = 2, 3


def max_pool_forward(x):
    N, C, H, W = x.shape
    Ho, Wo = 1 + (H - K) // STRIDE, 1 + (W - K) // STRIDE
    out = np.zeros((N, C, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * STRIDE, j * STRIDE
            out[:, :, i, j] = x[:, :, top : top + K, left : left + K].max(axis=(2, 3))
    return out, x


def max_pool_backward(dout, x):
    N, C, Ho, Wo = dout.shape
    dx = np.zeros_like(x)
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * STRIDE, j * STRIDE
            window = x[:, :, top : top + K, left : left + K].reshape(N, C, -1)
            hit = np.arange(K * K) == window.argmax(axis=2)[:, :, None]
            d = hit * dout[:, :, i, j, None]
            dx[:, :, top : top + K, left : left + K] += d.reshape(N, C, K, K)
    return dx


def max_pool_flat_forward(x):
    """Windows of HH rows and WW columns."""
    N, C, H, W = x.shape
    Ho, Wo = 1 + (H - HH) // STRIDE, 1 + (W - WW) // STRIDE
    out = np.zeros((N, C, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * STRIDE, j * STRIDE
            out[:, :, i, j] = x[:, :, top : top + HH, left : left + WW].max(axis=(2, 3))
    return out, x


def max_pool_flat_backward(dout, x):
    N, C, Ho, Wo = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(Ho):
                for j in range(Wo):
                    top, left = i * STRIDE, j * STRIDE
                    window = x[n, c, top : top + HH, left : left + WW]
                    row, column = np.unravel_index(window.argmax(), window.shape)
                    dx[n, c, top + row, left + column] += dout[n, c, i, j]
    return dx


def avg_pool_forward(x):
    N, C, H, W = x.shape
    Ho, Wo = 1 + (H - K) // STRIDE, 1 + (W - K) // STRIDE
    out = np.zeros((N, C, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * STRIDE, j * STRIDE
            out[:, :, i, j] = x[:, :, top : top + K, left : left + K].mean(axis=(2, 3))
    return out, x


def avg_pool_backward(dout, x):
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            top, left = i * STRIDE, j * STRIDE
            d = dout[:, :, i, j, None, None] / (K * K)
            dx[:, :, top : top + K, left : left + K] += d
    return dx


def avg_pool_same_forward(x):
    """3 by 3, stride 1, padding 1; the padding is not counted."""
    xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    ones = np.pad(np.ones(x.shape[2:]), 1)
    count = sliding_window_view(ones, (K, K)).sum(axis=(2, 3))
    return sliding_window_view(xp, (K, K), axis=(2, 3)).sum(axis=(4, 5)) / count, count


def avg_pool_same_backward(dout, count):
    d = np.pad(dout / count, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dx = sliding_window_view(d, (K, K), axis=(2, 3)).sum(axis=(4, 5))
    return dx


def global_avg_pool_forward(x):
    return x.mean(axis=(2, 3)), x.shape


def global_avg_pool_backward(dout, shape):
    H, W = shape[2:]
    return np.broadcast_to(dout[:, :, None, None], shape) / (H * W)


def halve_forward(x):
    """The mean of each 2 by 2 pixels."""
    N, C, H, W = x.shape
    return x.reshape(N, C, H // 2, 2, W // 2, 2).mean(axis=(3, 5)), None


def halve_backward(dout, _):
    return dout.repeat(2, axis=2).repeat(2, axis=3) / 4


flat = functools.partial(
    PairMistake,
    inputs=normal((2, 2, 7, 7)),
    forward=max_pool_flat_forward,
    backward=max_pool_flat_backward,
)
avg_pool = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 7, 5)),
    forward=avg_pool_forward,
    backward=avg_pool_backward,
)
same = functools.partial(
    PairMistake,
    inputs=normal((2, 2, 4, 5)),
    forward=avg_pool_same_forward,
    backward=avg_pool_same_backward,
)
whole = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 4, 5)),
    forward=global_avg_pool_forward,
    backward=global_avg_pool_backward,
)

D = "d = dout[:, :, i, j, None, None] / (K * K)"
DX = "dx[:, :, top : top + K, left : left + K] += d"
PADDED = "d = np.pad(dout / count, ((0, 0), (0, 0), (1, 1), (1, 1)))"
WINDOWS = "dx = sliding_window_view(d, (K, K), axis=(2, 3)).sum(axis=(4, 5))"
WHOLE = "return np.broadcast_to(dout[:, :, None, None], shape) / (H * W)"

MISTAKES = [
    PairMistake(
        "maxpool-maximum-over-everything",
        {
            "hit = np.arange(K * K) == window.argmax(axis=2)[:, :, None]": (
                "hit = window == window.max()"
            )
        },
        "maximum taken over batch and channels too",
        "max() without axes: only one entry of each window position gets a gradient.",
        inputs=normal((2, 2, 7, 7)),
        forward=max_pool_forward,
        backward=max_pool_backward,
    ),
    flat(
        "maxpool-height-width-swapped",
        {
            "window = x[n, c, top : top + HH, left : left + WW]": (
                "window = x[n, c, top : top + WW, left : left + HH]"
            )
        },
        "pool height and width swapped in backward",
        "The backward window is 3 by 2, the forward one 2 by 3.",
        "deeplearning4j/deeplearning4j#964 (2015)",
    ),
    flat(
        "maxpool-argmax-without-offset",
        {
            "dx[n, c, top + row, left + column] += dout[n, c, i, j]": (
                "dx[n, c, row, column] += dout[n, c, i, j]"
            )
        },
        "position in the window used as position in x",
        "The window's corner is not added to the row and column of the maximum.",
    ),
    avg_pool(
        "avgpool-without-divisor",
        {D: "d = dout[:, :, i, j, None, None]"},
        "not divided by the window's size",
        "Each entry of the window gets the whole gradient.",
    ),
    avg_pool(
        "avgpool-divides-by-side",
        {D: "d = dout[:, :, i, j, None, None] / K"},
        "divided by K instead of K²",
        "The divisor is the side of the window, not its area.",
    ),
    avg_pool(
        "avgpool-windows-overwritten",
        {DX: DX.replace("+=", "=")},
        "overlapping windows overwrite instead of adding",
        "= in place of +=.",
    ),
    avg_pool(
        "avgpool-first-entry-only",
        {D: "", DX: "dx[:, :, top, left] += dout[:, :, i, j]"},
        "only the window's corner gets the gradient",
        "dx at (top, left) instead of the window.",
    ),
    same(
        "avgpool-padding-counted-in-backward",
        {PADDED: PADDED.replace("/ count", "/ (K * K)")},
        "backward divides border windows by the full size",
        "Forward does not count the padding, backward divides by 9 everywhere.",
    ),
    same(
        "avgpool-divided-at-the-input",
        {PADDED: PADDED.replace(" / count", ""), WINDOWS: f"{WINDOWS} / count"},
        "divisor of the input's position, not the window's",
        "The sum over the windows is divided at the end, by the count of the wrong position.",
    ),
    whole(
        "global-avgpool-divides-by-batch-too",
        {WHOLE: WHOLE.replace("(H * W)", "(len(dout) * H * W)")},
        "divided by the batch size as well",
        "The divisor is x.size / C.",
    ),
    whole(
        "global-avgpool-without-divisor",
        {WHOLE: WHOLE.replace(" / (H * W)", ".copy()")},
        "not divided by H·W",
        "dout is broadcast, and the mean's divisor forgotten.",
    ),
    PairMistake(
        "avgpool-tiled",
        {
            "return dout.repeat(2, axis=2).repeat(2, axis=3) / 4": (
                "return np.tile(dout, (1, 1, 2, 2)) / 4"
            )
        },
        "tiles dout instead of repeating each entry",
        "np.tile puts copies of the whole plane side by side.",
        inputs=normal((2, 2, 4, 6)),
        forward=halve_forward,
        backward=halve_backward,
    ),
]
