"""Scaled dot-product attention."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer, unmasked

SCORES = 2**22  # numbers of a block of scores; more are not held at once


class Attention(Layer):
    """out = p v,  p = softmax(q kᵀ / √d), a mean of values weighted by how well keys fit queries.

    q (N, S, E), k (N, T, E), v (N, T, F);  out (N, S, F). mask (S, T), (N, 1, T) or (N, S, T), of
    booleans, is True where a query may look; with `causal` it looks at keys up to its own place, of
    which the last query has the last. A query that may look nowhere gets 0. With `heads` h, E and F
    are h blocks that are attended to by themselves, d = E / h.

    dv = pᵀ dout    dp = dout vᵀ    ds = p (dp - Σ dp p)    dq = ds k / √d    dk = dsᵀ q / √d

    Nothing of size S T is kept: the backward pass makes p anew, and both do so in blocks of
    queries, so that memory grows with S + T where these are large.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2; in blocks: Rabe and
    Staats, "Self-attention Does Not Need O(n²) Memory", 2021.
    """

    differentiable = 3

    def __init__(self, heads: int = 1, *, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = self.positive("heads", heads), bool(causal)

    def forward(
        self,
        q: Floats,
        k: Floats,
        v: Floats,
        mask: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[Floats, Cache]:
        q, k, v = (self.floats(one, name) for one, name in ((q, "q"), (k, "k"), (v, "v")))
        allowed = self.checked(q, k, v, mask)
        Q, K, V = (split(one, self.heads) for one in (q, k, v))
        out = np.empty((*Q.shape[:3], V.shape[3]), q.dtype)
        for rows in blocks(Q, K):
            out[:, :, rows] = self.looked(Q, K, allowed, rows) @ V
        return merge(out), (Q, K, V, allowed, out)

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[Floats, ...], Grads]:
        Q, K, V, allowed, out = cache
        shape = len(Q), Q.shape[2], self.heads * V.shape[3]
        dout = split(self.upstream(dout, shape, Q.dtype), self.heads)
        scale = Q.dtype.type(Q.shape[3] ** -0.5)
        dQ, dK, dV = (
            np.empty(Q.shape, Q.dtype),
            np.zeros(K.shape, Q.dtype),
            np.zeros(V.shape, Q.dtype),
        )
        total = (dout * out).sum(axis=3, keepdims=True)  # Σ dp p, since out = p v
        for rows in blocks(Q, K):
            p, d = self.looked(Q, K, allowed, rows), dout[:, :, rows]
            dV += p.swapaxes(2, 3) @ d
            ds = d @ V.swapaxes(2, 3)
            ds -= total[:, :, rows]
            ds *= p
            ds *= scale
            dQ[:, :, rows] = ds @ K
            dK += ds.swapaxes(2, 3) @ Q[:, :, rows]
        return (merge(dQ), merge(dK), merge(dV)), {}

    def looked(self, Q: Floats, K: Floats, allowed: NDArray[np.bool] | None, rows: slice) -> Floats:
        """p (N, h, rows, T), of heads (N, h, S, d) and (N, h, T, d)."""
        s = (Q[:, :, rows] * Q.dtype.type(Q.shape[3] ** -0.5)) @ K.swapaxes(2, 3)
        hidden = None if allowed is None else ~allowed[:, :, rows]
        if self.causal:
            later = np.arange(K.shape[2]) > np.arange(Q.shape[2])[rows, np.newaxis] + (
                K.shape[2] - Q.shape[2]
            )
            hidden = later if hidden is None else hidden | later
        if hidden is not None:
            np.copyto(s, -np.inf, where=hidden)
        top = s.max(axis=3, keepdims=True)
        s -= np.where(top == -np.inf, 0, top)
        np.exp(s, out=s)
        s /= np.maximum(s.sum(axis=3, keepdims=True), np.finfo(s.dtype).tiny)
        return s

    def checked(
        self, q: Floats, k: Floats, v: Floats, mask: ArrayLike | None
    ) -> NDArray[np.bool] | None:
        """The mask as it broadcasts with scores (N, h, S, T). Raises ValueError for shapes that do
        not fit."""
        fits = q.ndim == k.ndim == v.ndim == 3 and len(q) == len(k) == len(v)
        if not fits or q.shape[2] != k.shape[2] or k.shape[1] != v.shape[1] or k.shape[1] == 0:
            raise ValueError(
                f"{self!r}: q, k and v have shapes {q.shape}, {k.shape} and {v.shape}, expected "
                f"(N, S, E), (N, T, E) and (N, T, F)"
            )
        if q.shape[2] % self.heads or v.shape[2] % self.heads:
            raise ValueError(
                f"{self!r}: q and v have {q.shape[2]} and {v.shape[2]} features, expected "
                f"multiples of {self.heads}, the number of heads"
            )
        if mask is None:
            return None
        allowed, (N, S), T = unmasked(self, "mask", mask), q.shape[:2], k.shape[1]
        if allowed.dtype != bool or allowed.shape not in ((S, T), (N, 1, T), (N, S, T)):
            raise ValueError(
                f"{self!r}: mask has shape {allowed.shape} and dtype {allowed.dtype}, expected "
                f"booleans of shape {(S, T)}, {(N, 1, T)} or {(N, S, T)}"
            )
        allowed = np.broadcast_to(allowed, (len(allowed) if allowed.ndim == 3 else 1, S, T))
        return allowed[:, np.newaxis]

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        normal = rng.standard_normal
        q, k, v = normal((2, 3, 4)), normal((2, 5, 4)), normal((2, 5, 6))
        yield "queries, keys and values", cls(), q, k, v
        yield "two heads, with a mask", cls(2), q, k, v, rng.random((3, 5)) < 0.7
        yield "causal", cls(causal=True), *(normal((2, 4, 3)) for _ in range(3))


def split(x: Floats, heads: int) -> Floats:
    """(N, T, h d) → (N, h, T, d), blocks of features."""
    N, T, E = x.shape
    return x.reshape(N, T, heads, E // heads).swapaxes(1, 2)


def merge(x: Floats) -> Floats:
    """(N, h, T, d) → (N, T, h d)."""
    N, h, T, d = x.shape
    return x.swapaxes(1, 2).reshape(N, T, h * d)


def blocks(Q: Floats, K: Floats) -> Iterator[slice]:
    """Rows of queries, so many that their scores are no more than SCORES numbers."""
    N, h, S, _ = Q.shape
    size = max(1, SCORES // max(N * h * K.shape[2], 1))
    return (slice(start, start + size) for start in range(0, S, size))
