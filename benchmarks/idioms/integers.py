"""Outputs that are integers or booleans, and inputs that are indices."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def max_and_place_forward(x):
    places = x.argmax(axis=1)
    return (x[np.arange(len(x)), places], places), (x.shape, places)


def max_and_place_backward(douts, cache):
    dout, _ = douts  # of the places there is no gradient
    shape, places = cache
    dx = np.zeros(shape)
    dx[np.arange(shape[0]), places] = dout
    return dx


def min_and_place_forward(x):
    places = x.argmin(axis=1)
    return x[np.arange(len(x)), places], places, (x.shape, places)


def min_and_place_backward(dout, dplaces, cache):
    shape, places = cache
    dx = np.zeros(shape)
    dx[np.arange(shape[0]), places] = dout
    return dx


def sums_and_counts_forward(x):
    positive = x > 0
    return (np.where(positive, x, 0).sum(axis=0), positive.sum(axis=0)), positive


def sums_and_counts_backward(douts, cache):
    return np.where(cache, douts[0], 0)


def clipped_and_where_forward(x):
    inside = np.abs(x) < 1
    return np.clip(x, -1, 1), inside, inside


def clipped_and_where_backward(dout, dinside, cache):
    return dout * cache


def embed_forward(ids, table):
    return table[ids], (ids, table.shape)


def embed_backward(dout, cache):
    ids, shape = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, ids, dout)  # ids come more than once
    return dtable


def embed_none_backward(dout, cache):
    return None, embed_backward(dout, cache)


class Embedding:
    """Rows of a table, for ids of any shape."""

    def __init__(self):
        self.params = {"W": np.random.default_rng(0).normal(size=(5, 3))}

    def forward(self, ids, train=True):
        return self.params["W"][ids], ids

    def backward(self, dout, cache):
        dW = np.zeros_like(self.params["W"])
        np.add.at(dW, cache, dout)
        return None, {"W": dW}


def gather_forward(x, places):
    return np.take_along_axis(x, places, axis=1), (x.shape, places)


def gather_backward(dout, cache):
    shape, places = cache
    dx = np.zeros(shape)
    rows = np.arange(shape[0])[:, None]
    np.add.at(dx, (rows, places), dout)
    return dx


def segment_sum_forward(x, segments):
    out = np.zeros((segments.max() + 1, x.shape[1]))
    np.add.at(out, segments, x)
    return out, segments


def segment_sum_backward(dout, cache):
    return dout[cache]


def gather_none_backward(dout, cache):
    return gather_backward(dout, cache), None


def sentences(rng):
    return np.array([[1, 0, 4, 1], [1, 1, 2, 0]]), rng.normal(size=(5, 3))


def rows_and_places(rng):
    return rng.normal(size=(4, 5)), np.array([[0, 0, 3], [1, 4, 1], [2, 2, 2], [3, 0, 1]])


def rows_in_segments(rng):
    return rng.normal(size=(6, 3)), np.array([0, 2, 0, 1, 2, 0])


IDIOMS = [
    Idiom(
        "largest entries, and where, in a tuple",
        normal((5, 4)),
        max_and_place_forward,
        max_and_place_backward,
    ),
    Idiom(
        "smallest entries, and where, three results",
        normal((5, 4)),
        min_and_place_forward,
        min_and_place_backward,
    ),
    Idiom("sums and counts", normal((5, 4)), sums_and_counts_forward, sums_and_counts_backward),
    Idiom(
        "clipped, and a mask of booleans",
        normal((5, 4)),
        clipped_and_where_forward,
        clipped_and_where_backward,
    ),
    Idiom("rows of a table, ids repeated", sentences, embed_forward, embed_backward),
    Idiom("None as the gradient of ids", sentences, embed_forward, embed_none_backward),
    Idiom("ids as the only input", lambda rng: sentences(rng)[:1], layer=Embedding),
    Idiom("gathered along an axis", rows_and_places, gather_forward, gather_backward),
    Idiom("None as the last gradient", rows_and_places, gather_forward, gather_none_backward),
    Idiom("sums over segments", rows_in_segments, segment_sum_forward, segment_sum_backward),
]
