"""Attention by several heads, with what projects in and out."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.attention import Attention
from chainrule.layers.init import generator, lecun_normal
from chainrule.layers.layer import Layer

Inputs = Floats | tuple[Floats, ...]


class MultiHeadAttention(Layer):
    """out = a Wo + bo,  a = `Attention`(q, k, v) of query Wq + bq, key Wk + bk, value Wv + bv.

    Self-attention of x (N, T, E), or x for all three; else query (N, S, E), key and value (N, T, E)
    and perhaps mask, a tuple more;  W (E, E), b (E,);  out (N, S, E). Heads are blocks of E / heads
    features. `causal` and mask are those of `Attention`.

    da = dout Woᵀ    dx = dq Wqᵀ + dk Wkᵀ + dv Wvᵀ, or each by itself where there are three inputs
    dWo = Σ aᵀ dout    dWq = Σ queryᵀ dq, and so on    db = Σ d, over rows and steps

    `init` is a scheme of `layers.init` for the weights, drawn with `rng`; the b start at 0.
    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2.
    """

    differentiable = 3

    def __init__(
        self,
        features: int,
        heads: int = 1,
        *,
        causal: bool = False,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype, rng = self.float_dtype(dtype), generator(type(self).__name__, rng)
        E = self.features = self.positive("features", features)
        self.heads, self.causal = self.positive("heads", heads), bool(causal)
        if E % heads:
            raise ValueError(
                f"MultiHeadAttention: features is {E}, expected a multiple of {heads}, the heads"
            )
        for name in "qkvo":
            self.params[f"W{name}"] = self.drawn(init, E, E, rng=rng, dtype=dtype)
            self.params[f"b{name}"] = np.zeros(E, dtype)

    def forward(
        self,
        query: Floats,
        key: Floats | None = None,
        value: Floats | None = None,
        mask: ArrayLike | None = None,
        *,
        train: bool = True,
    ) -> tuple[Floats, Cache]:
        alone = key is None and value is None
        given: list[Any] = [query] * 3 if alone else [query, key, value]
        inputs = [self.floats(x) for x in given]
        for x in inputs:
            self.check_features(x, self.features, axis=-1)
        heads = [x @ self.params[f"W{n}"] + self.params[f"b{n}"] for n, x in zip("qkv", inputs)]  # noqa: B905
        attention = Attention(self.heads, causal=self.causal)
        masks = () if mask is None else (mask,)
        a, within = attention.forward(*heads, *masks)
        out = a @ self.params["Wo"] + self.params["bo"]
        W = [self.params[f"W{name}"] for name in "qkvo"]
        return out, (inputs, alone, attention, within, a, W)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Inputs, Grads]:
        inputs, alone, attention, within, a, W = cache
        dout = self.upstream(dout, a.shape, a.dtype)
        dheads, _ = attention.backward(dout @ W[3].T, within)
        grads = {}
        for name, x, d in zip("qkvo", (*inputs, a), (*dheads, dout), strict=True):
            rows = d.reshape(-1, self.features)
            grads[f"W{name}"] = x.reshape(-1, self.features).T @ rows
            grads[f"b{name}"] = rows.sum(axis=0)
        dq, dk, dv = (d @ w.T for d, w in zip(dheads, W, strict=False))
        return dq + dk + dv if alone else (dq, dk, dv), grads

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        normal = rng.standard_normal
        yield "self-attention, causal", cls(4, 2, causal=True, rng=rng), normal((2, 3, 4))
        yield "one head", cls(3, rng=rng), normal((2, 4, 3))
        mask = rng.random((2, 3, 5)) < 0.7
        q, k, v = normal((2, 3, 4)), normal((2, 5, 4)), normal((2, 5, 4))
        yield "two heads, with a mask", cls(4, 2, rng=rng), q, k, v, mask
