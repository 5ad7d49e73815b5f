"""Functions of autograd's own, that nobody here wrote, and arguments for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import autograd.scipy as asp
import autograd.scipy.linalg
import autograd.scipy.signal
import autograd.scipy.special
import autograd.scipy.stats
import numpy as np

rng = np.random.default_rng(5)
X = rng.standard_normal((4, 3))
Y = rng.standard_normal((4, 3))
SQUARE = rng.standard_normal((3, 3))
POSITIVE = SQUARE @ SQUARE.T + np.eye(3)
ABOVE = rng.uniform(0.5, 3, (4, 3))  # above 0
OTHER = rng.uniform(0.5, 3, (4, 3))
WITHIN = rng.uniform(0.1, 0.9, (4, 3))  # between 0 and 1
SPREAD = rng.standard_normal(3)

# Functions of one array of any numbers, of numbers above 0, and between 0 and 1.
ANY = ("abs", "arctan", "arcsinh", "cos", "cosh", "exp", "exp2", "expm1", "sin", "sinc", "sinh",
       "square", "tan", "tanh", "negative", "fabs", "cumsum", "ravel", "flipud")  # fmt: skip
POSITIVES = ("sqrt", "log", "log10", "log1p", "log2", "reciprocal")
PROBABILITIES = ("arcsin", "arccos", "arctanh")
special, stats, linalg = asp.special, asp.stats, asp.linalg

STRANGERS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    **{name: (getattr(anp, name), (X,)) for name in ANY},
    **{name: (getattr(anp, name), (ABOVE,)) for name in POSITIVES},
    **{name: (getattr(anp, name), (WITHIN,)) for name in PROBABILITIES},
    "add": (anp.add, (X, SPREAD)),
    "multiply": (anp.multiply, (X, SPREAD)),
    "divide": (anp.divide, (X, ABOVE)),
    "power": (anp.power, (ABOVE, Y)),
    "mod": (anp.mod, (X, ABOVE)),
    "arctan2": (anp.arctan2, (X, Y)),
    "hypot": (lambda x, y: anp.sqrt(x**2 + y**2), (X, Y)),
    "logaddexp": (anp.logaddexp, (X, Y)),
    "maximum": (anp.maximum, (X, Y)),
    "where": (lambda x, y: anp.where(x > 0, x, y), (X, Y)),
    "clip": (lambda x: anp.clip(x, -0.5, 0.5), (X,)),
    "max": (lambda x: anp.max(x, axis=1), (X,)),
    "sort": (lambda x: anp.sort(x, axis=0), (X[:, 0],)),
    "prod": (lambda x: anp.prod(x, axis=1), (X,)),
    "var": (lambda x: anp.var(x, axis=0), (X,)),
    "std": (lambda x: anp.std(x, axis=0, ddof=1), (X,)),
    "dot": (anp.dot, (X, SQUARE)),
    "einsum": (lambda x, y: anp.einsum("ni,nj->ij", x, y), (X, Y)),
    "tensordot": (lambda x, y: anp.tensordot(x, y, axes=([0], [0])), (X, Y)),
    "outer": (anp.outer, (X[0], Y[1])),
    "kron": (anp.kron, (X, SQUARE)),
    "concatenate": (lambda x, y: anp.concatenate((x, y), axis=1), (X, Y)),
    "take": (lambda x: x[[0, 2, 2, 1]], (X,)),
    "pad": (lambda x: anp.pad(x, 1, "constant"), (X,)),
    "diff": (lambda x: anp.diff(x, axis=1), (X,)),
    "fft": (lambda x: anp.abs(anp.fft.fft(x)), (X,)),
    "inv": (anp.linalg.inv, (SQUARE,)),
    "det": (anp.linalg.det, (SQUARE,)),
    "slogdet": (anp.linalg.slogdet, (SQUARE,)),
    "solve": (anp.linalg.solve, (SQUARE, X.T)),
    "norm": (anp.linalg.norm, (X,)),
    "cholesky": (lambda a: anp.linalg.cholesky((a + a.T) / 2), (POSITIVE,)),
    "eigh": (lambda a: anp.linalg.eigh(a + a.T)[0], (POSITIVE,)),
    "singular values": (lambda a: anp.linalg.svd(a, compute_uv=False), (X,)),
    "pinv": (anp.linalg.pinv, (X,)),
    "solve_triangular": (linalg.solve_triangular, (SQUARE + 3 * np.eye(3), X.T)),
    "sqrtm": (linalg.sqrtm, (POSITIVE,)),
    "convolve": (autograd.scipy.signal.convolve, (X, SQUARE)),
    "gamma": (special.gamma, (ABOVE,)),
    "gammaln": (special.gammaln, (ABOVE,)),
    "digamma": (special.digamma, (ABOVE,)),
    "beta": (special.beta, (ABOVE, OTHER)),
    "gammainc": (lambda x: special.gammainc(1.7, x), (ABOVE,)),
    "erf": (special.erf, (X,)),
    "erfinv": (special.erfinv, (WITHIN,)),
    "logit": (special.logit, (WITHIN,)),
    "expit": (special.expit, (X,)),
    "logsumexp": (special.logsumexp, (X,)),
    "i0": (special.i0, (X,)),
    "j0": (special.j0, (X,)),
    "y1": (special.y1, (ABOVE,)),
    "logpdf of normal": (stats.norm.logpdf, (X, Y, ABOVE)),
    "cdf of normal": (stats.norm.cdf, (X, Y, ABOVE)),
    "logpdf of t": (stats.t.logpdf, (X, ABOVE)),
    "logpdf of gamma": (stats.gamma.logpdf, (ABOVE, OTHER)),
    "logpmf of poisson": (lambda mu: stats.poisson.logpmf(np.arange(3), mu), (ABOVE,)),
    "logpdf of multivariate normal": (
        lambda x, mean: stats.multivariate_normal.logpdf(x, mean, POSITIVE), (X, SPREAD)),
}  # fmt: skip
