"""Convolutions by columns: one matrix product of all windows."""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

PAD = 1
LEFT, RIGHT = 1, 2


def im2col(x, HH, WW):
    """(C * HH * WW, N * Ho * Wo)"""
    xp = np.pad(x, ((0, 0), (0, 0), (PAD, PAD), (PAD, PAD)))
    windows = sliding_window_view(xp, (HH, WW), axis=(2, 3))
    return windows.transpose(1, 4, 5, 0, 2, 3).reshape(x.shape[1] * HH * WW, -1)


def conv_im2col_forward(x, w, b):
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    cols = im2col(x, HH, WW)
    out = w.reshape(F, -1) @ cols + b[:, None]
    return out.reshape(F, N, H, W).transpose(1, 0, 2, 3), (x, w, cols)


def conv_im2col_backward(dout, cache):
    x, w, cols = cache
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    d = dout.transpose(1, 0, 2, 3).reshape(F, -1)
    db = d.sum(axis=1)
    dw = (d @ cols.T).reshape(w.shape)
    dcols = (w.reshape(F, -1).T @ d).reshape(C, HH, WW, N, H, W)
    dxp = np.zeros((N, C, H + 2 * PAD, W + 2 * PAD))
    for i in range(HH):
        for j in range(WW):
            dxp[:, :, i : i + H, j : j + W] += dcols[:, i, j].transpose(1, 0, 2, 3)
    return dxp[:, :, PAD:-PAD, PAD:-PAD], dw, db


def conv1d_forward(x, w, b):
    """As many outputs as inputs, with LEFT and RIGHT zeros around them."""
    xp = np.pad(x, ((0, 0), (0, 0), (LEFT, RIGHT)))
    windows = sliding_window_view(xp, w.shape[2], axis=2)
    return np.einsum("ncti,fci->nft", windows, w) + b[:, None], (windows, w)


def conv1d_backward(dout, cache):
    windows, w = cache
    N, C, T, K = windows.shape
    dw = np.einsum("nft,ncti->fci", dout, windows)
    dxp = np.zeros((N, C, T + K - 1))
    for t in range(T):
        dxp[:, :, t : t + K] += np.einsum("nf,fci->nci", dout[:, :, t], w)
    dx = dxp[:, :, LEFT:-RIGHT]
    return dx, dw, dout.sum(axis=(0, 2))


conv = functools.partial(
    PairMistake,
    inputs=normal((2, 2, 4, 4), (3, 2, 3, 3), 3),
    forward=conv_im2col_forward,
    backward=conv_im2col_backward,
)

COL2IM = "dxp[:, :, i : i + H, j : j + W] += dcols[:, i, j].transpose(1, 0, 2, 3)"

MISTAKES = [
    conv(
        "im2col-dout-wrong-transpose",
        {
            "d = dout.transpose(1, 0, 2, 3).reshape(F, -1)": (
                "d = dout.transpose(1, 2, 3, 0).reshape(F, -1)"
            )
        },
        "dout flattened pixels first, columns are images first",
        "transpose (1, 2, 3, 0), as in the fast layers of the course, whose columns are ordered"
        " otherwise.",
    ),
    conv(
        "col2im-overwrites",
        {COL2IM: COL2IM.replace("+=", "=")},
        "col2im overwrites overlapping windows instead of adding",
        "= in place of += in col2im.",
    ),
    conv(
        "col2im-batch-and-channel-reshaped",
        {COL2IM: COL2IM.replace("transpose(1, 0, 2, 3)", "reshape(N, C, H, W)")},
        "col2im reshapes (C, N) to (N, C) without transpose",
        "With as many images as channels the reshape goes unnoticed.",
    ),
    conv(
        "col2im-rows-columns-swapped",
        {COL2IM: COL2IM.replace("dcols[:, i, j]", "dcols[:, j, i]")},
        "col2im swaps kernel rows and columns",
        "dcols[:, j, i] in place of [:, i, j].",
    ),
    PairMistake(
        "conv1d-same-padding-cut-shifted",
        {"dx = dxp[:, :, LEFT:-RIGHT]": "dx = dxp[:, :, RIGHT:-LEFT]"},
        "dx shifted by one: left and right padding swapped",
        "An even kernel needs one more zero at the right; dx is cut as if it were at the left.",
        inputs=normal((2, 2, 6), (3, 2, 4), 3),
        forward=conv1d_forward,
        backward=conv1d_backward,
    ),
]
