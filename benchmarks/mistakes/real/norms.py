"""Layer norm, RMS norm and the standard deviation."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

EPS, TILE, BLOCK = 1e-5, 4, 2


def invertible_layernorm_forward(x, gamma, beta):
    """Keeps its output in place of its input."""
    rstd = 1 / np.sqrt(x.var(axis=1, keepdims=True) + EPS)
    xhat = (x - x.mean(axis=1, keepdims=True)) * rstd
    out = xhat * gamma + beta
    return out, (out, rstd, gamma, beta)


def invertible_layernorm_backward(dout, cache):
    out, rstd, gamma, beta = cache
    xhat = (out - beta) / gamma
    dgamma = (dout * xhat).sum(axis=0)
    d = dout * gamma
    dx = rstd * (d - d.mean(axis=1, keepdims=True) - xhat * (d * xhat).mean(axis=1, keepdims=True))
    return dx, dgamma, dout.sum(axis=0)


def normalise_forward(x):
    """Layer norm without parameters."""
    rstd = 1 / np.sqrt(x.var(axis=1, keepdims=True) + EPS)
    xhat = (x - x.mean(axis=1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def normalise_backward(dout, cache):
    """BLOCK rows at once."""
    xhat, rstd = cache
    dx = np.empty_like(dout)
    for start in range(0, len(dout), BLOCK):
        rows = slice(start, start + BLOCK)
        d, h = dout[rows], xhat[rows]
        sum_d = d.sum(axis=1, keepdims=True)
        sum_dh = (d * h).sum(axis=1, keepdims=True)
        dx[rows] = rstd[rows] * (d - (sum_d + h * sum_dh) / dout.shape[1])
    return dx


def rmsnorm_forward(x, weight):
    rstd = 1 / np.sqrt((x**2).mean(axis=1, keepdims=True) + EPS)
    return x * rstd * weight, (x, rstd, weight)


def rmsnorm_backward(dout, cache):
    x, rstd, weight = cache
    inner = (dout * weight * x).mean(axis=1, keepdims=True)
    dx = rstd * dout * weight - x * rstd**3 * inner
    return dx, (dout * x * rstd).sum(axis=0)


def std_forward(x):
    s = x.std(axis=1, ddof=1)
    return s, (x, s)


def std_backward(dout, cache):
    x, s = cache
    n = x.shape[1]
    factor = dout / ((n - 1) * s)
    return (x - x.mean(axis=1, keepdims=True)) * factor[:, None]


MISTAKES = [
    PairMistake(
        "layernorm-thread-index",
        {
            "dgamma = (dout * xhat).sum(axis=0)": (
                "row, column = np.indices(out.shape)\n"
                "at = column // TILE * TILE + row % TILE\n"
                "dgamma = (dout * (out - beta[at]) / gamma[at]).sum(axis=0)"
            )
        },
        "beta and gamma taken at the wrong index",
        "The invertible layer norm recovers xhat as (out - beta)/gamma, but took beta and gamma at"
        " the row's thread index instead of the column's: wrong gamma gradients.",
        "deepspeedai/DeepSpeed#692 (2021)",
        inputs=lambda rng: (rng.normal(size=(6, 8)), rng.uniform(0.5, 2, 8), rng.normal(size=8)),
        forward=invertible_layernorm_forward,
        backward=invertible_layernorm_backward,
    ),
    PairMistake(
        "layernorm-rows-of-a-block",
        {
            "sum_d = d.sum(axis=1, keepdims=True)": "sum_d = d.sum()",
            "sum_dh = (d * h).sum(axis=1, keepdims=True)": "sum_dh = (d * h).sum()",
        },
        "sums over all rows of a block, not each row",
        "A Triton kernel that handles several rows at once summed its statistics over all of them:"
        " right with one row per block, wrong with two.",
        "flagos-ai/FlagGems#59 (2024)",
        inputs=normal((6, 5)),
        forward=normalise_forward,
        backward=normalise_backward,
    ),
    PairMistake(
        "rmsnorm-weight-missing",
        {
            "inner = (dout * weight * x).mean(axis=1, keepdims=True)": (
                "inner = (dout * x).mean(axis=1, keepdims=True)"
            )
        },
        "one term lacks the factor weight",
        "The weight was left out of the sum in RMSNorm's backward, though not of its other term;"
        " 'spent days chasing it'.",
        "karpathy/llm.c#763, a reviewer's own kernel (2024)",
        inputs=lambda rng: (rng.normal(size=(4, 6)), rng.uniform(0.5, 2, 6)),
        forward=rmsnorm_forward,
        backward=rmsnorm_backward,
    ),
    PairMistake(
        "std-eps-in-backward-only",
        {"factor = dout / ((n - 1) * s)": "factor = dout / ((n - 1) * (s + 1e-8))"},
        "eps in backward that forward lacks (small inputs)",
        "The backward of std divides by s + 1e-8 where forward has no eps: invisible on ordinary"
        " data, off by percents where the spread is small.",
        "Lightning-AI/lightning-thunder#1848 (2025, caught in review)",
        inputs=lambda rng: (rng.normal(size=(3, 5)) * 1e-6,),
        forward=std_forward,
        backward=std_backward,
    ),
]
