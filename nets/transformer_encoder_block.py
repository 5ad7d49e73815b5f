"""A block of a transformer's encoder."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import GELU, Dropout, Layer, LayerNorm, Linear, MultiHeadAttention
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.mlp import check_units
from chainrule.nets.residual import Residual
from chainrule.nets.sequential import Sequential


class TransformerEncoderBlock(Sequential):
    """x + attention(norm(x)), and of that y + feed_forward(norm(y)); attention is self-attention by
    several heads, feed_forward is linear - activation - linear at each step by itself.

    x and out (N, T, E).

    heads       of the attention, which divide E = `features`
    hidden      the width within feed_forward; 4 E if left out
    causal      whether a step sees those before it alone
    norm        a class such as LayerNorm or RMSNorm, called as norm(features, dtype=dtype)
    norm_first  whether norms stand before attention and feed_forward, or behind the sums, as in the
                paper
    keep        the probability of keeping a number of what attention and feed_forward add, as in
                Dropout(keep); None for no dropout
    init        the scheme for all weights

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.1; norms first: Xiong et
    al., "On Layer Normalization in the Transformer Architecture", 2020.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        hidden: int | None = None,
        causal: bool = False,
        activation: Layer = GELU(),
        norm: Callable[..., Layer] = LayerNorm,
        norm_first: bool = True,
        keep: float | None = None,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        check_units("TransformerEncoderBlock", activation, norm)
        rng = generator("TransformerEncoderBlock", rng)
        given: dict[str, Any] = {"rng": rng, "dtype": dtype} | (
            {} if init is None else {"init": init}
        )
        width = 4 * features if hidden is None else hidden
        attention = [MultiHeadAttention(features, heads, causal=causal, **given)]
        forward = [
            Linear(features, width, **given),
            activation.astype(dtype),
            Linear(width, features, **given),
        ]
        layers: list[Layer] = []
        for part in (attention, forward):
            inner = [*part] if keep is None else [*part, Dropout(keep, rng=rng)]
            normed = norm(features, dtype=dtype)
            if norm_first:
                layers.append(Residual(Sequential(normed, *inner)))
            else:
                layers += [Residual(Sequential(*inner)), normed]
        super().__init__(*layers)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 4))
        yield "norms first", cls(4, 2, rng=rng), x
        yield "norms behind, causal", cls(4, 1, hidden=5, causal=True, norm_first=False, rng=rng), x
