"""What moves, repeats, joins, masks or adds entries."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

P = 0.4


def upsample_forward(x):
    return x.repeat(2, axis=2).repeat(2, axis=3), x.shape


def upsample_backward(dout, shape):
    N, C, H, W = shape
    return dout.reshape(N, C, H, 2, W, 2).sum(axis=(3, 5))


def upsample_linear_forward(x):
    """Twice as long, every second entry the mean of its neighbours; the last one is repeated."""
    N, C, T = x.shape
    out = np.zeros((N, C, 2 * T))
    out[:, :, ::2] = x
    out[:, :, 1:-1:2] = (x[:, :, :-1] + x[:, :, 1:]) / 2
    out[:, :, -1] = x[:, :, -1]
    return out, None


def upsample_linear_backward(dout, _):
    dx = dout[:, :, ::2].copy()
    dx[:, :, :-1] += dout[:, :, 1:-1:2] / 2
    dx[:, :, 1:] += dout[:, :, 1:-1:2] / 2
    dx[:, :, -1] += dout[:, :, -1]
    return dx


def concat_forward(p, q):
    return np.concatenate([p, q], axis=1), p.shape[1]


def concat_backward(dout, C):
    return dout[:, :C], dout[:, C:]


def residual_forward(x, w, b):
    """relu(x + affine(x))"""
    a = x + x @ w + b
    return np.maximum(a, 0), (x, w, a)


def residual_backward(dout, cache):
    x, w, a = cache
    d = dout * (a > 0)
    dx = d + d @ w.T
    return dx, x.T @ d, d.sum(axis=0)


def flatten_affine_forward(x, w):
    return x.reshape(len(x), -1) @ w, (x, w)


def flatten_affine_backward(dout, cache):
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    return dx, x.reshape(len(x), -1).T @ dout


def dropout2d_forward(x):
    """Whole channels, the same every time."""
    keep = np.random.default_rng(3).random(x.shape[:2]) >= P
    mask = keep / (1 - P)
    return x * mask[:, :, None, None], mask


def dropout2d_backward(dout, mask):
    return dout * mask[:, :, None, None]


def reflect_pad_forward(x):
    return np.pad(x, ((0, 0), (0, 0), (1, 1)), mode="reflect"), None


def reflect_pad_backward(dout, _):
    dx = dout[:, :, 1:-1].copy()
    dx[:, :, 1] += dout[:, :, 0]
    dx[:, :, -2] += dout[:, :, -1]
    return dx


def channel_scale_forward(x, s):
    """A factor per image and channel."""
    return x * s[:, :, None, None], (x, s)


def channel_scale_backward(dout, cache):
    x, s = cache
    ds = (dout * x).sum(axis=(2, 3))
    return dout * s[:, :, None, None], ds


linear = functools.partial(
    PairMistake,
    inputs=normal((2, 3, 5)),
    forward=upsample_linear_forward,
    backward=upsample_linear_backward,
)
residual = functools.partial(
    PairMistake,
    inputs=normal((4, 3), (3, 3), 3),
    forward=residual_forward,
    backward=residual_backward,
)
flatten = functools.partial(
    PairMistake,
    inputs=normal((2, 2, 3, 2), (12, 3)),
    forward=flatten_affine_forward,
    backward=flatten_affine_backward,
)
dropout2d = functools.partial(
    PairMistake,
    inputs=normal((3, 4, 2, 4)),
    forward=dropout2d_forward,
    backward=dropout2d_backward,
)

FLAT = "dx = (dout @ w.T).reshape(x.shape)"
MASKED = "return dout * mask[:, :, None, None]"

MISTAKES = [
    PairMistake(
        "upsample-first-copy",
        {
            "N, C, H, W = shape": "",
            "return dout.reshape(N, C, H, 2, W, 2).sum(axis=(3, 5))": (
                "return dout[:, :, ::2, ::2]"
            ),
        },
        "only the first of four copies is counted",
        "dout[:, :, ::2, ::2] undoes the forward pass but is not its gradient.",
        inputs=normal((2, 2, 3, 2)),
        forward=upsample_forward,
        backward=upsample_backward,
    ),
    linear(
        "upsample-linear-one-neighbour",
        {"dx[:, :, 1:] += dout[:, :, 1:-1:2] / 2": ""},
        "only the left neighbour gets the interpolated gradient",
        "Nothing of the means goes to the right neighbour.",
    ),
    linear(
        "upsample-linear-without-half",
        {
            "dx[:, :, :-1] += dout[:, :, 1:-1:2] / 2": "dx[:, :, :-1] += dout[:, :, 1:-1:2]",
            "dx[:, :, 1:] += dout[:, :, 1:-1:2] / 2": "dx[:, :, 1:] += dout[:, :, 1:-1:2]",
        },
        "interpolation weights 1/2 missing in backward",
        "Both neighbours get the whole gradient.",
    ),
    PairMistake(
        "concat-parts-swapped",
        {"return dout[:, :C], dout[:, C:]": "return dout[:, C:], dout[:, :C]"},
        "the two parts swapped",
        "The second half is returned first.",
        inputs=normal((2, 3, 2, 2), (2, 3, 2, 2)),
        forward=concat_forward,
        backward=concat_backward,
    ),
    residual(
        "residual-skip-missing",
        {"dx = d + d @ w.T": "dx = d @ w.T"},
        "path through the skip connection missing",
        "dx is that of the affine branch alone.",
    ),
    residual(
        "residual-branch-missing",
        {"x, w, a = cache": "x, _, a = cache", "dx = d + d @ w.T": "dx = d"},
        "path through the branch missing from dx",
        "dx is that of the skip alone.",
    ),
    flatten(
        "flatten-fortran-order",
        {FLAT: 'dx = (dout @ w.T).reshape(x.shape, order="F")'},
        "dx reshaped in Fortran order",
        "order='F', as MATLAB does.",
    ),
    flatten(
        "flatten-channels-last",
        {
            FLAT: (
                "N, C, H, W = x.shape\ndx = (dout @ w.T).reshape(N, H, W, C).transpose(0, 3, 1, 2)"
            )
        },
        "dx reshaped as NHWC, then transposed",
        "Forward flattens NCHW, backward thinks it was NHWC.",
    ),
    dropout2d(
        "dropout2d-mask-along-width",
        {MASKED: "return dout * mask[:, None, None, :]"},
        "mask applied along the width instead of channels",
        "mask[:, None, None, :]: the width has C entries.",
    ),
    dropout2d(
        "dropout2d-scale-missing",
        {MASKED: "return dout * (mask > 0)[:, :, None, None]"},
        "factor 1/(1-p) missing",
        "Only dropped channels are set to zero.",
    ),
    PairMistake(
        "reflect-pad-border-dropped",
        {"dx[:, :, 1] += dout[:, :, 0]": "", "dx[:, :, -2] += dout[:, :, -1]": ""},
        "gradient of the reflected border not added back",
        "The border is cut off, as with zero padding.",
        inputs=normal((2, 2, 4)),
        forward=reflect_pad_forward,
        backward=reflect_pad_backward,
    ),
    PairMistake(
        "channel-scale-without-x",
        {
            "x, s = cache": "_, s = cache",
            "ds = (dout * x).sum(axis=(2, 3))": "ds = dout.sum(axis=(2, 3))",
        },
        "ds lacks the factor x",
        "ds is the sum of dout.",
        inputs=normal((2, 3, 2, 3), (2, 3)),
        forward=channel_scale_forward,
        backward=channel_scale_backward,
    ),
]
