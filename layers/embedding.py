"""A vector for each word."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import plain_normal
from chainrule.layers.layer import Layer, unmasked


class Embedding(Layer):
    """out = W[x], the row of W that each number in x names.

    x (N, …) of integers from 0 to V - 1;  W (V, D);  out (N, …, D).
    dx = none, of integers;  dW[v] = Σ dout over all places where x = v: a word that comes twice
    adds twice.

    `init` is a scheme of `layers.init` for W, drawn with `rng`, by default of deviation 0.02.
    W is no weight to an L2 penalty, which would pull words that do not come towards 0.
    Raises ValueError for numbers out of range.
    """

    differentiable = 0
    weights = ()

    def __init__(
        self,
        vocabulary: int,
        features: int,
        *,
        init: Scheme = plain_normal(0.02),
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.vocabulary = self.positive("vocabulary", vocabulary)
        self.features = self.positive("features", features)
        self.params["W"] = self.drawn(init, vocabulary, features, rng=rng, dtype=dtype)

    def forward(self, x: ArrayLike, *, train: bool = True) -> tuple[Floats, Cache]:
        numbers, W = unmasked(self, "x", x), self.params["W"]
        if numbers.dtype.kind not in "iu" or numbers.ndim == 0:
            raise TypeError(
                f"{self!r}: x has dtype {numbers.dtype} and shape {numbers.shape}, expected "
                f"integers (N, …)"
            )
        wrong = (numbers < 0) | (numbers >= len(W))
        self.reject(wrong, numbers, "x", f"a number from 0 to {len(W) - 1}")
        return W[numbers], (numbers, W)

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[()], Grads]:
        numbers, W = cache
        rows = self.upstream(dout, (*numbers.shape, W.shape[1]), W.dtype).reshape(-1, W.shape[1])
        dW = np.zeros_like(W)
        np.add.at(dW, numbers.reshape(-1), rows)
        return (), {"W": dW}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "sequences with words twice", cls(4, 3, rng=rng), rng.integers(0, 4, (2, 5))
