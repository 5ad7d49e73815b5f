"""Mistakes in layers of images that the checker was not written for: found, and called by name."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.mistakes.pair import PairMistake


def conv_forward(x, w, b, stride, pad):
    k, (N, _, H, W) = w.shape[2], x.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    Ho, Wo = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
    out = np.zeros((N, len(w), Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            y, z = i * stride, j * stride
            out[:, :, i, j] = np.tensordot(xp[:, :, y : y + k, z : z + k], w, ([1, 2, 3],) * 2)
    return out + b[:, None, None], (xp, w, stride, pad)


def conv_backward(dout, cache):
    xp, w, stride, pad = cache
    k, H, W = w.shape[2], xp.shape[2] - 2 * pad, xp.shape[3] - 2 * pad
    dw, dxp = np.zeros(w.shape), np.zeros(xp.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            y, z = i * stride, j * stride
            patch = xp[:, :, y : y + k, z : z + k]
            dw += np.tensordot(dout[:, :, i, j], patch, ([0], [0]))
            part = np.tensordot(dout[:, :, i, j], w, ([1], [0]))
            dxp[:, :, y : y + k, z : z + k] += part
    return dxp[:, :, pad : pad + H, pad : pad + W], dw, dout.sum(axis=(0, 2, 3))


def full_forward(x, w, b):
    v = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", v, w) + b[:, None, None], (x, w)


def full_backward(dout, cache):
    x, w = cache
    kh, kw = w.shape[2:]
    v = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    dw = np.einsum("nchwij,nfhw->fcij", v, dout)
    dp = np.pad(dout, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    u = sliding_window_view(dp, (kh, kw), axis=(2, 3))
    dx = np.einsum("nfhwij,fcij->nchw", u, w[:, :, ::-1, ::-1])
    return dx, dw, dout.sum(axis=(0, 2, 3))


def groups_forward(x, w, b, groups, dilation):
    k, g, f = w.shape[2], x.shape[1] // groups, len(w) // groups
    Ho, Wo = x.shape[2] - dilation * (k - 1), x.shape[3] - dilation * (k - 1)
    out = np.zeros((len(x), len(w), Ho, Wo))
    for n in range(groups):
        ins, outs = slice(n * g, (n + 1) * g), slice(n * f, (n + 1) * f)
        for u, v in np.ndindex(k, k):
            y, z = u * dilation, v * dilation
            patch = x[:, ins, y : y + Ho, z : z + Wo]
            out[:, outs] += np.einsum("nchw,fc->nfhw", patch, w[outs, :, u, v])
    return out + b[:, None, None], (x, w, groups, dilation)


def groups_backward(dout, cache):
    x, w, groups, dilation = cache
    k, g, f = w.shape[2], x.shape[1] // groups, len(w) // groups
    Ho, Wo = dout.shape[2:]
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for n in range(groups):
        ins, outs = slice(n * g, (n + 1) * g), slice(n * f, (n + 1) * f)
        for u, v in np.ndindex(k, k):
            y, z = u * dilation, v * dilation
            patch = x[:, ins, y : y + Ho, z : z + Wo]
            dw[outs, :, u, v] = np.einsum("nfhw,nchw->fc", dout[:, outs], patch)
            part = np.einsum("nfhw,fc->nchw", dout[:, outs], w[outs, :, u, v])
            dx[:, ins, y : y + Ho, z : z + Wo] += part
    return dx, dw, dout.sum(axis=(0, 2, 3))


def transposed_forward(x, w, b, stride, pad):
    (N, _, H, W), k = x.shape, w.shape[2]
    full = np.zeros((N, w.shape[1], (H - 1) * stride + k, (W - 1) * stride + k))
    for i, j in np.ndindex(H, W):
        y, z = i * stride, j * stride
        full[:, :, y : y + k, z : z + k] += np.einsum("nc,cfuv->nfuv", x[:, :, i, j], w)
    return full[:, :, pad:-pad, pad:-pad] + b[:, None, None], (x, w, stride, pad)


def transposed_backward(dout, cache):
    x, w, stride, pad = cache
    dx, dw, k = np.zeros(x.shape), np.zeros(w.shape), w.shape[2]
    full = np.pad(dout, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for i, j in np.ndindex(*x.shape[2:]):
        y, z = i * stride, j * stride
        patch = full[:, :, y : y + k, z : z + k]
        dx[:, :, i, j] = np.einsum("nfuv,cfuv->nc", patch, w)
        dw += np.einsum("nc,nfuv->cfuv", x[:, :, i, j], patch)
    return dx, dw, dout.sum(axis=(0, 2, 3))


def max_pool_forward(x, size, stride):
    N, C, H, W = x.shape
    out = np.zeros((N, C, (H - size) // stride + 1, (W - size) // stride + 1))
    where = np.zeros(out.shape, int)
    for i, j in np.ndindex(*out.shape[2:]):
        y, z = i * stride, j * stride
        flat = x[:, :, y : y + size, z : z + size].reshape(N, C, -1)
        out[:, :, i, j], where[:, :, i, j] = flat.max(axis=2), flat.argmax(axis=2)
    return out, (x.shape, where, size, stride)


def max_pool_backward(dout, cache):
    shape, where, size, stride = cache
    dx = np.zeros(shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        row, column = divmod(where[n, c, i, j], size)
        y, z = i * stride + row, j * stride + column
        dx[n, c, y, z] += dout[n, c, i, j]
    return dx


def average_forward(x, size, stride, pad):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    v = sliding_window_view(xp, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return v.mean(axis=(4, 5)), (x.shape, size, stride, pad)


def average_backward(dout, cache):
    (N, C, H, W), size, stride, pad = cache
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i, j in np.ndindex(*dout.shape[2:]):
        share = dout[:, :, i, j, None, None] / size**2
        dxp[:, :, i * stride : i * stride + size, j * stride : j * stride + size] += share
    return dxp[:, :, pad : pad + H, pad : pad + W]


def group_norm_forward(x, gamma, beta, G):
    rows = x.reshape(len(x), G, -1)
    std = np.sqrt(rows.var(axis=2, keepdims=True) + 1e-5)
    xhat = ((rows - rows.mean(axis=2, keepdims=True)) / std).reshape(x.shape)
    return gamma[:, None, None] * xhat + beta[:, None, None], (xhat, std, gamma, G)


def group_norm_backward(dout, cache):
    xhat, std, gamma, G = cache
    g = (dout * gamma[:, None, None]).reshape(len(dout), G, -1)
    rows = xhat.reshape(g.shape)
    first = g.mean(axis=2, keepdims=True)
    second = (g * rows).mean(axis=2, keepdims=True)
    dx = (g - first - rows * second) / std
    dgamma, dbeta = (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
    return dx.reshape(dout.shape), dgamma, dbeta


def upsample_forward(x, factor):
    return x.repeat(factor, axis=2).repeat(factor, axis=3), (x.shape, factor)


def upsample_backward(dout, cache):
    (N, C, H, W), f = cache
    return dout.reshape(N, C, H, f, W, f).sum(axis=(3, 5))


def concat_forward(a, b):
    return np.concatenate([a, b], axis=1), a.shape[1]


def concat_backward(dout, cache):
    da, db = dout[:, :cache], dout[:, cache:]
    return da, db


def silu_forward(x):
    return x / (1 + np.exp(-x)), x


def silu_backward(dout, cache):
    s = 1 / (1 + np.exp(-cache))
    return dout * (s + cache * s * (1 - s))


DX = "dxp[:, :, y : y + k, z : z + k] += part"
PATCH = "patch = xp[:, :, y : y + k, z : z + k]"
PART = "part = np.tensordot(dout[:, :, i, j], w, ([1], [0]))"
CUT = "return dxp[:, :, pad : pad + H, pad : pad + W], dw, dout.sum(axis=(0, 2, 3))"
SPREAD = "dx[:, ins, y : y + Ho, z : z + Wo] += part"
G_PART = 'part = np.einsum("nfhw,fc->nchw", dout[:, outs], w[outs, :, u, v])'
G_PATCH = "patch = x[:, ins, y : y + Ho, z : z + Wo]"
FULL = 'dx = np.einsum("nfhwij,fcij->nchw", u, w[:, :, ::-1, ::-1])'
T_PATCH = "patch = full[:, :, y : y + k, z : z + k]"
T_DX = 'dx[:, :, i, j] = np.einsum("nfuv,cfuv->nc", patch, w)'
PLACE = "y, z = i * stride + row, j * stride + column"
NORM = "dx = (g - first - rows * second) / std"
SILU = "return dout * (s + cache * s * (1 - s))"
STRIDE_1 = "a stride of 1 along axes 2 and 3, where forward has 2"
DILATION_1 = "a dilation of 1 along axes 2 and 3, where forward has 2"
MISTAKES = {
    "conv": [
        (DX, "dxp[:, :, i : i + k, j : j + k] += part", f"dx is that of {STRIDE_1}"),
        (DX, "dxp[:, :, y : y + k, z : z + k] = part", "with `+=` for `=`"),
        (PATCH, "patch = xp[:, :, i : i + k, j : j + k]", f"dw is that of {STRIDE_1}"),
        (PART, "part = np.tensordot(dout[:, :, i, j], w[:, :, ::-1, ::-1], ([1], [0]))",
         "dx takes w turned round along axes 2 and 3"),
        (PART, "part = np.tensordot(dout[:, :, i, j], w.swapaxes(2, 3), ([1], [0]))",
         "dx takes w with its rows and columns exchanged"),
        (CUT, "return dxp[:, :, :H, :W], dw, dout.sum(axis=(0, 2, 3))",
         "dx is moved by 1 along axes 2 and 3"),
        (CUT, "return dxp[:, :, pad : pad + H, pad : pad + W], dw, dout.mean(axis=(0, 2, 3))",
         "`dout.sum` for `dout.mean`"),
    ],
    "full": [
        (FULL, 'dx = np.einsum("nfhwij,fcij->nchw", u, w)',
         "dx takes w turned round along axes 2 and 3"),
        (FULL, 'dx = np.einsum("nfhwij,fcij->nchw", u, w[:, :, ::-1])',
         "dx takes w turned round along axis 3"),
        ('dw = np.einsum("nchwij,nfhw->fcij", v, dout)',
         'dw = np.einsum("nchwij,nfhw->fcij", v[..., ::-1, ::-1], dout)',
         "dw is turned round along axes 2 and 3"),
    ],
    "groups": [
        (SPREAD, "dx[:, ins, u : u + Ho, v : v + Wo] += part", f"dx is that of {DILATION_1}"),
        (G_PATCH, "patch = x[:, ins, u : u + Ho, v : v + Wo]", f"dw is that of {DILATION_1}"),
        (G_PATCH, "patch = x[:, :g, y : y + Ho, z : z + Wo]",
         "dw would agree in every digit with `ins` for `:g`"),
        (SPREAD, "dx[:, ::-1][:, ins, y : y + Ho, z : z + Wo] += part",
         "dx has the right numbers in another order along axis 1: [3, 2, 1, 0]"),
        (G_PART, 'part = np.einsum("nfhw,fc->nchw", dout[:, outs], w[:f, :, u, v])',
         "dx would agree in every digit with `outs` for `:f`"),
    ],
    "transposed": [
        (T_PATCH, "patch = full[:, :, i : i + k, j : j + k]", f"dx and dw are that of {STRIDE_1}"),
        (T_DX, 'dx[:, :, i, j] = np.einsum("nfuv,cfvu->nc", patch, w)',
         "dx takes w with its rows and columns exchanged"),
    ],
    "max_pool": [
        (PLACE, "y, z = row, column", "dx has what comes from every window in the first one"),
        (PLACE, "y, z = i * stride + column, j * stride + row",
         "dx takes rows within a window for columns"),
        ("dx[n, c, y, z] += dout[n, c, i, j]", "dx[n, c, y, z] = dout[n, c, i, j]",
         "dx holds only the last contribution where several outputs depend on an entry"),
    ],
    "average": [
        ("share = dout[:, :, i, j, None, None] / size**2", "share = dout[:, :, i, j, None, None]",
         "dx is too large by a factor 9 = size²"),
        ("share = dout[:, :, i, j, None, None] / size**2",
         "share = dout[:, :, i, j, None, None] / stride**2", "2.25 = (size / stride)²"),
    ],
    "group_norm": [
        (NORM, "dx = (g - rows * second) / std", "dx lacks the path through the group mean"),
        (NORM, "dx = (g - first.mean(axis=1, keepdims=True) - rows * second) / std",
         "the mean of the gradient in dx goes over all channels of an example, not over 3"),
        ("g = (dout * gamma[:, None, None]).reshape(len(dout), G, -1)",
         "g = dout.reshape(len(dout), G, -1)", "dx lacks the factor gamma on dout"),
    ],
    "upsample": [
        ("return dout.reshape(N, C, H, f, W, f).sum(axis=(3, 5))", "return dout[:, :, ::f, ::f]",
         "dx holds only the first contribution"),
        ("return dout.reshape(N, C, H, f, W, f).sum(axis=(3, 5))",
         "return dout.reshape(N, C, f, H, f, W).sum(axis=(2, 4))",
         "dx takes dout in steps of 1 along axes 2 and 3, where forward goes in steps of 2"),
    ],
    "concat": [
        ("da, db = dout[:, :cache], dout[:, cache:]", "da, db = dout[:, -cache:], dout[:, cache:]",
         "da takes dout from 2 off along axis 1"),
    ],
    "silu": [
        (SILU, "return dout * s", "one of the two terms of the product rule"),
        (SILU, "return dout * (s + s * (1 - s))", "lacks the factor x in the second term"),
    ],
}  # fmt: skip


def drawn(rng, *shapes):
    return tuple(rng.standard_normal(shape) for shape in shapes)


INPUTS = {
    "conv": lambda rng: (*drawn(rng, (2, 3, 5, 6), (2, 3, 3, 3), (2,)), 2, 1),
    "full": lambda rng: drawn(rng, (2, 2, 5, 6), (3, 2, 3, 2), (3,)),
    "groups": lambda rng: (*drawn(rng, (2, 4, 4, 5), (6, 2, 2, 2), (6,)), 2, 2),
    "transposed": lambda rng: (*drawn(rng, (2, 3, 4, 3), (3, 2, 3, 3), (2,)), 2, 1),
    "max_pool": lambda rng: (*drawn(rng, (2, 2, 7, 5)), 3, 2),
    "average": lambda rng: (*drawn(rng, (2, 2, 7, 5)), 3, 2, 1),
    "group_norm": lambda rng: (*drawn(rng, (2, 6, 3, 4), (6,), (6,)), 2),
    "upsample": lambda rng: (*drawn(rng, (2, 3, 3, 4)), 2),
    "concat": lambda rng: drawn(rng, (2, 3, 4, 4), (2, 2, 4, 4)),
    "silu": lambda rng: drawn(rng, (4, 5)),
}


def mistake(layer, patch, says):
    both = (globals()[f"{layer}_{which}"] for which in ("forward", "backward"))
    forward, backward = both
    pair = {"forward": forward, "backward": backward, "inputs": INPUTS[layer]}
    return PairMistake(layer, patch, says, "", **pair)


def each():
    for layer, several in MISTAKES.items():
        for line, wrong, words in several:
            marks = [pytest.mark.slow] if "`" in words else []  # edits of the source are tried
            yield pytest.param(layer, line, wrong, words, marks=marks, id=f"{layer}: {words}")


@pytest.mark.parametrize(("layer", "line", "wrong", "words"), list(each()))
def test_a_mistake_is_found_and_named(layer, line, wrong, words):
    report = mistake(layer, {line: wrong}, words).check(np.random.default_rng(0))
    assert words in report.findings[0].message


@pytest.mark.parametrize("layer", INPUTS)
def test_the_right_layer_is_right(layer):
    report = mistake(layer, {}, "").check_right(np.random.default_rng(0))
    assert report
    assert not report.remarks
