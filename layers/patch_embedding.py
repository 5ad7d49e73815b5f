"""Images as sequences of patches."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import lecun_normal
from chainrule.layers.layer import Layer


class PatchEmbedding(Layer):
    """out = patches W + b: an image cut into squares of p × p pixels, row by row, each a vector.

    x (N, C, H, W), H and W multiples of p;  W (C p p, M), b (M,);  out (N, H W / p², M). The
    numbers of a patch are in the order channel, row, column.
    dx = dout Wᵀ, put back in place    dW = Σ patchesᵀ dout    db = Σ dout, over images and patches

    `init` is a scheme of `layers.init`, drawn with `rng`; b starts at 0.
    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021.
    """

    def __init__(
        self,
        channels: int,
        patch: int,
        out_features: int,
        *,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.channels = self.positive("channels", channels)
        self.patch = self.positive("patch", patch)
        self.out_features = self.positive("out_features", out_features)
        size = channels * patch * patch
        self.params["W"] = self.drawn(init, size, out_features, rng=rng, dtype=dtype)
        self.params["b"] = np.zeros(out_features, dtype)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x, p = self.floats(x), self.patch
        if x.ndim != 4 or x.shape[1] != self.channels or x.shape[2] % p or x.shape[3] % p:
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, {self.channels}, H, W), H and W "
                f"multiples of {p}"
            )
        N, C, rows, columns = x.shape
        squares = x.reshape(N, C, rows // p, p, columns // p, p).transpose(0, 2, 4, 1, 3, 5)
        W, patches = self.params["W"], squares.reshape(N, rows * columns // p**2, C * p * p)
        return patches @ W + self.params["b"], (patches, W, squares.shape, x.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        patches, W, squares, shape = cache
        dout = self.upstream(dout, (*patches.shape[:2], W.shape[1]), W.dtype)
        rows = dout.reshape(-1, W.shape[1])
        grads = {"W": patches.reshape(-1, len(W)).T @ rows, "b": rows.sum(axis=0)}
        return (dout @ W.T).reshape(squares).transpose(0, 3, 1, 4, 2, 5).reshape(shape), grads

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "images", cls(3, 2, 5, rng=rng), rng.standard_normal((2, 3, 4, 6))
