"""Decompositions, solves and the Fourier transform."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def cholesky_forward(a):
    """U with UᵀU = A, of which only the upper triangle is read."""
    full = np.triu(a) + np.triu(a, 1).T
    L = np.linalg.cholesky(full)
    return L.T, L


def cholesky_backward(dout, L):
    phi = np.tril(L.T @ np.triu(dout).T)
    phi[np.diag_indices(len(L))] /= 2
    inverse = np.linalg.inv(L)
    s = inverse.T @ phi @ inverse
    s = (s + s.T) / 2
    return np.triu(s) + np.triu(s, 1)


def positive_definite(rng):
    m = rng.normal(size=(4, 4))
    return (m @ m.T / 4 + np.eye(4),)


def solve_transposed_forward(a, rhs):
    """x with Lᵀx = rhs, where L is the lower triangle."""
    L = np.tril(a)
    x = np.linalg.solve(L.T, rhs)
    return x, (L, x)


def solve_transposed_backward(dout, cache):
    L, x = cache
    drhs = np.linalg.solve(L, dout)
    dL = -x @ drhs.T
    return np.tril(dL), drhs


def solve_forward(a, rhs):
    x = np.linalg.solve(a, rhs)
    return x, (a, x)


def solve_backward(dout, cache):
    a, x = cache
    drhs = np.linalg.solve(a.T, dout)
    da = -drhs @ x.T
    return da, drhs


def rfft_forward(x):
    """Real and imaginary parts, stacked along the last axis."""
    f = np.fft.rfft(x, axis=1)
    return np.stack([f.real, f.imag], axis=-1), x.shape[1]


def rfft_backward(dout, n):
    d = dout[..., 0] + 1j * dout[..., 1]
    d[:, 1 : (n + 1) // 2] /= 2
    return n * np.fft.irfft(d, n, axis=1)


MISTAKES = [
    PairMistake(
        "cholesky-ghost-triangle",
        {"return np.triu(s) + np.triu(s, 1)": "return s"},
        "gradient for entries that forward ignores",
        "cholesky(lower=False) reads the upper triangle only, but its gradient was symmetrised:"
        " entries that forward never looks at get a gradient.",
        "jax-ml/jax#40421 (2026)",
        inputs=positive_definite,
        forward=cholesky_forward,
        backward=cholesky_backward,
    ),
    PairMistake(
        "solve-triangular-trans",
        {
            "drhs = np.linalg.solve(L, dout)": "drhs = np.linalg.solve(L.T, dout)",
            "dL = -x @ drhs.T": "dL = -drhs @ x.T",
        },
        "transposed in forward, not in backward",
        "solve_triangular(trans=True) solves Aᵀx = b, and the gradient was that of Ax = b.",
        "pymc-devs/pytensor#1230, #1229 (2025)",
        inputs=lambda rng: (
            np.tril(rng.normal(size=(3, 3))) + 2 * np.eye(3),
            rng.normal(size=(3, 2)),
        ),
        forward=solve_transposed_forward,
        backward=solve_transposed_backward,
    ),
    PairMistake(
        "solve-drops-matrix",
        {"a, x = cache": "a, _ = cache", "da = -drhs @ x.T": "da = np.zeros_like(a)"},
        "one input gets no gradient at all",
        "The rule of the solvers handled the right-hand side only: the matrix silently got no"
        " gradient.",
        "tensor4all/tenferro-rs#772 (2026)",
        inputs=lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 2))),
        forward=solve_forward,
        backward=solve_backward,
    ),
    PairMistake(
        "rfft-half-spectrum",
        {"d[:, 1 : (n + 1) // 2] /= 2": ""},
        "inner frequencies counted twice",
        "The adjoint of rfft was N · irfft, which counts each inner frequency twice, though the"
        " half spectrum holds it once.",
        "FluxML/Zygote.jl#1377, #1496 (2023-24)",
        inputs=normal((2, 6)),
        forward=rfft_forward,
        backward=rfft_backward,
    ),
]
