"""Batch norm in stages, layer norm and RMS norm of vectors and sequences."""

import functools

import numpy as np

from benchmarks.mistakes.pair import PairMistake

EPS, BN_EPS = 1e-5, 1e-3


def batchnorm_forward(x, gamma, beta):
    mean, var = x.mean(axis=0), x.var(axis=0)
    xhat = (x - mean) / np.sqrt(var + BN_EPS)
    return gamma * xhat + beta, (x, mean, var, xhat, gamma)


def batchnorm_backward(dout, cache):
    """Stage by stage, as the chain rule goes."""
    x, mean, var, xhat, gamma = cache
    N = len(x)
    dxhat = dout * gamma
    dvar = (dxhat * (x - mean)).sum(axis=0) * -0.5 * (var + BN_EPS) ** -1.5
    dmean = -dxhat.sum(axis=0) / np.sqrt(var + BN_EPS)
    dx = dxhat / np.sqrt(var + BN_EPS) + dvar * 2 * (x - mean) / N + dmean / N
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def layernorm_forward(x, gamma, beta):
    rstd = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + EPS)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return gamma * xhat + beta, (xhat, rstd, gamma)


def layernorm_backward(dout, cache):
    """Of vectors."""
    xhat, rstd, gamma = cache
    D = dout.shape[1]
    dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
    d = dout * gamma
    sum_d, sum_dx = d.sum(axis=1, keepdims=True), (d * xhat).sum(axis=1, keepdims=True)
    dx = rstd / D * (D * d - sum_d - xhat * sum_dx)
    return dx, dgamma, dbeta


def layernorm_of_steps_backward(dout, cache):
    """Of sequences (N, T, D)."""
    xhat, rstd, gamma = cache
    d = dout * gamma
    mean_d, mean_dx = d.mean(axis=-1, keepdims=True), (d * xhat).mean(axis=-1, keepdims=True)
    dx = rstd * (d - mean_d - xhat * mean_dx)
    return dx, (dout * xhat).sum(axis=(0, 1)), dout.sum(axis=(0, 1))


def rmsnorm_forward(x, gamma, eps):
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
    return x * r * gamma, (x, r, gamma, eps)


def rmsnorm_backward(dout, cache):
    x, r, gamma, _ = cache
    d = dout * gamma
    dx = r * d - r**3 * x * (d * x).sum(axis=-1, keepdims=True) / x.shape[-1]
    return dx, (dout * x * r).sum(axis=0)


def batch_inputs(rng):
    return rng.normal(size=(5, 3)) * 1.5, rng.uniform(0.5, 2, 3), rng.normal(size=3)


def layer_inputs(rng):
    return rng.normal(size=(4, 4)) * 2, rng.uniform(0.5, 2, 4), rng.normal(size=4)


def step_inputs(rng):
    return rng.normal(size=(2, 3, 4)), rng.uniform(0.5, 2, 4), rng.normal(size=4)


def rms_inputs(eps):
    return lambda rng: (rng.normal(size=(3, 5)), rng.uniform(0.5, 2, 5), eps)


staged = functools.partial(
    PairMistake, inputs=batch_inputs, forward=batchnorm_forward, backward=batchnorm_backward
)
rmsnorm = functools.partial(PairMistake, forward=rmsnorm_forward, backward=rmsnorm_backward)

DVAR = "dvar = (dxhat * (x - mean)).sum(axis=0) * -0.5 * (var + BN_EPS) ** -1.5"
STAGED = "dx = dxhat / np.sqrt(var + BN_EPS) + dvar * 2 * (x - mean) / N + dmean / N"
RMS = "dx = r * d - r**3 * x * (d * x).sum(axis=-1, keepdims=True) / x.shape[-1]"

MISTAKES = [
    staged(
        "bn-staged-without-2",
        {STAGED: STAGED.replace("dvar * 2 *", "dvar *")},
        "factor 2 of the square missing in the variance path",
        "d(x - mean)² is written as (x - mean).",
    ),
    staged(
        "bn-staged-power",
        {DVAR: DVAR.replace("-1.5", "-0.5")},
        "power -1/2 instead of -3/2 in dvar",
        "The derivative of (var + eps)**-0.5 keeps the exponent.",
    ),
    staged(
        "bn-staged-dmean-not-divided",
        {STAGED: STAGED.replace("dmean / N", "dmean")},
        "path through the mean not divided by N",
        "dmean is added to every row without its 1/N.",
    ),
    staged(
        "bn-staged-dvar-without-half",
        {DVAR: DVAR.replace("-0.5", "-1")},
        "path through the variance lacks the factor 1/2",
        "-0.5 became -1.",
    ),
    PairMistake(
        "ln-gamma-outside",
        {
            "d = dout * gamma": "d = dout",
            "dx = rstd / D * (D * d - sum_d - xhat * sum_dx)": (
                "dx = gamma * rstd / D * (D * d - sum_d - xhat * sum_dx)"
            ),
        },
        "gamma multiplies after the sums instead of before",
        "In batch norm gamma can be taken out of the sums; here it differs along them.",
        inputs=layer_inputs,
        forward=layernorm_forward,
        backward=layernorm_backward,
    ),
    PairMistake(
        "ln-seq-dgamma-first-step",
        {
            "return dx, (dout * xhat).sum(axis=(0, 1)), dout.sum(axis=(0, 1))": (
                "return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)"
            )
        },
        "dgamma not summed over time (shape)",
        "Summed over the batch only.",
        inputs=step_inputs,
        forward=layernorm_forward,
        backward=layernorm_of_steps_backward,
    ),
    rmsnorm(
        "rms-as-constant",
        {RMS: "dx = r * d"},
        "path through the root mean square missing",
        "The norm is treated as a constant.",
        inputs=rms_inputs(1e-6),
    ),
    rmsnorm(
        "rms-sign",
        {RMS: RMS.replace("r * d -", "r * d +")},
        "sign of the path through the rms",
        "The second term is added.",
        inputs=rms_inputs(1e-6),
    ),
    rmsnorm(
        "rms-forward-eps-outside",
        {
            "x, r, gamma, _ = cache": "x, r, gamma, eps = cache",
            RMS: RMS.replace("r**3", "r**2 / (1 / r - eps)"),
        },
        "forward adds eps outside of the root",
        "1/(sqrt(mean) + eps) with eps = 0.1, in both passes.",
        forward_patch={
            "r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)": (
                "r = 1 / (np.sqrt((x * x).mean(axis=-1, keepdims=True)) + eps)"
            )
        },
        inputs=rms_inputs(0.1),
    ),
]
