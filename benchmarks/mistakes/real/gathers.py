"""Entries that are picked, put elsewhere, sorted or broadcast."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def gather_forward(table, ids):
    return table[ids], (table.shape, ids)


def gather_backward(dout, cache):
    shape, ids = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, ids, dout)
    return dtable


def sort_forward(x):
    order = np.argsort(x, axis=1)
    return np.take_along_axis(x, order, axis=1), order


def sort_backward(dout, order):
    back = np.argsort(order, axis=1)
    return np.take_along_axis(dout, back, axis=1)


def weighted_sum_forward(x, y):
    """Σ x y, where y may be a single number, as einsum allows it."""
    return np.sum(x * y), (x, y)


def weighted_sum_backward(dout, cache):
    x, y = cache
    dx = dout * np.broadcast_to(y, x.shape)
    dy = np.atleast_1d(dout * x.sum())
    return dx, dy


SCATTER = "np.add.at(dtable, ids, dout)"

MISTAKES = [
    PairMistake(
        "gather-repeated-ids",
        {SCATTER: "dtable[ids] = dout"},
        "repeated indices overwrite instead of accumulate",
        "The backward of gather assigned into the source instead of adding, so an element picked"
        " twice got only the gradient of its last pick, silently.",
        "pytorch/pytorch#1631 (2017; same fault: pytorch#1528, tt-metal#6232)",
        inputs=lambda rng: (rng.normal(size=(5, 3)), np.array([1, 4, 1, 0, 1, 3])),
        forward=gather_forward,
        backward=gather_backward,
    ),
    PairMistake(
        "sharded-scatter-modulo",
        {
            SCATTER: (
                "for shard in np.split(dtable, 2):\n    np.add.at(shard, ids % len(shard), dout)"
            )
        },
        "gradient leaks to rows with the same local index",
        "The scatter of an embedding gradient was cut into shards before the all-reduce, so rows"
        " with the same index inside different shards got each other's gradient.",
        "openxla/xla#42481 (2026)",
        inputs=lambda rng: (rng.normal(size=(6, 2)), np.array([0, 4, 2, 4, 5])),
        forward=gather_forward,
        backward=gather_backward,
    ),
    PairMistake(
        "sort-gradient-not-unsorted",
        {
            "back = np.argsort(order, axis=1)": "",
            "return np.take_along_axis(dout, back, axis=1)": (
                "return np.take_along_axis(dout, order, axis=1)"
            ),
        },
        "applies the permutation, not its inverse",
        "The gradient of sort was put at the sorted places instead of the places the values came"
        " from: the permutation instead of its inverse.",
        "elixir-nx/nx#1643 (2025)",
        inputs=normal((3, 6)),
        forward=sort_forward,
        backward=sort_backward,
    ),
    PairMistake(
        "einsum-broadcast-1",
        {"dx = dout * np.broadcast_to(y, x.shape)": "dx = dout * y"},
        "gradient has the broadcast operand's shape",
        "einsum lets a length-1 axis broadcast; its gradient rule computed the other operand's"
        " gradient with that length, so a gradient of length 1 came back for a vector of length 2.",
        "HIPS/autograd#376 (2018)",
        inputs=normal(4, 1),
        forward=weighted_sum_forward,
        backward=weighted_sum_backward,
    ),
]
