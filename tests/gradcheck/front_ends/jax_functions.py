# ruff: noqa: ARG001  (fwd, bwd and vjps are given what they may need)
"""Functions with a bwd of their own, after those that people publish, right and wrong.

`CASES` holds for each the function and what forward keeps, the right bwd, wrong ones by what is
wrong in them, and a function that makes its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Case(NamedTuple):
    fun: Callable[..., Any]
    fwd: Callable[..., Any]
    bwd: Callable[..., Any]
    wrong: dict[str, Callable[..., Any]]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    surrogate: Callable[..., Any] | None = None
    fixed: tuple[int, ...] = ()

    def made(self, bwd=None):
        function = jax.custom_vjp(self.fun, nondiff_argnums=self.fixed)
        function.defvjp(self.fwd, bwd or self.bwd)
        return function


# ---- log(1 + exp(x)), which does not overflow ---------------------------------------------------


def log1pexp(x):
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def log1pexp_fwd(x):
    return log1pexp(x), x


def log1pexp_bwd(x, g):
    return (g * jax.nn.sigmoid(x),)


def log1pexp_other_side(x, g):
    return (g * jax.nn.sigmoid(-x),)


def log1pexp_without_g(x, g):
    return (jax.nn.sigmoid(x) + 0 * g,)


def log1pexp_slope_of_sigmoid(x, g):
    s = jax.nn.sigmoid(x)
    return (g * s * (1 - s),)


# ---- a gradient that is turned round on purpose -------------------------------------------------


def reversal(strength, x):
    return x


def reversal_fwd(strength, x):
    return x, None


def reversal_bwd(strength, _, g):
    return (-strength * g,)


def reversal_forgotten(strength, _, g):
    return (strength * g,)


def reversal_without_strength(strength, _, g):
    return (-g,)


# ---- a quantiser, straight through within its range ---------------------------------------------


def quantise(x):
    return jnp.clip(jnp.round(x * 8) / 8, -1, 1)


def quantise_fwd(x):
    return quantise(x), (jnp.abs(x) <= 1,)


def quantise_bwd(residuals, g):
    (inside,) = residuals
    return (jnp.where(inside, g, 0),)


def quantise_everywhere(residuals, g):
    return (g,)


def quantise_outside(residuals, g):
    (inside,) = residuals
    return (jnp.where(inside, 0, g),)


def quantise_scaled(residuals, g):
    (inside,) = residuals
    return (jnp.where(inside, g, 0) * 8,)


# ---- a norm whose gradient is 0 at 0 ------------------------------------------------------------


def safe_norm(x):
    return jnp.sqrt(jnp.sum(x * x, axis=-1))


def safe_norm_fwd(x):
    norm = safe_norm(x)
    return norm, (x, norm)


def safe_norm_bwd(residuals, g):
    x, norm = residuals
    scale = jnp.where(norm > 0, g / jnp.where(norm > 0, norm, 1), 0)
    return (scale[..., None] * x,)


def safe_norm_squared(residuals, g):
    x, norm = residuals
    return ((g / norm**2)[..., None] * x,)


def safe_norm_undivided(residuals, g):
    x, _norm = residuals
    return (2 * g[..., None] * x,)


def safe_norm_sign(residuals, g):
    x, norm = residuals
    return (-(g / norm)[..., None] * x,)


# ---- log of a sum of exponentials ---------------------------------------------------------------


def logsumexp(x):
    m = x.max(axis=-1, keepdims=True)
    return jnp.log(jnp.sum(jnp.exp(x - m), axis=-1)) + m[..., 0]


def logsumexp_fwd(x):
    out = logsumexp(x)
    return out, (x, out)


def logsumexp_bwd(residuals, g):
    x, out = residuals
    return (g[..., None] * jnp.exp(x - out[..., None]),)


def logsumexp_not_normalised(residuals, g):
    x, _out = residuals
    return (g[..., None] * jnp.exp(x - x.max(axis=-1, keepdims=True)),)


def logsumexp_jacobian_of_softmax(residuals, g):
    x, out = residuals
    p = jnp.exp(x - out[..., None])
    return (g[..., None] * p * (1 - p),)


def logsumexp_of_the_maximum_too(residuals, g):
    x, out = residuals
    p = jnp.exp(x - out[..., None])
    return (g[..., None] * (p + (x == x.max(axis=-1, keepdims=True))),)


# ---- layer norm ---------------------------------------------------------------------------------


def layernorm(x, gamma, beta, eps):
    mean = x.mean(axis=-1, keepdims=True)
    return gamma * (x - mean) / jnp.sqrt(x.var(axis=-1, keepdims=True) + eps) + beta


def layernorm_fwd(x, gamma, beta, eps):
    rstd = 1 / jnp.sqrt(x.var(axis=-1, keepdims=True) + eps)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return gamma * xhat + beta, (xhat, rstd, gamma)


def layernorm_bwd(eps, residuals, g):
    xhat, rstd, gamma = residuals
    dxhat = g * gamma
    along = (dxhat * xhat).mean(axis=-1, keepdims=True)
    dx = rstd * (dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * along)
    return dx, (g * xhat).sum(axis=0), g.sum(axis=0)


def layernorm_without_mean(eps, residuals, g):
    xhat, rstd, gamma = residuals
    dxhat = g * gamma
    dx = rstd * (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True))
    return dx, (g * xhat).sum(axis=0), g.sum(axis=0)


def layernorm_without_gamma(eps, residuals, g):
    xhat, rstd, _gamma = residuals
    along = (g * xhat).mean(axis=-1, keepdims=True)
    dx = rstd * (g - g.mean(axis=-1, keepdims=True) - xhat * along)
    return dx, (g * xhat).sum(axis=0), g.sum(axis=0)


def layernorm_averages(eps, residuals, g):
    xhat, rstd, gamma = residuals
    dxhat = g * gamma
    along = (dxhat * xhat).mean(axis=-1, keepdims=True)
    dx = rstd * (dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * along)
    return dx, (g * xhat).mean(axis=0), g.mean(axis=0)


# ---- the root of y + y³ = a, by Newton's method -------------------------------------------------


def root(a):
    def step(_, y):
        return y - (y + y**3 - a) / (1 + 3 * y**2)

    return jax.lax.fori_loop(0, 30, step, jnp.zeros_like(a))


def root_fwd(a):
    y = root(a)
    return y, (a, y)


def root_bwd(residuals, g):
    _a, y = residuals
    return (g / (1 + 3 * y**2),)


def root_at_a(residuals, g):
    a, _y = residuals
    return (g / (1 + 3 * a**2),)


def root_of_the_cube(residuals, g):
    _a, y = residuals
    return (g / (3 * y**2),)


def root_turned_over(residuals, g):
    _a, y = residuals
    return (g * (1 + 3 * y**2),)


# ---- the fixed point of y = tanh(W y + x) -------------------------------------------------------


def fixed_point(W, x):
    return jax.lax.fori_loop(0, 200, lambda _, y: jnp.tanh(W @ y + x), jnp.zeros_like(x))


def fixed_point_fwd(W, x):
    y = fixed_point(W, x)
    return y, (W, y)


def fixed_point_bwd(residuals, g):
    W, y = residuals
    slope = 1 - y**2
    u = slope * jnp.linalg.solve(jnp.eye(len(y)) - W.T * slope, g)
    return jnp.outer(u, y), u


def fixed_point_one_step(residuals, g):
    _W, y = residuals
    u = (1 - y**2) * g
    return jnp.outer(u, y), u


def fixed_point_not_turned(residuals, g):
    W, y = residuals
    slope = 1 - y**2
    u = slope * jnp.linalg.solve(jnp.eye(len(y)) - W * slope, g)
    return jnp.outer(u, y), u


def fixed_point_outer_turned(residuals, g):
    W, y = residuals
    slope = 1 - y**2
    u = slope * jnp.linalg.solve(jnp.eye(len(y)) - W.T * slope, g)
    return jnp.outer(y, u), u


# ---- softmax cross-entropy with labels ----------------------------------------------------------


def cross_entropy(logits, labels):
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()


def cross_entropy_fwd(logits, labels):
    return cross_entropy(logits, labels), (jax.nn.softmax(logits), labels)


def cross_entropy_bwd(residuals, g):
    p, labels = residuals
    return g * (p - jax.nn.one_hot(labels, p.shape[1], dtype=p.dtype)) / len(p), None


def cross_entropy_summed(residuals, g):
    p, labels = residuals
    return g * (p - jax.nn.one_hot(labels, p.shape[1], dtype=p.dtype)), None


def cross_entropy_probabilities(residuals, g):
    p, _labels = residuals
    return g * p / len(p), None


def cross_entropy_next_class(residuals, g):
    p, labels = residuals
    return g * (p - jax.nn.one_hot(labels + 1, p.shape[1], dtype=p.dtype)) / len(p), None


# ---- attention ----------------------------------------------------------------------------------


def attention(q, k, v):
    return jax.nn.softmax(q @ k.T / jnp.sqrt(1.0 * q.shape[-1]), axis=-1) @ v


def attention_fwd(q, k, v):
    p = jax.nn.softmax(q @ k.T / jnp.sqrt(1.0 * q.shape[-1]), axis=-1)
    return p @ v, (q, k, v, p)


def attention_bwd(residuals, g):
    q, k, v, p = residuals
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / jnp.sqrt(1.0 * q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ g


def attention_without_scale(residuals, g):
    q, k, v, p = residuals
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return ds @ k, ds.T @ q, p.T @ g


def attention_diagonal(residuals, g):
    q, k, v, p = residuals
    ds = p * (g @ v.T) / jnp.sqrt(1.0 * q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ g


def attention_sum_over_queries(residuals, g):
    q, k, v, p = residuals
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(axis=0, keepdims=True)) / jnp.sqrt(1.0 * q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ g


# ---- a dense layer whose parameters are in a dict -----------------------------------------------


def dense(params, x):
    return jnp.tanh(x @ params["W"] + params["b"])


def dense_fwd(params, x):
    out = dense(params, x)
    return out, (params, x, out)


def dense_bwd(residuals, g):
    params, x, out = residuals
    dz = g * (1 - out**2)
    return {"W": x.T @ dz, "b": dz.sum(axis=0)}, dz @ params["W"].T


def dense_not_squared(residuals, g):
    params, x, out = residuals
    dz = g * (1 - out)
    return {"W": x.T @ dz, "b": dz.sum(axis=0)}, dz @ params["W"].T


def dense_mean_of_b(residuals, g):
    params, x, out = residuals
    dz = g * (1 - out**2)
    return {"W": x.T @ dz, "b": dz.mean(axis=0)}, dz @ params["W"].T


def dense_linear(residuals, g):
    params, x, _out = residuals
    return {"W": x.T @ g, "b": g.sum(axis=0)}, g @ params["W"].T


def normal(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """What makes arrays of these shapes."""
    return lambda rng: tuple(rng.standard_normal(shape) for shape in shapes)


CASES = {
    "log1pexp": Case(
        log1pexp,
        log1pexp_fwd,
        log1pexp_bwd,
        {
            "other side": log1pexp_other_side,
            "without g": log1pexp_without_g,
            "slope of sigmoid": log1pexp_slope_of_sigmoid,
        },
        normal((4, 3)),
    ),
    "reversal": Case(
        reversal,
        reversal_fwd,
        reversal_bwd,
        {"forgotten": reversal_forgotten, "without strength": reversal_without_strength},
        lambda rng: (0.3, rng.standard_normal((4, 3))),
        lambda strength, x: -strength * x,
        (0,),
    ),
    "quantise": Case(
        quantise,
        quantise_fwd,
        quantise_bwd,
        {
            "everywhere": quantise_everywhere,
            "outside": quantise_outside,
            "scaled": quantise_scaled,
        },
        normal((4, 5)),
        lambda x: jnp.clip(x, -1, 1),
    ),
    "safe norm": Case(
        safe_norm,
        safe_norm_fwd,
        safe_norm_bwd,
        {
            "squared": safe_norm_squared,
            "undivided": safe_norm_undivided,
            "sign": safe_norm_sign,
        },
        normal((4, 3)),
    ),
    "logsumexp": Case(
        logsumexp,
        logsumexp_fwd,
        logsumexp_bwd,
        {
            "not normalised": logsumexp_not_normalised,
            "jacobian of softmax": logsumexp_jacobian_of_softmax,
            "of the maximum too": logsumexp_of_the_maximum_too,
        },
        normal((4, 3)),
    ),
    "layernorm": Case(
        layernorm,
        layernorm_fwd,
        layernorm_bwd,
        {
            "without mean": layernorm_without_mean,
            "without gamma": layernorm_without_gamma,
            "averages": layernorm_averages,
        },
        lambda rng: (*normal((5, 4), (4,), (4,))(rng), 1e-5),
        None,
        (3,),
    ),
    "root": Case(
        root,
        root_fwd,
        root_bwd,
        {"at a": root_at_a, "of the cube": root_of_the_cube, "turned over": root_turned_over},
        normal((6,)),
    ),
    "fixed point": Case(
        fixed_point,
        fixed_point_fwd,
        fixed_point_bwd,
        {
            "one step": fixed_point_one_step,
            "not turned": fixed_point_not_turned,
            "outer turned": fixed_point_outer_turned,
        },
        lambda rng: (0.2 * rng.standard_normal((4, 4)), rng.standard_normal(4)),
    ),
    "cross-entropy": Case(
        cross_entropy,
        cross_entropy_fwd,
        cross_entropy_bwd,
        {
            "summed": cross_entropy_summed,
            "probabilities": cross_entropy_probabilities,
            "next class": cross_entropy_next_class,
        },
        lambda rng: (rng.standard_normal((5, 4)), rng.integers(0, 3, 5)),
    ),
    "attention": Case(
        attention,
        attention_fwd,
        attention_bwd,
        {
            "without scale": attention_without_scale,
            "diagonal": attention_diagonal,
            "sum over queries": attention_sum_over_queries,
        },
        normal((3, 4), (5, 4), (5, 2)),
    ),
    "dense": Case(
        dense,
        dense_fwd,
        dense_bwd,
        {
            "not squared": dense_not_squared,
            "mean of b": dense_mean_of_b,
            "linear": dense_linear,
        },
        lambda rng: (
            dict(zip("Wb", normal((3, 2), (2,))(rng), strict=True)),
            rng.standard_normal((4, 3)),
        ),
    ),
}
