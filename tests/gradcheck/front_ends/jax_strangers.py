"""Functions of JAX's own, that nobody here wrote, and arguments for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np

rng = np.random.default_rng(5)
X = rng.standard_normal((4, 3))
Y = rng.standard_normal((4, 3))
SQUARE = rng.standard_normal((3, 3))
POSITIVE = SQUARE @ SQUARE.T + np.eye(3)
ABOVE = rng.uniform(0.5, 3, (4, 3))  # above 0
OTHER = rng.uniform(0.5, 3, (4, 3))
WITHIN = rng.uniform(0.1, 0.9, (4, 3))  # between 0 and 1
SIGNAL = rng.standard_normal((2, 3, 8))
KERNEL = rng.standard_normal((4, 3, 3))
IDS = np.array([0, 2, 2, 1])

# Functions of one array of any numbers, entry by entry or along the last axis.
UNITS: dict[str, Callable[..., Any]] = {
    name: getattr(jax.nn, name)
    for name in (
        "celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
        "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp", "mish", "relu", "relu6", "selu",
        "sigmoid", "silu", "soft_sign", "softmax", "softplus", "sparse_plus", "sparse_sigmoid",
        "squareplus", "standardize",
    )
    if hasattr(jax.nn, name)
}  # fmt: skip

STRANGERS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    **{name: (function, (X[:, :2] if name == "glu" else X,)) for name, function in UNITS.items()},
    "gelu, exact": (lambda x: jax.nn.gelu(x, approximate=False), (X,)),
    "one_hot product": (lambda x, ids: jax.nn.one_hot(ids, 3) * x, (X, IDS)),
    "attention": (jax.nn.dot_product_attention, tuple(rng.standard_normal((3, 2, 4, 1, 3)))),
    "erf": (jsp.special.erf, (X,)),
    "erfinv": (jsp.special.erfinv, (WITHIN,)),
    "gammaln": (jsp.special.gammaln, (ABOVE,)),
    "digamma": (jsp.special.digamma, (ABOVE,)),
    "polygamma": (lambda x: jsp.special.polygamma(1, x), (ABOVE,)),
    "betaln": (jsp.special.betaln, (ABOVE, OTHER)),
    "gammainc": (lambda x: jsp.special.gammainc(1.7, x), (ABOVE,)),
    "entr": (jsp.special.entr, (ABOVE,)),
    "expit": (jsp.special.expit, (X,)),
    "logit": (jsp.special.logit, (WITHIN,)),
    "i0": (jsp.special.i0, (X,)),
    "i1e": (jsp.special.i1e, (X,)),
    "ndtri": (jsp.special.ndtri, (WITHIN,)),
    "log_ndtr": (jsp.special.log_ndtr, (X,)),
    "xlogy": (jsp.special.xlogy, (ABOVE, OTHER)),
    "xlog1py": (jsp.special.xlog1py, (ABOVE, OTHER)),
    "kl_div": (jsp.special.kl_div, (ABOVE, OTHER)),
    "rel_entr": (jsp.special.rel_entr, (ABOVE, OTHER)),
    "zeta": (lambda x: jsp.special.zeta(2.5, x), (ABOVE,)),
    "logpdf of normal": (jsp.stats.norm.logpdf, (X, Y, ABOVE)),
    "logpdf of t": (jsp.stats.t.logpdf, (X, ABOVE)),
    "inv": (jnp.linalg.inv, (SQUARE,)),
    "det": (jnp.linalg.det, (SQUARE,)),
    "slogdet": (jnp.linalg.slogdet, (SQUARE,)),
    "solve": (jnp.linalg.solve, (SQUARE, X.T)),
    "cholesky": (lambda a: jnp.linalg.cholesky(a + a.T), (POSITIVE,)),
    "eigh": (lambda a: jnp.linalg.eigh(a + a.T)[0], (POSITIVE,)),
    "eigvalsh": (lambda a: jnp.linalg.eigvalsh(a + a.T), (POSITIVE,)),
    "qr": (jnp.linalg.qr, (X,)),
    "singular values": (lambda a: jnp.linalg.svd(a, compute_uv=False), (X,)),
    "norm": (lambda x: jnp.linalg.norm(x, axis=1), (X,)),
    "pinv": (jnp.linalg.pinv, (X,)),
    "matrix_power": (lambda a: jnp.linalg.matrix_power(a, 3), (SQUARE,)),
    "expm": (jsp.linalg.expm, (SQUARE,)),
    "solve_triangular": (jsp.linalg.solve_triangular, (SQUARE + 3 * np.eye(3), X.T)),
    "max": (lambda x: jnp.max(x, axis=1), (X,)),
    "median": (lambda x: jnp.median(x, axis=1), (X,)),
    "sort": (lambda x: jnp.sort(x, axis=1), (X,)),
    "top_k": (lambda x: jax.lax.top_k(x, 2), (X,)),
    "cumprod": (lambda x: jnp.cumprod(x, axis=1), (X,)),
    "prod": (lambda x: jnp.prod(x, axis=1), (X,)),
    "std": (lambda x: jnp.std(x, axis=0), (X,)),
    "logaddexp": (jnp.logaddexp, (X, Y)),
    "hypot": (jnp.hypot, (X, Y)),
    "arctan2": (jnp.arctan2, (X, Y)),
    "sinc": (jnp.sinc, (X,)),
    "where": (lambda x, y: jnp.where(x > 0, x, y), (X, Y)),
    "take": (lambda x, ids: jnp.take(x, ids, axis=0), (X, IDS)),
    "scatter add": (lambda x, ids: jnp.zeros((3, 3)).at[ids].add(x), (X, IDS)),
    "segment_sum": (lambda x, ids: jax.ops.segment_sum(x, ids, 3), (X, IDS)),
    "interp": (lambda x: jnp.interp(x, jnp.arange(-3.0, 4.0), jnp.arange(7.0) ** 2), (X,)),
    "convolution": (
        lambda x, k: jax.lax.conv_general_dilated(x, k, (2,), "SAME"), (SIGNAL, KERNEL)),
    "max pool": (
        lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2), (1, 1, 2), "VALID"),
        (SIGNAL,)),
    "scan": (
        lambda x: jax.lax.scan(lambda h, a: (jnp.tanh(h + a), h), jnp.zeros(3), x)[0], (X,)),
    "fft": (lambda x: jnp.abs(jnp.fft.rfft(x, axis=1)), (X,)),
    "einsum": (lambda x, y: jnp.einsum("ni,nj->nij", x, y), (X, Y)),
}  # fmt: skip
