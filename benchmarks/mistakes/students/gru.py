"""A step of a GRU."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru_step_forward(x, prev_h, Wx, Wh, b):
    """The reset gate is applied after the product with Wh."""
    H = prev_h.shape[1]
    ax, ah = x @ Wx + b, prev_h @ Wh
    z = sigmoid(ax[:, :H] + ah[:, :H])
    r = sigmoid(ax[:, H : 2 * H] + ah[:, H : 2 * H])
    n = np.tanh(ax[:, 2 * H :] + r * ah[:, 2 * H :])
    next_h = (1 - z) * n + z * prev_h
    return next_h, (x, prev_h, Wx, Wh, z, r, n, ah)


def gru_step_backward(dout, cache):
    x, prev_h, Wx, Wh, z, r, n, ah = cache
    H = prev_h.shape[1]
    dz = dout * (prev_h - n)
    dan = dout * (1 - z) * (1 - n**2)
    dr = dan * ah[:, 2 * H :]
    daz = dz * z * (1 - z)
    dar = dr * r * (1 - r)
    dax = np.hstack([daz, dar, dan])
    dah = np.hstack([daz, dar, dan * r])
    dprev_h = dah @ Wh.T + dout * z
    return dax @ Wx.T, dprev_h, x.T @ dax, prev_h.T @ dah, dax.sum(axis=0)


step = functools.partial(
    PairMistake,
    inputs=normal((2, 3), (2, 3), (3, 9), (3, 9), 9),
    forward=gru_step_forward,
    backward=gru_step_backward,
)

DR = "dr = dan * ah[:, 2 * H :]"
DAH = "dah = np.hstack([daz, dar, dan * r])"

MISTAKES = [
    step(
        "gru-skip-through-z-missing",
        {"dprev_h = dah @ Wh.T + dout * z": "dprev_h = dah @ Wh.T"},
        "dprev_h lacks the direct path z·h",
        "dprev_h is that of the gates alone.",
    ),
    step(
        "gru-reset-missing-in-candidate",
        {DAH: "dah = np.hstack([daz, dar, dan])"},
        "hidden path of the candidate lacks the reset gate",
        "dan in place of dan * r.",
    ),
    step(
        "gru-dr-uses-prev-h",
        {DR: "dr = dan * prev_h"},
        "reset gate uses h instead of h·Wh",
        "dr = dan * prev_h.",
    ),
    step(
        "gru-candidate-path-z",
        {"dan = dout * (1 - z) * (1 - n**2)": "dan = dout * z * (1 - n**2)"},
        "candidate multiplied by z instead of 1 - z",
        "dan = dout * z * tanh'.",
    ),
    step(
        "gru-dz-half",
        {"dz = dout * (prev_h - n)": "dz = dout * prev_h"},
        "update gate lacks the path through 1 - z",
        "dz = dout * prev_h.",
    ),
    step(
        "gru-forward-reset-ignored",
        {DR: "dr = np.zeros_like(dan)", DAH: "dah = np.hstack([daz, dar, dan])"},
        "forward does not apply the reset gate",
        "The candidate reads h without r; backward fits.",
        "zhiyongc/GRU-D#2 (2018)",
        forward_patch={
            "n = np.tanh(ax[:, 2 * H :] + r * ah[:, 2 * H :])": (
                "n = np.tanh(ax[:, 2 * H :] + ah[:, 2 * H :])"
            )
        },
    ),
]
