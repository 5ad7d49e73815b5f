# ruff: noqa: ARG001, ARG005  (fwd, bwd and vjps are given what they may need)
"""Primitives of HIPS autograd with vjps of their own, after those that people publish, right and
wrong.

`CASES` holds for each the function, its right vjps, wrong ones by what is wrong in them, and a
function that makes its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive


class Case(NamedTuple):
    fun: Callable[..., Any]
    vjps: tuple[Any, ...]
    wrong: dict[str, tuple[Any, ...]]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]

    def made(self, vjps=None):
        function = primitive(self.fun)
        defvjp(function, *(vjps or self.vjps))
        return function


# ---- log of a sum of exponentials ---------------------------------------------------------------


def logsumexp(x, axis):
    m = x.max(axis=axis, keepdims=True)
    return np.log(np.exp(x - m).sum(axis=axis)) + m.squeeze(axis)


def logsumexp_vjp(ans, x, axis):
    p = anp.exp(x - anp.expand_dims(ans, axis))
    return lambda g: anp.expand_dims(g, axis) * p


def logsumexp_of_scores(ans, x, axis):
    return lambda g: anp.expand_dims(g / ans, axis) * anp.exp(x)


def logsumexp_jacobian(ans, x, axis):
    p = anp.exp(x - anp.expand_dims(ans, axis))
    return lambda g: anp.expand_dims(g, axis) * p * (1 - p)


def logsumexp_summed(ans, x, axis):
    p = anp.exp(x - anp.expand_dims(ans, axis))
    return lambda g: anp.sum(g) * p


# ---- softmax ------------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_vjp(ans, x):
    return lambda g: ans * (g - anp.sum(g * ans, axis=-1, keepdims=True))


def softmax_diagonal(ans, x):
    return lambda g: g * ans * (1 - ans)


def softmax_over_rows(ans, x):
    return lambda g: ans * (g - anp.sum(g * ans, axis=0, keepdims=True))


def softmax_sum_of_g(ans, x):
    return lambda g: ans * (g - anp.sum(g, axis=-1, keepdims=True))


# ---- rows added to a table at ids that repeat ---------------------------------------------------


def scatter_add(table, ids, rows):
    out = table.copy()
    np.add.at(out, ids, rows)
    return out


def scatter_add_vjp_table(ans, table, ids, rows):
    return lambda g: g


def scatter_add_vjp_rows(ans, table, ids, rows):
    return lambda g: g[ids]


def scatter_add_overwrites(ans, table, ids, rows):
    def vjp(g):
        g = g.copy()
        g[ids] = 0
        return g

    return vjp


def scatter_add_in_order(ans, table, ids, rows):
    return lambda g: g[: len(rows)]


def scatter_add_counted(ans, table, ids, rows):
    return lambda g: g[ids] / np.bincount(ids, minlength=len(table))[ids][:, None]


# ---- a linear system ----------------------------------------------------------------------------


def solve(A, b):
    return np.linalg.solve(A, b)


def solve_vjp_A(ans, A, b):
    return lambda g: -anp.outer(anp.linalg.solve(A.T, g), ans)


def solve_vjp_b(ans, A, b):
    return lambda g: anp.linalg.solve(A.T, g)


def solve_sign(ans, A, b):
    return lambda g: anp.outer(anp.linalg.solve(A.T, g), ans)


def solve_not_turned(ans, A, b):
    return lambda g: anp.linalg.solve(A, g)


def solve_of_b(ans, A, b):
    return lambda g: -anp.outer(anp.linalg.solve(A.T, g), b)


# ---- the logarithm of a determinant, by a Cholesky factor ---------------------------------------


def logdet(A):
    return 2 * np.log(np.diag(np.linalg.cholesky(A @ A.T + np.eye(len(A))))).sum()


def logdet_vjp(ans, A):
    return lambda g: 2 * g * anp.linalg.solve(A @ A.T + anp.eye(len(A)), A)


def logdet_half(ans, A):
    return lambda g: g * anp.linalg.solve(A @ A.T + anp.eye(len(A)), A)


def logdet_of_A_alone(ans, A):
    return lambda g: 2 * g * anp.linalg.inv(A).T


def logdet_without_g(ans, A):
    return lambda g: 2 * anp.linalg.solve(A @ A.T + anp.eye(len(A)), A)


# ---- the Huber loss, entry by entry -------------------------------------------------------------


def huber(x, y, delta):
    d = np.abs(x - y)
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))


def huber_vjp_x(ans, x, y, delta):
    return lambda g: g * anp.clip(x - y, -delta, delta)


def huber_vjp_y(ans, x, y, delta):
    return lambda g: -g * anp.clip(x - y, -delta, delta)


def huber_never_linear(ans, x, y, delta):
    return lambda g: g * (x - y)


def huber_signs(ans, x, y, delta):
    return lambda g: g * anp.where(anp.abs(x - y) <= delta, x - y, anp.sign(x - y))


CASES = {
    "logsumexp": Case(
        logsumexp,
        (logsumexp_vjp,),
        {
            "of scores": (logsumexp_of_scores,),
            "jacobian": (logsumexp_jacobian,),
            "summed": (logsumexp_summed,),
        },
        lambda rng: (rng.standard_normal((4, 3)), 1),
    ),
    "softmax": Case(
        softmax,
        (softmax_vjp,),
        {
            "diagonal": (softmax_diagonal,),
            "over rows": (softmax_over_rows,),
            "sum of g": (softmax_sum_of_g,),
        },
        lambda rng: (rng.standard_normal((4, 3)),),
    ),
    "scatter add": Case(
        scatter_add,
        (scatter_add_vjp_table, None, scatter_add_vjp_rows),
        {
            "overwrites": (scatter_add_overwrites, None, scatter_add_vjp_rows),
            "in order": (scatter_add_vjp_table, None, scatter_add_in_order),
            "counted": (scatter_add_vjp_table, None, scatter_add_counted),
        },
        lambda rng: (
            rng.standard_normal((6, 2)),
            np.array([3, 0, 3, 5]),
            rng.standard_normal((4, 2)),
        ),
    ),
    "solve": Case(
        solve,
        (solve_vjp_A, solve_vjp_b),
        {
            "sign": (solve_sign, solve_vjp_b),
            "not turned": (solve_vjp_A, solve_not_turned),
            "of b": (solve_of_b, solve_vjp_b),
            "none": (None, solve_vjp_b),
        },
        lambda rng: (rng.standard_normal((4, 4)) + 3 * np.eye(4), rng.standard_normal(4)),
    ),
    "logdet": Case(
        logdet,
        (logdet_vjp,),
        {
            "half": (logdet_half,),
            "of A alone": (logdet_of_A_alone,),
            "without g": (logdet_without_g,),
        },
        lambda rng: (rng.standard_normal((3, 3)),),
    ),
    "huber": Case(
        huber,
        (huber_vjp_x, huber_vjp_y),
        {
            "never linear": (huber_never_linear, huber_vjp_y),
            "signs": (huber_signs, huber_vjp_y),
            "both alike": (huber_vjp_x, huber_vjp_x),
        },
        lambda rng: (2 * rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), 0.7),
    ),
}
