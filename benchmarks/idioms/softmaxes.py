"""Softmax in its many forms, and attention."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def through_softmax(dout, p):
    return p * (dout - np.sum(dout * p, axis=-1, keepdims=True))


def naive_loss(x, y):
    """Overflows for large scores, and takes the logarithm of 0 for confident mistakes."""
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    dx = p.copy()
    dx[np.arange(len(y)), y] -= 1
    return loss, dx / len(y)


def shifted_loss(x, y):
    """Does not overflow, and takes the logarithm of 0 all the same."""
    p = softmax(x)
    loss = np.sum(-np.log(p[np.arange(len(y)), y])) / len(y)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    return loss, p


def logsumexp_forward(x):
    top = x.max(axis=1, keepdims=True)
    out = top[:, 0] + np.log(np.exp(x - top).sum(axis=1))
    return out, (x, out)


def logsumexp_backward(dout, cache):
    x, out = cache
    return dout[:, None] * np.exp(x - out[:, None])


def tempered_forward(x, temperature):
    return softmax(x / temperature), (softmax(x / temperature), temperature)


def tempered_backward(dout, cache):
    p, temperature = cache
    return through_softmax(dout, p) / temperature


def jacobian_forward(x):
    return softmax(x), softmax(x)


def jacobian_backward(dout, cache):
    """By the Jacobian of each row, as textbooks write it."""
    dx = np.empty_like(cache)
    for n, p in enumerate(cache):
        dx[n] = (np.diag(p) - np.outer(p, p)) @ dout[n]
    return dx


def attention_forward(q, k, v):
    scale = 1 / np.sqrt(q.shape[-1])
    p = softmax(q @ k.T * scale)
    return p @ v, (q, k, v, p, scale)


def attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dscores = through_softmax(dout @ v.T, p) * scale
    return dscores @ k, dscores.T @ q, p.T @ dout


def causal_forward(x, Wq, Wk, Wv):
    """One head on a batch (N, T, D); no step looks ahead."""
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(Wq.shape[1])
    scores[:, np.triu(np.ones(scores.shape[1:], bool), 1)] = -np.inf
    p = softmax(scores)
    return p @ v, (x, Wq, Wk, Wv, q, k, v, p)


def causal_backward(dout, cache):
    x, Wq, Wk, Wv, q, k, v, p = cache
    ds = through_softmax(dout @ v.transpose(0, 2, 1), p) / np.sqrt(Wq.shape[1])
    dq, dk, dv = ds @ k, ds.transpose(0, 2, 1) @ q, p.transpose(0, 2, 1) @ dout
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, *(np.einsum("ntd,nth->dh", x, d) for d in (dq, dk, dv))


def with_labels(rng):
    return rng.normal(size=(6, 4)), rng.integers(0, 4, 6)


def with_temperature(rng):
    return rng.normal(size=(5, 4)), 0.7


IDIOMS = [
    Idiom("-log(softmax)[y], unshifted", with_labels, naive_loss),
    Idiom("-log(softmax)[y], shifted", with_labels, shifted_loss),
    Idiom("log of a sum of exponentials", normal((5, 4)), logsumexp_forward, logsumexp_backward),
    Idiom("softmax with a temperature", with_temperature, tempered_forward, tempered_backward),
    Idiom("softmax by its Jacobian", normal((5, 4)), jacobian_forward, jacobian_backward),
    Idiom("one head", normal((4, 3), (5, 3), (5, 2)), attention_forward, attention_backward),
    Idiom(
        "one head that does not look ahead",
        normal((2, 4, 3), (3, 2), (3, 2), (3, 2)),
        causal_forward,
        causal_backward,
    ),
]
