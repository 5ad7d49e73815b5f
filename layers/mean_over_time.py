"""The mean of a sequence."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer, unmasked


class MeanOverTime(Layer):
    """out = Σₜ m_t x_t / Σₜ m_t, the mean of the steps that a mask m lets in, of all if there is
    none.

    x (N, T, D);  mask (N, T), of booleans, in each row one at least;  out (N, D).
    dx = m_t dout / Σₜ m_t
    """

    differentiable = 1

    def forward(
        self, x: Floats, mask: ArrayLike | None = None, *, train: bool = True
    ) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim != 3 or x.shape[1] == 0:
            raise ValueError(f"{self!r}: x has shape {x.shape}, expected (N, T, D), T at least 1")
        m = np.ones(x.shape[:2], bool) if mask is None else unmasked(self, "mask", mask)
        if m.shape != x.shape[:2] or m.dtype != bool:
            raise ValueError(
                f"{self!r}: mask has shape {m.shape} and dtype {m.dtype}, expected booleans of "
                f"shape {x.shape[:2]}"
            )
        some = np.asarray(m.any(axis=1))
        self.reject(~some, some, "mask.any(axis=1)", "a step in every row")
        share = (m / m.sum(axis=1, keepdims=True)).astype(x.dtype)[:, np.newaxis]  # (N, 1, T)
        return (share @ np.where(m[:, :, np.newaxis], x, 0))[:, 0], (share, x.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        share, shape = cache
        dout = self.upstream(dout, shape[::2], share.dtype)
        return share.swapaxes(1, 2) * dout[:, np.newaxis], {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "sequences", cls(), rng.standard_normal((2, 4, 3))
        mask = np.array([[True, True, False, True], [False, True, False, True]])
        yield "with a mask", cls(), rng.standard_normal((2, 4, 3)), mask
