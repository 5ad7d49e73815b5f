"""Embeddings of words and of positions."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def embedding_forward(ids, W):
    return W[ids], (ids, W.shape)


def embedding_backward(dout, cache):
    ids, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, ids, dout)
    return dW


def padded_embedding_forward(ids, W):
    """id 0 is padding and gives zeros; the vectors are multiplied by √D."""
    keep = ids != 0
    return W[ids] * keep[:, :, None] * np.sqrt(W.shape[1]), (ids, keep, W.shape)


def padded_embedding_backward(dout, cache):
    ids, keep, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, ids, dout * keep[:, :, None] * np.sqrt(shape[1]))
    return dW


def tied_forward(ids, W):
    """The same matrix embeds and gives the scores."""
    h = np.tanh(W[ids])
    return h @ W.T, (ids, W, h)


def tied_backward(dout, cache):
    ids, W, h = cache
    dW = dout.T @ h
    dh = dout @ W
    np.add.at(dW, ids, dh * (1 - h**2))
    return dW


def positions_forward(x, weight):
    return x + weight, None


def positions_backward(dout, _):
    return dout.copy(), dout.sum(axis=0)


def sinusoid_forward(x):
    """√D x plus sines and cosines of the position, of wavelengths 2π to 10,000 · 2π."""
    _, T, D = x.shape
    at, i = np.arange(T)[:, None], np.arange(0, D, 2)
    angle = at / 10000 ** (i / D)
    table = np.zeros((T, D))
    table[:, ::2], table[:, 1::2] = np.sin(angle), np.cos(angle)
    return x * np.sqrt(D) + table, D


def sinusoid_backward(dout, D):
    return dout * np.sqrt(D)


def rotary_forward(x):
    """Each pair of neighbours turned by an angle that grows with the position."""
    _, T, D = x.shape
    angle = np.arange(T)[:, None] / 10000 ** (np.arange(0, D, 2) / D)
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = x[:, :, ::2], x[:, :, 1::2]
    out = np.empty_like(x)
    out[:, :, ::2], out[:, :, 1::2] = a * cos - b * sin, a * sin + b * cos
    return out, (cos, sin)


def rotary_backward(dout, cache):
    cos, sin = cache
    da, db = dout[:, :, ::2], dout[:, :, 1::2]
    dx = np.empty_like(dout)
    dx[:, :, ::2], dx[:, :, 1::2] = da * cos + db * sin, db * cos - da * sin
    return dx


tied = functools.partial(
    PairMistake,
    inputs=lambda rng: (np.array([1, 3, 1, 0]), rng.normal(size=(4, 3))),
    forward=tied_forward,
    backward=tied_backward,
)
positions = functools.partial(
    PairMistake,
    inputs=normal((3, 4, 2), (4, 2)),
    forward=positions_forward,
    backward=positions_backward,
)

TIED = "np.add.at(dW, ids, dh * (1 - h**2))"
POSITIONS = "return dout.copy(), dout.sum(axis=0)"

MISTAKES = [
    PairMistake(
        "embedding-mean-of-repeats",
        {
            "return dW": (
                "counts = np.bincount(ids.ravel(), minlength=shape[0])\n"
                "return dW / np.maximum(counts, 1)[:, None]"
            )
        },
        "repeated ids averaged instead of summed",
        "The rows are divided by how often the id occurs.",
        "nadavbh12/VQ-VAE#4 (2018, a nearest-embedding backward)",
        inputs=lambda rng: (np.array([[0, 3, 1, 3], [2, 3, 0, 0]]), rng.normal(size=(5, 3))),
        forward=embedding_forward,
        backward=embedding_backward,
    ),
    PairMistake(
        "embedding-scale-forgotten",
        {
            "np.add.at(dW, ids, dout * keep[:, :, None] * np.sqrt(shape[1]))": (
                "np.add.at(dW, ids, dout * keep[:, :, None])"
            )
        },
        "factor sqrt(D) missing",
        "The embedding is scaled in forward only.",
        inputs=lambda rng: (np.array([[2, 3, 1, 0], [2, 1, 0, 0]]), rng.normal(size=(4, 3))),
        forward=padded_embedding_forward,
        backward=padded_embedding_backward,
    ),
    tied(
        "tied-input-missing",
        {"ids, W, h = cache": "_, _, h = cache", "dh = dout @ W": "", TIED: ""},
        "path through the input embedding missing",
        "dW is that of the output layer.",
    ),
    tied(
        "tied-input-overwrites",
        {TIED: "dW[ids] = dh * (1 - h**2)"},
        "input's gradient overwrites the output layer's rows",
        "dW[ids] = in place of adding.",
    ),
    positions(
        "positions-averaged-over-batch",
        {POSITIONS: "return dout.copy(), dout.mean(axis=0)"},
        "position gradients averaged over the batch",
        "mean(0) in place of sum(0).",
    ),
    positions(
        "positions-not-summed",
        {POSITIONS: "return dout.copy(), dout.copy()"},
        "position gradients not summed over the batch (shape)",
        "dout is returned for both.",
    ),
    PairMistake(
        "sinusoid-forward-frequencies",
        {},
        "forward's exponent is 2i/D twice: wrong frequencies",
        "i runs in steps of 2 already, and is doubled again; the gradient cannot tell.",
        forward_patch={
            "angle = at / 10000 ** (i / D)": "angle = at / 10000 ** (2 * i / D)",
        },
        inputs=normal((2, 5, 6)),
        forward=sinusoid_forward,
        backward=sinusoid_backward,
    ),
    PairMistake(
        "rotary-pairs-are-halves",
        {
            "da, db = dout[:, :, ::2], dout[:, :, 1::2]": "da, db = np.split(dout, 2, axis=2)",
            "dx[:, :, ::2], dx[:, :, 1::2] = da * cos + db * sin, db * cos - da * sin": (
                "half = dout.shape[2] // 2\n"
                "dx[:, :, :half], dx[:, :, half:] = da * cos + db * sin, db * cos - da * sin"
            ),
        },
        "pairs first and second half instead of neighbours",
        "Forward interleaves, backward splits in halves.",
        inputs=normal((2, 4, 6)),
        forward=rotary_forward,
        backward=rotary_backward,
    ),
]
