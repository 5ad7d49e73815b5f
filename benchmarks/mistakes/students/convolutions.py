"""Convolutions as loops: plain, dilated, in groups, per channel, of single pixels."""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

STRIDE, PAD = 2, 1
DIL = 2
G = 2


def conv_forward(x, w, b):
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    Ho, Wo = 1 + (H + 2 * PAD - HH) // STRIDE, 1 + (W + 2 * PAD - WW) // STRIDE
    xp = np.pad(x, ((0, 0), (0, 0), (PAD, PAD), (PAD, PAD)))
    out = np.zeros((N, F, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * STRIDE, j * STRIDE
            window = xp[:, :, top : top + HH, left : left + WW]
            out[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3])) + b
    return out, (xp, w)


def conv_backward(dout, cache):
    xp, w = cache
    HH, WW = w.shape[2:]
    Ho, Wo = dout.shape[2:]
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * STRIDE, j * STRIDE
            window = xp[:, :, top : top + HH, left : left + WW]
            d = dout[:, :, i, j]
            dw += np.tensordot(d, window, axes=([0], [0]))
            dxp[:, :, top : top + HH, left : left + WW] += np.tensordot(d, w, axes=([1], [0]))
    dx = dxp[:, :, PAD:-PAD, PAD:-PAD]
    db = dout.sum(axis=(0, 2, 3))
    return dx, dw, db


def correlate(x, w):
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", windows, w)


def conv_full_forward(x, w, b):
    return correlate(x, w) + b[:, None, None], (x, w)


def conv_full_backward(dout, cache):
    """dx as a full convolution, dw as one of x with dout."""
    x, w = cache
    HH, WW = w.shape[2:]
    dw = correlate(x.swapaxes(0, 1), dout.swapaxes(0, 1)).swapaxes(0, 1)
    dp = np.pad(dout, ((0, 0), (0, 0), (HH - 1, HH - 1), (WW - 1, WW - 1)))
    dx = correlate(dp, w[:, :, ::-1, ::-1].swapaxes(0, 1))
    return dx, dw, dout.sum(axis=(0, 2, 3))


def conv_dilated_forward(x, w, b):
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    Ho, Wo = H - DIL * (HH - 1), W - DIL * (WW - 1)
    out = np.zeros((N, F, Ho, Wo)) + b[:, None, None]
    for i in range(HH):
        for j in range(WW):
            part = x[:, :, i * DIL : i * DIL + Ho, j * DIL : j * DIL + Wo]
            out += np.einsum("nchw,fc->nfhw", part, w[:, :, i, j])
    return out, (x, w)


def conv_dilated_backward(dout, cache):
    x, w = cache
    Ho, Wo = dout.shape[2:]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            part = x[:, :, i * DIL : i * DIL + Ho, j * DIL : j * DIL + Wo]
            dw[:, :, i, j] = np.einsum("nfhw,nchw->fc", dout, part)
            dpart = np.einsum("nfhw,fc->nchw", dout, w[:, :, i, j])
            dx[:, :, i * DIL : i * DIL + Ho, j * DIL : j * DIL + Wo] += dpart
    return dx, dw, dout.sum(axis=(0, 2, 3))


def conv_grouped_forward(x, w, b):
    """G groups, with kernels w (F, C / G, HH, WW)."""
    C, F = x.shape[1] // G, len(w) // G
    outs = []
    for g in range(G):
        outs.append(correlate(x[:, g * C : (g + 1) * C], w[g * F : (g + 1) * F]))
    return np.concatenate(outs, axis=1) + b[:, None, None], (x, w)


def conv_grouped_backward(dout, cache):
    x, w = cache
    C, F = x.shape[1] // G, len(w) // G
    HH, WW = w.shape[2:]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for g in range(G):
        xs, fs = slice(g * C, (g + 1) * C), slice(g * F, (g + 1) * F)
        d = dout[:, fs]
        windows = sliding_window_view(x[:, xs], (HH, WW), axis=(2, 3))
        dw[fs] = np.einsum("nfhw,nchwij->fcij", d, windows)
        for i in range(d.shape[2]):
            for j in range(d.shape[3]):
                part = np.einsum("nf,fcij->ncij", d[:, :, i, j], w[fs])
                dx[:, xs, i : i + HH, j : j + WW] += part
    return dx, dw, dout.sum(axis=(0, 2, 3))


def depthwise_forward(x, w):
    """Each channel with its own kernel, w (C, HH, WW)."""
    windows = sliding_window_view(x, w.shape[1:], axis=(2, 3))
    return np.einsum("nchwij,cij->nchw", windows, w), (x, w)


def depthwise_backward(dout, cache):
    x, w = cache
    HH, WW = w.shape[1:]
    windows = sliding_window_view(x, (HH, WW), axis=(2, 3))
    dw = np.einsum("nchw,nchwij->cij", dout, windows)
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            part = dout[:, :, i, j, None, None] * w
            dx[:, :, i : i + HH, j : j + WW] += part
    return dx, dw


def conv1x1_forward(x, w, b):
    return np.einsum("fc,nchw->nfhw", w, x) + b[:, None, None], (x, w)


def conv1x1_backward(dout, cache):
    x, w = cache
    F, C = w.shape
    d = dout.swapaxes(0, 1).reshape(F, -1)
    pixels = x.swapaxes(0, 1).reshape(C, -1)
    dw = d @ pixels.T
    dx = np.einsum("fc,nfhw->nchw", w, dout)
    return dx, dw, d.sum(axis=1)


conv = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 5, 5), (3, 3, 3, 3), 3),
    forward=conv_forward,
    backward=conv_backward,
)
conv_full = functools.partial(
    PairMistake,
    inputs=normal((2, 2, 5, 6), (3, 2, 3, 2), 3),
    forward=conv_full_forward,
    backward=conv_full_backward,
)
dilated = functools.partial(
    PairMistake,
    inputs=normal((2, 2, 6, 6), (3, 2, 2, 2), 3),
    forward=conv_dilated_forward,
    backward=conv_dilated_backward,
)
grouped = functools.partial(
    PairMistake,
    inputs=normal((2, 4, 4, 4), (4, 2, 3, 3), 4),
    forward=conv_grouped_forward,
    backward=conv_grouped_backward,
)
depthwise = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 5, 4), (3, 3, 2)),
    forward=depthwise_forward,
    backward=depthwise_backward,
)
conv1x1 = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 3, 4), (2, 3), 2),
    forward=conv1x1_forward,
    backward=conv1x1_backward,
)

OUT = "out[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3])) + b"
WINDOW = "window = xp[:, :, top : top + HH, left : left + WW]"
DXP = "dxp[:, :, top : top + HH, left : left + WW] += np.tensordot(d, w, axes=([1], [0]))"
DX = "dx = dxp[:, :, PAD:-PAD, PAD:-PAD]"
DB = "db = dout.sum(axis=(0, 2, 3))"

MISTAKES = [
    conv(
        "conv-padding-cut-one-side",
        {DX: "dx = dxp[:, :, : -2 * PAD, : -2 * PAD]"},
        "padding of dx cut off at one side only",
        "dx is cut to the size of x, but from the top left corner: everything is shifted by the"
        " padding.",
    ),
    conv(
        "conv-stride-ignored-in-dw",
        {WINDOW: "window = xp[:, :, i : i + HH, j : j + WW]"},
        "stride ignored in dw",
        "The window of x that dw reads starts at (i, j) instead of (i, j) times the stride; dx is"
        " right.",
    ),
    conv(
        "conv-dw-last-window",
        {
            "dw += np.tensordot(d, window, axes=([0], [0]))": (
                "dw = np.tensordot(d, window, axes=([0], [0]))"
            )
        },
        "dw holds only the last window's contribution",
        "= in place of += for dw inside of the loop over the positions.",
    ),
    conv(
        "conv-db-divided-by-batch",
        {DB: f"{DB} / len(dout)"},
        "db divided by the batch size",
        "db is averaged over the batch, although the loss has already done it.",
    ),
    conv(
        "conv-dw-divided-by-batch",
        {"return dx, dw, db": "N = len(dout)\nreturn dx, dw / N, db / N"},
        "dw and db divided by the batch size",
        "dw and db are divided by m as in the formulas of the course, dx is not.",
    ),
    conv(
        "conv-kernel-turned-in-dx",
        {DXP: DXP.replace("d, w,", "d, w[:, :, ::-1, ::-1],")},
        "kernel turned by 180 degrees in dx",
        "'For dx one needs the flipped kernel': true of the formula as one convolution, not of this"
        " loop.",
    ),
    conv(
        "conv-in-out-channels-swapped",
        {DXP: DXP.replace("([1], [0])", "([1], [1])")},
        "dx uses w with in and out channels swapped",
        "dx sums over the second axis of w; with as many filters as channels the shapes fit.",
    ),
    conv(
        "conv-rows-and-columns-swapped",
        {DXP: DXP.replace("top : top + HH, left : left + WW", "left : left + HH, top : top + WW")},
        "rows and columns swapped in dx's windows",
        "top comes from j and left from i where dx is accumulated.",
        "deeplearning4j/deeplearning4j#964 (2015, height and width in a pooling backward); here a"
        " convolution",
    ),
    conv(
        "conv-forward-kernel-flipped",
        {
            DXP: DXP.replace("d, w,", "d, w[:, :, ::-1, ::-1],"),
            "return dx, dw, db": "return dx, dw[:, :, ::-1, ::-1], db",
        },
        "forward flips the kernel: convolution, not cross-correlation",
        "The forward pass turns the kernel round, as in signal processing, and the backward pass"
        " fits it.",
        forward_patch={OUT: OUT.replace("window, w,", "window, w[:, :, ::-1, ::-1],")},
    ),
    conv(
        "conv-forward-bias-per-channel",
        {DB: "db = xp.shape[1] * dout.sum(axis=(0, 2, 3))"},
        "forward adds the bias once per input channel",
        "The bias is added inside of the sum over the channels, so it counts C times; backward"
        " fits.",
        forward_patch={OUT: OUT.replace("+ b", "+ x.shape[1] * b")},
    ),
    conv_full(
        "conv-full-db-mean",
        {
            "return dx, dw, dout.sum(axis=(0, 2, 3))": (
                "return dx, dw, dout.mean(axis=(2, 3)).sum(axis=0)"
            )
        },
        "db averaged over positions, summed over the batch",
        "db takes the mean over height and width.",
    ),
    dilated(
        "conv-dilation-ignored-in-dw",
        {
            "part = x[:, :, i * DIL : i * DIL + Ho, j * DIL : j * DIL + Wo]": (
                "part = x[:, :, i : i + Ho, j : j + Wo]"
            )
        },
        "dilation ignored in dw",
        "dw reads neighbouring pixels, as without dilation.",
    ),
    dilated(
        "conv-dilation-ignored-in-dx",
        {
            "dx[:, :, i * DIL : i * DIL + Ho, j * DIL : j * DIL + Wo] += dpart": (
                "dx[:, :, i : i + Ho, j : j + Wo] += dpart"
            )
        },
        "dilation ignored in dx",
        "dx is spread over neighbouring pixels, as without dilation.",
    ),
    grouped(
        "conv-groups-dx-from-first-group",
        {
            'part = np.einsum("nf,fcij->ncij", d[:, :, i, j], w[fs])': (
                'part = np.einsum("nf,fcij->ncij", d[:, :, i, j], w[:F])'
            )
        },
        "dx of every group uses the first group's kernels",
        "w[:F] in place of w of the group.",
    ),
    grouped(
        "conv-groups-all-into-first",
        {
            "dx[:, xs, i : i + HH, j : j + WW] += part": (
                "dx[:, :C, i : i + HH, j : j + WW] += part"
            )
        },
        "dx of all groups added to the first group's channels",
        "The offset of the group is forgotten in dx.",
    ),
    depthwise(
        "depthwise-dw-summed-over-channels",
        {
            'dw = np.einsum("nchw,nchwij->cij", dout, windows)': (
                'dw = np.einsum("nchw,nchwij->ij", dout, windows) + np.zeros_like(w)'
            )
        },
        "dw sums over channels: every channel gets the same",
        "dw of the depthwise convolution is summed over the channels and broadcast back.",
    ),
    depthwise(
        "depthwise-dx-all-channels",
        {
            "part = dout[:, :, i, j, None, None] * w": (
                'part = np.einsum("nc,cij->nij", dout[:, :, i, j], w)[:, None]'
            )
        },
        "dx sums over the channels as a full convolution",
        "Each channel of dx gets the gradients of all channels.",
    ),
    conv1x1(
        "conv1x1-dw-averaged-over-pixels",
        {"dw = d @ pixels.T": "dw = d @ pixels.T / (x.shape[2] * x.shape[3])"},
        "dw averaged over the pixels",
        "dw is divided by height times width.",
    ),
]
