"""The matrix product as a gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer, sum_to


class MatMul(Layer):
    """out = a b, the matrix product.

    a (…, N, K) and b (…, K, M), whose leading axes broadcast;  out (…, N, M). As in NumPy a
    vector a (K,) counts as one row and a vector b (K,) as one column, which out then lacks.
    da = dout bᵀ    db = aᵀ dout, each summed over the axes along which its input was broadcast.
    """

    def forward(self, a: Floats, b: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        a, b = self.pair(a, b)
        try:
            out = a @ b
        except ValueError:
            raise ValueError(
                f"{self!r}: a has shape {a.shape} and b has {b.shape}, expected (…, N, K) and "
                f"(…, K, M)"
            ) from None
        return out, (a, b, out.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[Floats, Floats], Grads]:
        a, b, shape = cache
        dout = self.upstream(dout, shape, a.dtype)
        row = a[np.newaxis] if a.ndim == 1 else a  # (…, N, K)
        column = b[:, np.newaxis] if b.ndim == 1 else b  # (…, K, M)
        leading = np.broadcast_shapes(row.shape[:-2], column.shape[:-2])
        dout = dout.reshape(*leading, row.shape[-2], column.shape[-1])
        da = sum_to(dout @ column.swapaxes(-1, -2), row.shape)
        db = sum_to(row.swapaxes(-1, -2) @ dout, column.shape)
        return (da.reshape(a.shape), db.reshape(b.shape)), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        normal = rng.standard_normal
        yield "matrices", cls(), normal((5, 4)), normal((4, 3))
        yield "stacks", cls(), normal((2, 5, 4)), normal((4, 3))
        yield "broadcast stacks", cls(), normal((3, 1, 2, 4)), normal((2, 4, 5))
        yield "matrix and vector", cls(), normal((5, 4)), normal(4)
        yield "vector and matrix", cls(), normal(4), normal((4, 3))
        yield "vectors", cls(), normal(4), normal(4)
