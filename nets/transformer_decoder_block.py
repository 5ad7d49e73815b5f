"""A block of a transformer's decoder."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import GELU, Add, Dropout, Layer, LayerNorm, Linear, MultiHeadAttention
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.graph import Graph
from chainrule.nets.mlp import check_units
from chainrule.nets.node import Node


class TransformerDecoderBlock(Graph):
    """x + self-attention, and to that attention to a memory, and to that feed_forward, which is
    linear - activation - linear at each step by itself; norms as in `TransformerEncoderBlock`.

    x (N, T, E), memory (N, S, E), what an encoder made;  out (N, T, E). A step of x sees itself and
    those before it, and all of the memory.

    The settings are those of `TransformerEncoderBlock`, but that self-attention is causal unless
    `causal` is False.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.1.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        hidden: int | None = None,
        causal: bool = True,
        activation: Layer = GELU(),
        norm: Callable[..., Layer] = LayerNorm,
        norm_first: bool = True,
        keep: float | None = None,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        check_units("TransformerDecoderBlock", activation, norm)
        rng = generator("TransformerDecoderBlock", rng)
        scheme: dict[str, Any] = {} if init is None else {"init": init}
        given: dict[str, Any] = {"rng": rng, "dtype": dtype} | scheme
        width = 4 * features if hidden is None else hidden
        own = MultiHeadAttention(features, heads, causal=causal, **given)
        other = MultiHeadAttention(features, heads, **given)
        widen, narrow = Linear(features, width, **given), Linear(width, features, **given)
        unit = activation.astype(dtype)

        def feed_forward(y: Node) -> Node:
            hidden = self.add("activation", unit, self.add("widen", widen, y))
            return self.add("narrow", narrow, hidden)

        x, memory = self.input("x"), self.input("memory")
        for place, part in enumerate(
            (
                lambda y: self.add("selfattention", own, y),
                lambda y: self.add("attention", other, y, memory, memory),
                feed_forward,
            ),
            start=1,
        ):
            normed = norm(features, dtype=dtype)
            y = part(self.add(f"norm{place}", normed, x) if norm_first else x)
            y = y if keep is None else self.add(f"dropout{place}", Dropout(keep, rng=rng), y)
            x = self.add(f"sum{place}", Add(), x, y)
            x = x if norm_first else self.add(f"norm{place}", normed, x)
        self.output(x)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x, memory = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
        yield "norms first", cls(4, 2, rng=rng), x, memory
        yield "norms behind", cls(4, 1, hidden=5, norm_first=False, rng=rng), x, memory
