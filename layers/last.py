"""The last step of a sequence."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer, unmasked


class Last(Layer):
    """out = x_T, the last step; with lengths, x_length of each example.

    x (N, T, D);  lengths (N,) of integers from 1 to T, if they differ;  out (N, D).
    dx = dout at that step, 0 elsewhere.
    """

    differentiable = 1

    def forward(
        self, x: Floats, lengths: ArrayLike | None = None, *, train: bool = True
    ) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim != 3 or x.shape[1] == 0:
            raise ValueError(f"{self!r}: x has shape {x.shape}, expected (N, T, D), T at least 1")
        last = np.full(len(x), x.shape[1])
        if lengths is not None:
            last = unmasked(self, "lengths", lengths)
            if last.shape != (len(x),) or last.dtype.kind not in "iu":
                raise ValueError(
                    f"{self!r}: lengths has shape {last.shape} and dtype {last.dtype}, expected "
                    f"integers of shape ({len(x)},)"
                )
            wrong = (last < 1) | (last > x.shape[1])
            self.reject(wrong, last, "lengths", f"a number from 1 to {x.shape[1]}")
        at = np.arange(len(x)), last.astype(np.intp) - 1
        return x[at], (at, x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        at, shape, dtype = cache
        dx = np.zeros(shape, dtype)
        dx[at] = self.upstream(dout, shape[::2], dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "sequences", cls(), rng.standard_normal((2, 4, 3))
        yield "of several lengths", cls(), rng.standard_normal((3, 4, 2)), np.array([2, 1, 4])
