"""Rows that see each other, by their directions and distances."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal, uniform

SAME = np.array([1, 0, 0, 1, 0])  # which pairs belong together


def lengths(x):
    return np.sqrt(np.sum(x * x, axis=1, keepdims=True))


def cosine_forward(a, b):
    na, nb = lengths(a), lengths(b)
    out = np.sum(a * b, axis=1) / (na * nb)[:, 0]
    return out, (a / na, b / nb, na, nb, out)


def cosine_backward(dout, cache):
    ua, ub, na, nb, out = cache
    d, s = dout[:, None], out[:, None]
    return d * (ub - s * ua) / na, d * (ua - s * ub) / nb


def similarities_forward(x):
    """The cosines of the angles between all rows."""
    n = lengths(x)
    unit = x / n
    return unit @ unit.T, (unit, n)


def similarities_backward(dout, cache):
    unit, n = cache
    dunit = (dout + dout.T) @ unit
    return (dunit - unit * np.sum(dunit * unit, axis=1, keepdims=True)) / n


def to_mean_forward(x):
    """The cosine between each row and the mean row."""
    mean = x.mean(axis=0)
    n, m = lengths(x)[:, 0], np.sqrt(mean @ mean)
    out = x @ mean / (n * m)
    return out, (x, mean, n, m, out)


def to_mean_backward(dout, cache):
    x, mean, n, m, out = cache
    d = dout / (n * m)
    dx = d[:, None] * mean - (dout * out / n**2)[:, None] * x
    dmean = d @ x - np.sum(dout * out) * mean / m**2
    return dx + dmean / len(x)


def unit_forward(x):
    n = lengths(x)
    return x / n, (x / n, n)


def unit_backward(dout, cache):
    unit, n = cache
    return (dout - unit * np.sum(dout * unit, axis=1, keepdims=True)) / n


def contrastive_forward(a, b):
    """Pairs that belong together are drawn near, others pushed as far as the margin, 2."""
    difference = a - b
    distance = np.sqrt(np.sum(difference**2, axis=1) + 1e-12)
    short = np.maximum(2 - distance, 0)
    return np.mean(SAME * distance**2 + (1 - SAME) * short**2), (difference, distance, short)


def contrastive_backward(dout, cache):
    difference, distance, short = cache
    slope = 2 * SAME * distance - 2 * (1 - SAME) * short
    da = dout * (slope / distance / len(SAME))[:, None] * difference
    return da, -da


def centred_forward(x):
    return x - x.mean(axis=0), None


def centred_backward(dout, cache):
    return dout - dout.mean(axis=0)


def distances_forward(x, centres):
    return ((x[:, None] - centres) ** 2).sum(axis=2), (x, centres)


def distances_backward(dout, cache):
    x, centres = cache
    d = 2 * dout[:, :, None] * (x[:, None] - centres)
    return d.sum(axis=1), -d.sum(axis=0)


def pixels(rng):
    return tuple(rng.integers(1, 256, (5, 6)).astype(float) for _ in range(2))


IDIOMS = [
    Idiom("cosines of pairs", normal((5, 4), (5, 4)), cosine_forward, cosine_backward),
    Idiom("cosines of ratings", uniform(1, 5, (5, 4), (5, 4)), cosine_forward, cosine_backward),
    Idiom("cosines of pixels", pixels, cosine_forward, cosine_backward),
    Idiom("cosines of all rows", normal((5, 4)), similarities_forward, similarities_backward),
    Idiom(
        "cosines of all ratings", uniform(1, 5, (5, 4)), similarities_forward, similarities_backward
    ),
    Idiom("cosines to the mean row", uniform(1, 5, (5, 4)), to_mean_forward, to_mean_backward),
    Idiom(
        "cosines to the mean of pixels",
        lambda rng: pixels(rng)[:1],
        to_mean_forward,
        to_mean_backward,
    ),
    Idiom("rows of length 1", normal((5, 4)), unit_forward, unit_backward),
    Idiom("a contrastive loss", normal((5, 3), (5, 3)), contrastive_forward, contrastive_backward),
    Idiom("less the mean row", normal((5, 4)), centred_forward, centred_backward),
    Idiom("distances to centres", normal((5, 3), (2, 3)), distances_forward, distances_backward),
]
