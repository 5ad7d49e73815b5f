"""Linear algebra: solves, determinants, inverses. Mostly without a batch axis."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


def solve_lower(L, b):
    x = np.zeros_like(b)
    for i in range(len(b)):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return x


def solve_forward(L, b):
    """Only the lower triangle of L is looked at."""
    x = solve_lower(L, b)
    return x, (L, x)


def solve_backward(dout, cache):
    L, x = cache
    db = np.linalg.solve(np.tril(L).T, dout)
    return -np.tril(db @ x.T), db


def logdet_forward(A):
    return np.linalg.slogdet(A)[1], A


def logdet_backward(dout, cache):
    return dout * np.linalg.inv(cache).T


def cholesky_logdet_forward(A):
    """log det of the symmetric part of A, by its Cholesky factor."""
    S = (A + A.T) / 2
    return 2 * np.log(np.diag(np.linalg.cholesky(S))).sum(), S


def cholesky_logdet_backward(dout, cache):
    return dout * np.linalg.inv(cache)


def inverse_forward(A):
    out = np.linalg.inv(A)
    return out, out


def inverse_backward(dout, cache):
    return -cache.T @ dout @ cache.T


def quadratic_forward(x, A):
    return np.einsum("ni,ij,nj->n", x, A, x), (x, A)


def quadratic_backward(dout, cache):
    x, A = cache
    return dout[:, None] * (x @ (A + A.T)), np.einsum("n,ni,nj->ij", dout, x, x)


def gram_forward(x):
    return x.T @ x, x


def gram_backward(dout, cache):
    return cache @ (dout + dout.T)


def outer_forward(a, b):
    return np.outer(a, b), (a, b)


def outer_backward(dout, cache):
    a, b = cache
    return dout @ b, a @ dout


def trace_forward(A, B):
    return np.trace(A @ B), (A, B)


def trace_backward(dout, cache):
    A, B = cache
    return dout * B.T, dout * A.T


def positive_definite(rng):
    a = rng.normal(size=(4, 4))
    return (a @ a.T + np.eye(4),)


def far_from_singular(rng):
    return (rng.normal(size=(4, 4)) + 4 * np.eye(4),)


def triangular(rng):
    return rng.normal(size=(4, 4)) + 3 * np.eye(4), rng.normal(size=(4, 2))


IDIOMS = [
    Idiom("a triangular solve", triangular, solve_forward, solve_backward),
    Idiom("log of a determinant", far_from_singular, logdet_forward, logdet_backward),
    Idiom(
        "log of a determinant, by Cholesky",
        positive_definite,
        cholesky_logdet_forward,
        cholesky_logdet_backward,
    ),
    Idiom("an inverse", far_from_singular, inverse_forward, inverse_backward),
    Idiom("quadratic forms", normal((5, 3), (3, 3)), quadratic_forward, quadratic_backward),
    Idiom("products of all columns", normal((5, 3)), gram_forward, gram_backward),
    Idiom("an outer product", normal(4, 3), outer_forward, outer_backward),
    Idiom("a trace of a product", normal((3, 4), (4, 3)), trace_forward, trace_backward),
]
