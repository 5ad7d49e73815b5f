"""Maxima and means of windows."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

SIZE = 2
OUT = 3


def sliding_max_forward(x):
    """The larger of two neighbours."""
    return np.maximum(x[:-1], x[1:]), x


def sliding_max_backward(dout, x):
    first = x[:-1] >= x[1:]
    dx = np.zeros(len(x))
    dx[:-1] += first * dout
    dx[1:] += ~first * dout
    return dx


def row_max_forward(x):
    return x.max(axis=1), x


def row_max_backward(dout, x):
    hit = x == x.max(axis=1, keepdims=True)
    share = hit / hit.sum(axis=1, keepdims=True)
    return share * dout[:, None]


def avg_pool_forward(x):
    """Windows of SIZE; the last one may be shorter."""
    starts = range(0, x.shape[1], SIZE)
    return np.stack([x[:, at : at + SIZE].mean(axis=1) for at in starts], axis=1), x.shape


def avg_pool_backward(dout, shape):
    dx = np.zeros(shape)
    for i in range(dout.shape[1]):
        window = dx[:, i * SIZE : (i + 1) * SIZE]
        window += dout[:, i : i + 1] / window.shape[1]
    return dx


def ranges(n):
    """Where OUT windows begin and end that cover n entries."""
    return [(k * n // OUT, -(-(k + 1) * n // OUT)) for k in range(OUT)]


def adaptive_pool_forward(x):
    return np.stack([x[:, a:b].mean(axis=1) for a, b in ranges(x.shape[1])], axis=1), x.shape


def adaptive_pool_backward(dout, shape):
    dx = np.zeros(shape)
    for k, (a, b) in enumerate(ranges(shape[1])):
        size = b - a
        dx[:, a:b] += dout[:, k : k + 1] / size
    return dx


def max_pool_forward(x):
    """The largest entry of each 2 by 2 pixels."""
    n, h, w = x.shape
    windows = x.reshape(n, h // 2, 2, w // 2, 2).swapaxes(2, 3).reshape(n, h // 2, w // 2, 4)
    return windows.max(axis=3), (windows, x.shape)


def max_pool_backward(dout, cache):
    windows, (n, h, w) = cache
    d = (np.arange(4) == windows.argmax(axis=3)[..., None]) * dout[..., None]
    return d.reshape(n, h // 2, w // 2, 2, 2).swapaxes(2, 3).reshape(n, h, w)


MISTAKES = [
    PairMistake(
        "maxwindow-last-gate-wins",
        {
            "first = x[:-1] >= x[1:]": (
                "won = np.append(x[:-1] >= x[1:], False)\nwon[1:] = x[1:] >= x[:-1]"
            ),
            "dx[:-1] += first * dout": "dx[:-1] += won[:-1] * dout",
            "dx[1:] += ~first * dout": "dx[1:] += won[1:] * dout",
        },
        "one winner mask shared by overlapping windows",
        "The 'which input won' gate of a sliding maximum had one entry per input, so the last"
        " window decided for all windows: some inputs are credited for windows they lost.",
        "ahrefs/ocannl#512 (2026)",
        inputs=lambda _: (np.array([5.0, 3.0, 1.0, 2.0, 4.5, 0.5, 3.5]),),
        forward=sliding_max_forward,
        backward=sliding_max_backward,
    ),
    PairMistake(
        "max-ties-all-count",
        {
            "share = hit / hit.sum(axis=1, keepdims=True)": "",
            "return share * dout[:, None]": "return hit * dout[:, None]",
        },
        "ties counted more than once (only on ties)",
        "Every position that ties for the maximum got the whole gradient, so it sums to the number"
        " of ties times what it should: no subgradient at all, where a ReLU before the pool makes"
        " ties at 0 common.",
        "Theano/Theano#4568 (2016; also tensorflow#4886)",
        inputs=lambda _: (
            np.array([[1.0, 1.0, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0], [0.3, 0.1, 0.9, 0.2]]),
        ),
        forward=row_max_forward,
        backward=row_max_backward,
    ),
    PairMistake(
        "avgpool-ceil-divisor",
        {"window += dout[:, i : i + 1] / window.shape[1]": ("window += dout[:, i : i + 1] / SIZE")},
        "backward divides border windows by the full size",
        "With ceil_mode the last window overhangs the input; forward divides by what it really"
        " holds, backward by the full kernel, so the last column's gradient is too small.",
        "tracel-ai/burn#5604 (2026)",
        inputs=normal((2, 5)),
        forward=avg_pool_forward,
        backward=avg_pool_backward,
    ),
    PairMistake(
        "adaptive-pool-one-size",
        {"size = b - a": "size = -(-shape[1] // OUT)"},
        "one window size for windows of different sizes",
        "Adaptive average pooling has windows of different sizes unless the lengths divide; the"
        " backward used one size, ceil(in/out), for all.",
        "PaddlePaddle/Paddle#74077 (2025)",
        inputs=normal((2, 8)),
        forward=adaptive_pool_forward,
        backward=adaptive_pool_backward,
    ),
    PairMistake(
        "memory-order-of-dout",
        {
            "windows, (n, h, w) = cache": (
                'windows, (n, h, w) = cache\ndout = np.ravel(dout, order="K").reshape(dout.shape)'
            )
        },
        "reads dout in memory order (non-contiguous only)",
        "The max-pooling kernel read gradOutput as if it were contiguous: a transposed one gave"
        " gradients for the wrong pixels.",
        "torch/cunn#199 (2016)",
        inputs=normal((2, 4, 6)),
        forward=max_pool_forward,
        backward=max_pool_backward,
    ),
]
