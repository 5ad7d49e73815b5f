"""Convolutions, plain, grouped and with strides."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

GROUPS = 2
STRIDE, PAD = 3, 2


def depth_conv_forward(x, kernel):
    """Along the second axis, which is the depth, with a matrix (I, O) for each of t places."""
    t = len(kernel)
    depth = x.shape[1] - t + 1
    planes = [sum(x[:, m + k] @ kernel[k] for k in range(t)) for m in range(depth)]
    return np.stack(planes, axis=1), (x, kernel)


def depth_conv_backward(dout, cache):
    x, kernel = cache
    t, depth = len(kernel), dout.shape[1]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for m in range(depth):
        for k in range(t):
            dkernel[k] += x[:, m + k].T @ dout[:, m]
    for d in range(x.shape[1]):
        dx[:, d] = sum(dout[:, d - k] @ kernel[k].T for k in range(t) if 0 <= d - k < depth)
    return dx, dkernel


def grouped_conv_forward(x, w):
    """In one dimension, with filters w (F, C / GROUPS, K)."""
    per, each = w.shape[1], len(w) // GROUPS
    windows = sliding_window_view(x, w.shape[2], axis=2)
    out = np.empty((len(x), len(w), windows.shape[2]))
    for o in range(len(w)):
        g = o // each
        out[:, o] = np.einsum("nclk,ck->nl", windows[:, g * per : (g + 1) * per], w[o])
    return out, (x, w)


def grouped_conv_backward(dout, cache):
    x, w = cache
    per, each = w.shape[1], len(w) // GROUPS
    windows = sliding_window_view(x, w.shape[2], axis=2)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for o in range(len(w)):
        g = o // each
        for a in range(per):
            dw[o, a] = np.einsum("nlk,nl->k", windows[:, g * per + a], dout[:, o])
            for i in range(w.shape[2]):
                dx[:, g * per + a, i : i + dout.shape[2]] += dout[:, o] * w[o, a, i]
    return dx, dw


def conv_forward(x, w):
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, w), (x, w)


def conv_backward(dout, cache):
    x, w = cache
    H, W = dout.shape[2:]
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    dx, dw = np.zeros_like(x), np.einsum("nchwij,nohw->ocij", windows, dout)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            part = np.einsum("nohw,oc->nchw", dout, w[:, :, i, j])
            dx[:, :, i : i + H, j : j + W] += part
    return dx, dw


def strided_conv_forward(x, w):
    windows = sliding_window_view(np.pad(x, PAD), len(w))[::STRIDE]
    return windows @ w, (x, w)


def strided_conv_backward(dout, cache):
    x, w = cache
    dw = dout @ sliding_window_view(np.pad(x, PAD), len(w))[::STRIDE]
    dilated = np.zeros(len(x) + 2 * PAD - len(w) + 1)
    dilated[::STRIDE] = dout
    dx = np.convolve(np.pad(dilated, len(w) - 1 - PAD), w, "valid")
    return dx, dw


PLANE = "dx[:, d] = sum(dout[:, d - k] @ kernel[k].T for k in range(t) if 0 <= d - k < depth)"

MISTAKES = [
    PairMistake(
        "conv-wrong-plane",
        {PLANE: PLANE.replace("dx[:, d]", "dx[:, m]")},
        "stored at the wrong loop variable",
        "In the loop over the input's depth the result was stored at m, the left-over loop variable"
        " of the output's depth, so one plane got overwritten and the others stayed 0.",
        "NervanaSystems/neon#111 (2015)",
        inputs=normal((2, 5, 3), (2, 3, 4)),
        forward=depth_conv_forward,
        backward=depth_conv_backward,
    ),
    PairMistake(
        "grouped-conv-pairs-wrong-channels",
        {
            'dw[o, a] = np.einsum("nlk,nl->k", windows[:, g * per + a], dout[:, o])': (
                'dw[o, a] = np.einsum("nlk,nl->k", windows[:, a * GROUPS + g], dout[:, o])'
            )
        },
        "channels of groups interleaved instead of blocked",
        "nn.grad's weight gradient of a grouped convolution laid the channels out interleaved while"
        " the groups are blocks, so each filter saw another group's inputs.",
        "pytorch/pytorch#51430 (2021)",
        inputs=normal((2, 6, 7), (4, 3, 3)),
        forward=grouped_conv_forward,
        backward=grouped_conv_backward,
    ),
    PairMistake(
        "conv-weight-gradient-averaged",
        {"return dx, dw": "return dx, dw / (len(x) * H * W)"},
        "divided by batch and output size",
        "The weight gradient of a convolution was divided by batch × height × width, in the belief"
        " that it should be a mean.",
        "sebgao/cTensor#3 (2019)",
        inputs=normal((3, 2, 5, 5), (2, 2, 3, 3)),
        forward=conv_forward,
        backward=conv_backward,
    ),
    PairMistake(
        "conv-left-over-columns",
        {
            "dilated = np.zeros(len(x) + 2 * PAD - len(w) + 1)": (
                "dilated = np.zeros(len(dout) * STRIDE)"
            )
        },
        "input gradient of the wrong length with a remainder",
        "When the stride leaves a remainder, the gradient of the input came out one longer than the"
        " input: the dilated dout has trailing zeros too many; the course's tests never leave a"
        " remainder.",
        "PKUFlyingPig/CMU10-714#6 (2024), the course's needle",
        inputs=normal(16, 7),
        forward=strided_conv_forward,
        backward=strided_conv_backward,
    ),
]
