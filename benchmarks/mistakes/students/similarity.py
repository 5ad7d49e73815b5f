"""Losses of pairs: cosine, contrastive, and of images with texts."""

import functools

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

TAU = 0.5


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def cosine_forward(a, b):
    """The mean of 1 - cos(a, b)."""
    na, nb = np.linalg.norm(a, axis=1, keepdims=True), np.linalg.norm(b, axis=1, keepdims=True)
    cos = (a * b).sum(axis=1, keepdims=True) / (na * nb)
    return (1 - cos).mean(), (a, b, na, nb, cos)


def cosine_backward(dout, cache):
    a, b, na, nb, cos = cache
    g = -dout / len(a)
    da = g * (b / (na * nb) - cos * a / na**2)
    db = g * (a / (na * nb) - cos * b / nb**2)
    return da, db


def contrastive_forward(p, q, same, margin):
    """Squared distances of those that are the same, and squared gaps to the margin of others."""
    d = np.sqrt(((p - q) ** 2).sum(axis=1))
    gap = np.maximum(margin - d, 0)
    loss = (same * d**2 + (1 - same) * gap**2).mean()
    return loss, (p - q, d, gap, same, margin)


def contrastive_backward(dout, cache):
    r, d, gap, same, _ = cache
    slope = 2 * same * d - 2 * (1 - same) * gap
    dp = dout * (slope / d)[:, None] * r / len(d)
    return dp, -dp


def contrastive_inputs(margin):
    def inputs(rng):
        p, q = rng.normal(size=(6, 2)) * 0.6, rng.normal(size=(6, 2)) * 0.6
        return p, q, np.array([1, 0, 0, 1, 0, 0]), margin

    return inputs


def clip_forward(images, texts):
    """The right text of each image, and the right image of each text, by cross entropy."""
    s = images @ texts.T / TAU
    rows, columns = log_softmax(s), log_softmax(s.T).T
    loss = -(np.trace(rows) + np.trace(columns)) / (2 * len(s))
    return loss, (images, texts, np.exp(rows), np.exp(columns))


def clip_backward(dout, cache):
    images, texts, rows, columns = cache
    N = len(images)
    ds = dout * (rows + columns - 2 * np.eye(N)) / (2 * N) / TAU
    return ds @ texts, ds.T @ images


cosine = functools.partial(
    PairMistake, inputs=normal((4, 3), (4, 3)), forward=cosine_forward, backward=cosine_backward
)
contrastive = functools.partial(
    PairMistake, forward=contrastive_forward, backward=contrastive_backward
)
clip = functools.partial(
    PairMistake, inputs=normal((4, 3), (4, 3)), forward=clip_forward, backward=clip_backward
)

DA = "da = g * (b / (na * nb) - cos * a / na**2)"
DB = "db = g * (a / (na * nb) - cos * b / nb**2)"
SLOPE = "slope = 2 * same * d - 2 * (1 - same) * gap"
DS = "ds = dout * (rows + columns - 2 * np.eye(N)) / (2 * N) / TAU"

MISTAKES = [
    cosine(
        "cosine-norm-constant",
        {
            "a, b, na, nb, cos = cache": "a, b, na, nb, _ = cache",
            DA: "da = g * (b / (na * nb))",
            DB: "db = g * (a / (na * nb))",
        },
        "path through the norms missing",
        "The norms are treated as constants.",
    ),
    cosine(
        "cosine-norm-not-squared",
        {DA: DA.replace("na**2", "na"), DB: DB.replace("nb**2", "nb")},
        "projection divided by the norm, not its square",
        "na in place of na².",
    ),
    cosine(
        "cosine-other-norm",
        {DA: DA.replace("na**2", "nb**2"), DB: DB.replace("nb**2", "na**2")},
        "projection divided by the other vector's norm",
        "nb where na belongs and the other way round.",
    ),
    cosine(
        "cosine-sign",
        {"g = -dout / len(a)": "g = dout / len(a)"},
        "sign of 1 - cos forgotten",
        "The gradient of the similarity, not of the loss.",
    ),
    contrastive(
        "contrastive-dissimilar-sign",
        {SLOPE: "slope = 2 * same * d + 2 * (1 - same) * gap"},
        "dissimilar pairs pulled together: sign of their term",
        "The minus of margin - d is forgotten.",
        inputs=contrastive_inputs(1.5),
    ),
    contrastive(
        "contrastive-margin-ignored",
        {
            "r, d, gap, same, _ = cache": "r, d, _, same, margin = cache",
            SLOPE: "slope = 2 * same * d - 2 * (1 - same) * (margin - d)",
        },
        "margin ignored: pairs beyond it still pushed",
        "margin - d without the maximum.",
        inputs=contrastive_inputs(0.9),
    ),
    contrastive(
        "contrastive-distance-not-divided",
        {
            "dp = dout * (slope / d)[:, None] * r / len(d)": (
                "dp = dout * slope[:, None] * r / len(d)"
            )
        },
        "derivative of the distance lacks 1/d",
        "r in place of r / d.",
        inputs=contrastive_inputs(1.5),
    ),
    contrastive(
        "contrastive-without-2",
        {SLOPE: "slope = same * d - (1 - same) * gap"},
        "factor 2 of the squares missing",
        "d² has slope 2 d.",
        inputs=contrastive_inputs(1.5),
    ),
    clip(
        "clip-one-direction",
        {
            "images, texts, rows, columns = cache": "images, texts, rows, _ = cache",
            DS: "ds = dout * (rows - np.eye(N)) / N / TAU",
        },
        "text-to-image half of the loss missing",
        "The gradient of the rows alone.",
    ),
    clip(
        "clip-temperature-missing",
        {DS: DS.replace(" / TAU", "")},
        "factor 1/temperature missing",
        "The scores' scale is in forward only.",
    ),
    clip(
        "clip-texts-not-transposed",
        {"return ds @ texts, ds.T @ images": "return ds @ texts, ds @ images"},
        "dtexts uses ds, not its transpose",
        "Square, so that nobody notices.",
    ),
]
