"""Activations, clips and dropout."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

SLOPE = 0.0
K = 25.0
P = 0.4


def leaky_relu_forward(x):
    out = np.where(x >= 0, x, SLOPE * x)
    return out, (x, out)


def leaky_relu_backward(dout, cache):
    x, _ = cache
    return np.where(x >= 0, dout, SLOPE * dout)


def log_sigmoid_forward(x):
    return -np.logaddexp(0, -x), x


def log_sigmoid_backward(dout, x):
    slope = 1 / (1 + np.exp(x))
    return dout * slope


def with_zeros(rng):
    x = rng.normal(size=(3, 4))
    x[0, 1] = x[2, 0] = 0
    return (x,)


def softplus_forward(x):
    return np.logaddexp(0, x), x


def softplus_backward(dout, x):
    return dout * 0.5 * (1 + np.tanh(x / 2))


def with_large(rng):
    x = rng.normal(size=(3, 4)) * 3
    x[0, 0], x[1, 2] = 800.0, 1000.0
    return (x,)


def steep_sigmoid_forward(x):
    """sigmoid(K x)"""
    return 0.5 * (1 + np.tanh(K * x / 2)), x


def steep_sigmoid_backward(dout, x):
    s = 0.5 * (1 + np.tanh(K * x / 2))
    return dout * K * s * (1 - s)


def with_one_far_below(rng):
    x = rng.normal(size=(3, 4)) * 0.1
    x[1, 1] = -40.0
    return (x,)


def clip_forward(x):
    return np.clip(x, -1, 1), x


def clip_backward(dout, x):
    return dout * (np.abs(x) <= 1)


def dropout_forward(x):
    """The same mask every time."""
    mask = np.random.default_rng(7).random(x.shape) >= P
    return x * mask / (1 - P), mask


def dropout_backward(dout, mask):
    return dout * mask / (1 - P)


MISTAKES = [
    PairMistake(
        "leaky-relu-slope-0",
        {
            "x, _ = cache": "_, out = cache",
            "return np.where(x >= 0, dout, SLOPE * dout)": (
                "return np.where(out >= 0, dout, SLOPE * dout)"
            ),
        },
        "mask from the output: lets dead units through",
        "The mask was read off the output (out >= 0): with slope 0 every negative input comes out"
        " as 0 and got slope 1.",
        "chainer/chainer#5898 (2018)",
        inputs=normal((4, 5)),
        forward=leaky_relu_forward,
        backward=leaky_relu_backward,
    ),
    PairMistake(
        "log-sigmoid-at-0",
        {"slope = 1 / (1 + np.exp(x))": "slope = np.where(x == 0, 0, 1 / (1 + np.exp(x)))"},
        "slope 0 exactly at 0 (only there)",
        "softplus was written with |x|, whose derivative at 0 is 0: log_sigmoid's gradient at"
        " exactly 0, where biases start, was 0 instead of ½.",
        "jax-ml/jax#2140 (2020)",
        inputs=with_zeros,
        forward=log_sigmoid_forward,
        backward=log_sigmoid_backward,
    ),
    PairMistake(
        "softplus-overflow",
        {
            "return dout * 0.5 * (1 + np.tanh(x / 2))": (
                "e = np.exp(x)\nreturn np.nan_to_num(dout * e * (1 / (e + 1)), nan=0.0)"
            )
        },
        "gradient vanishes where exp overflows (large only)",
        "The sigmoid was spelt exp · reciprocal(exp + 1): beyond the overflow of exp the gradient"
        " is 0 instead of 1.",
        "tenstorrent/tt-metal#56397 (2026)",
        inputs=with_large,
        forward=softplus_forward,
        backward=softplus_backward,
    ),
    PairMistake(
        "surrogate-sigmoid-nan",
        {
            "s = 0.5 * (1 + np.tanh(K * x / 2))": "e = np.exp(-K * x)",
            "return dout * K * s * (1 - s)": "return dout * K * e / (e + 1) ** 2",
        },
        "inf/inf for large negative inputs (only there)",
        "exp(-kx)/(exp(-kx)+1)² is inf/inf once -kx > 709: with slope 25 a potential a few units"
        " below threshold turned all gradients to nan.",
        "jeshraghian/snntorch#427, PR 433 (2026)",
        inputs=with_one_far_below,
        forward=steep_sigmoid_forward,
        backward=steep_sigmoid_backward,
    ),
    PairMistake(
        "ste-no-clip-mask",
        {"return dout * (np.abs(x) <= 1)": "return dout.copy()"},
        "clipped values still get a gradient",
        "The straight-through estimator passes the gradient also where the value was clipped to the"
        " range; with the mask LSQ gained ten points on ImageNet. Replayed on the clip, without the"
        " rounding.",
        "eladhoffer/quantized.pytorch#5 (2018; same: hustzxd/LSQuantization#1, microsoft/nni#3159)",
        inputs=lambda rng: (rng.normal(size=(4, 5)) * 1.5,),
        forward=clip_forward,
        backward=clip_backward,
    ),
    PairMistake(
        "dropout-mask-missing",
        {"return dout * mask / (1 - P)": "return dout / (1 - P)"},
        "the mask is not applied in backward",
        "The dropout wrapper divides the gradient by the keep probability and forgets the mask:"
        " dropped units learn as if they had been there.",
        "ddbourgin/numpy-ml#94 (2024)",
        inputs=normal((4, 6)),
        forward=dropout_forward,
        backward=dropout_backward,
    ),
]
