"""Batch, group and instance norm of images."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

EPS, G = 1e-5, 2


def spatial_batchnorm_forward(x, gamma, beta):
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    rstd = 1 / np.sqrt(var + EPS)
    xhat = (x - mean) * rstd
    return gamma[:, None, None] * xhat + beta[:, None, None], (xhat, rstd, gamma)


def spatial_batchnorm_backward(dout, cache):
    xhat, rstd, gamma = cache
    N, _, H, W = dout.shape
    M = N * H * W
    dgamma, dbeta = (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
    d = dout * gamma[:, None, None]
    mean_d = d.sum(axis=(0, 2, 3), keepdims=True) / M
    mean_dx = (d * xhat).sum(axis=(0, 2, 3), keepdims=True) / M
    dx = rstd * (d - mean_d - xhat * mean_dx)
    return dx, dgamma, dbeta


def spatial_inputs(rng):
    return rng.normal(size=(3, 4, 2, 4)) * 2 + 1, rng.uniform(0.5, 2, 4), rng.normal(size=4)


def batchnorm_of_pixels_forward(x, gamma, beta):
    """The batch norm of vectors, given the pixels as its examples."""
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    rstd = 1 / np.sqrt(rows.var(axis=0) + EPS)
    xhat = (rows - rows.mean(axis=0)) * rstd
    out = gamma * xhat + beta
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), (xhat, rstd, gamma)


def batchnorm_of_pixels_backward(dout, cache):
    xhat, rstd, gamma = cache
    N, C, H, W = dout.shape
    d = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dgamma, dbeta = (d * xhat).sum(axis=0), d.sum(axis=0)
    d = d * gamma
    dx = rstd * (d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0))
    dx = dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return dx, dgamma, dbeta


def groupnorm_forward(x, gamma, beta):
    """G groups of channels; gamma and beta are (1, C, 1, 1)."""
    xg = x.reshape(len(x), G, -1)
    rstd = 1 / np.sqrt(xg.var(axis=2, keepdims=True) + EPS)
    xhat = ((xg - xg.mean(axis=2, keepdims=True)) * rstd).reshape(x.shape)
    return gamma * xhat + beta, (xhat, rstd, gamma)


def groupnorm_backward(dout, cache):
    xhat, rstd, gamma = cache
    N, C, H, W = dout.shape
    m = C // G * H * W
    dgamma = (dout * xhat).sum(axis=(0, 2, 3), keepdims=True)
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    d = (dout * gamma).reshape(N, G, -1)
    xg = xhat.reshape(N, G, -1)
    sum_d, sum_dx = d.sum(axis=2, keepdims=True), (d * xg).sum(axis=2, keepdims=True)
    dx = rstd / m * (m * d - sum_d - xg * sum_dx)
    return dx.reshape(dout.shape), dgamma, dbeta


def group_inputs(rng):
    gamma = (1, 4, 1, 1)
    return rng.normal(size=(2, 4, 3, 2)), rng.uniform(0.5, 2, gamma), rng.normal(size=gamma)


def instancenorm_forward(x):
    rstd = 1 / np.sqrt(x.var(axis=(2, 3), keepdims=True) + EPS)
    xhat = (x - x.mean(axis=(2, 3), keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def instancenorm_backward(dout, cache):
    xhat, rstd = cache
    mean_d = dout.mean(axis=(2, 3), keepdims=True)
    mean_dx = (dout * xhat).mean(axis=(2, 3), keepdims=True)
    return rstd * (dout - mean_d - xhat * mean_dx)


spatial = functools.partial(
    PairMistake,
    inputs=spatial_inputs,
    forward=spatial_batchnorm_forward,
    backward=spatial_batchnorm_backward,
)
of_pixels = functools.partial(
    PairMistake,
    inputs=lambda rng: (rng.normal(size=(2, 3, 3, 3)), rng.uniform(0.5, 2, 3), rng.normal(size=3)),
    forward=batchnorm_of_pixels_forward,
    backward=batchnorm_of_pixels_backward,
)
groupnorm = functools.partial(
    PairMistake, inputs=group_inputs, forward=groupnorm_forward, backward=groupnorm_backward
)

DX = "dx = rstd * (d - mean_d - xhat * mean_dx)"
BACK = "dx = dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)"
GROUPED = "return dx.reshape(dout.shape), dgamma, dbeta"

MISTAKES = [
    spatial(
        "sbn-means-over-batch-only",
        {
            "mean_d = d.sum(axis=(0, 2, 3), keepdims=True) / M": (
                "mean_d = d.sum(axis=0, keepdims=True) / N"
            ),
            "mean_dx = (d * xhat).sum(axis=(0, 2, 3), keepdims=True) / M": (
                "mean_dx = (d * xhat).sum(axis=0, keepdims=True) / N"
            ),
        },
        "means in dx over the batch only, not the pixels",
        "The sums of dx run over axis 0, as in the batch norm of vectors.",
    ),
    spatial(
        "sbn-gamma-along-width",
        {"d = dout * gamma[:, None, None]": "d = dout * gamma"},
        "gamma broadcast over the width instead of channels",
        "dout * gamma broadcasts along the last axis, which happens to have C entries.",
    ),
    spatial(
        "sbn-dgamma-divided-by-batch",
        {"return dx, dgamma, dbeta": "return dx, dgamma / N, dbeta / N"},
        "dgamma and dbeta divided by the batch size",
        "The gradients of gamma and beta are averaged over the batch.",
        "cthorey/CS231#9 (2020, a question)",
    ),
    spatial(
        "sbn-mean-constant",
        {DX: "dx = rstd * (d - xhat * mean_dx)"},
        "path through the mean missing",
        "The mean is treated as a constant.",
    ),
    spatial(
        "sbn-statistics-constant",
        {DX: "dx = rstd * d"},
        "mean and variance treated as constants",
        "dx is dout · gamma · rstd, as in test mode.",
    ),
    of_pixels(
        "sbn-reshaped-without-transpose-back",
        {BACK: "dx = dx.reshape(N, C, H, W)"},
        "dx reshaped to NCHW without transposing back",
        "dx.reshape(N, C, H, W) of rows that are ordered N, H, W, C.",
    ),
    of_pixels(
        "sbn-reshaped-inverse-axes",
        {BACK: BACK.replace("(0, 3, 1, 2)", "(0, 2, 3, 1)")},
        "transposed back with the same axes, not their inverse",
        "transpose (0, 2, 3, 1) is used in both directions; with C = H = W the shape is right.",
    ),
    groupnorm(
        "gn-count-of-all-channels",
        {"m = C // G * H * W": "m = C * H * W"},
        "count is C·H·W instead of C/G·H·W",
        "The number of entries of a group is that of the whole image.",
    ),
    groupnorm(
        "gn-gamma-outside",
        {
            "d = (dout * gamma).reshape(N, G, -1)": "d = dout.reshape(N, G, -1)",
            GROUPED: "return dx.reshape(dout.shape) * gamma, dgamma, dbeta",
        },
        "gamma multiplies after the sums instead of before",
        "dx of the norm without gamma, and gamma at the end: it differs between the channels of a"
        " group.",
    ),
    groupnorm(
        "gn-dgamma-of-the-group",
        {
            GROUPED: (
                "dgamma = dgamma.reshape(G, -1).sum(axis=1).repeat(C // G).reshape(1, C, 1, 1)\n"
                "dbeta = dbeta.reshape(G, -1).sum(axis=1).repeat(C // G).reshape(1, C, 1, 1)\n"
                f"{GROUPED}"
            )
        },
        "dgamma and dbeta shared by a group's channels",
        "The gradients are summed over the group and repeated for its channels.",
    ),
    PairMistake(
        "in-one-axis",
        {
            "mean_d = dout.mean(axis=(2, 3), keepdims=True)": (
                "mean_d = dout.mean(axis=3, keepdims=True)"
            ),
            "mean_dx = (dout * xhat).mean(axis=(2, 3), keepdims=True)": (
                "mean_dx = (dout * xhat).mean(axis=3, keepdims=True)"
            ),
        },
        "means over the width only",
        "mean(3) in backward.",
        inputs=normal((2, 3, 3, 4)),
        forward=instancenorm_forward,
        backward=instancenorm_backward,
    ),
]
