"""A transformer that reads an image patch by patch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers import (
    GELU,
    Affine,
    Layer,
    LayerNorm,
    MeanOverTime,
    PatchEmbedding,
    PositionalEmbedding,
    Reshape,
)
from chainrule.layers.annotations import Examples, Scheme, Seed
from chainrule.layers.init import generator
from chainrule.nets.sequential import Sequential
from chainrule.nets.transformer_encoder_block import TransformerEncoderBlock
from chainrule.nets.units import as_image


class VisionTransformer(Sequential):
    """patches - positions - encoder block × L - norm - mean over the patches - affine.

    x (N, C, H, W), or rows of as many numbers, with `image_shape` (C, H, W) or (H, W);
    out (N, num_classes).

    patch      the side p of a patch, which divides H and W
    features   the width E of the blocks
    heads      of each attention
    blocks     how many there are
    keep, activation, init   as for TransformerEncoderBlock

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021; with a mean in the place of
    its class token.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_classes: int,
        *,
        patch: int = 4,
        features: int = 64,
        heads: int = 4,
        blocks: int = 2,
        activation: Layer = GELU(),
        keep: float | None = None,
        init: Scheme | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        rng = generator("VisionTransformer", rng)
        C, H, W = as_image("VisionTransformer", image_shape)
        if H % patch or W % patch:
            raise ValueError(
                f"VisionTransformer: images have {H} × {W} pixels, expected multiples of {patch}, "
                f"the side of a patch"
            )
        given: dict[str, Any] = {"rng": rng, "dtype": dtype} | (
            {} if init is None else {"init": init}
        )
        inner: dict[str, Any] = {"activation": activation, "keep": keep}
        super().__init__(
            Reshape((C, H, W)),
            PatchEmbedding(C, patch, features, **given),
            PositionalEmbedding(H * W // patch**2, features, rng=rng, dtype=dtype),
            *(TransformerEncoderBlock(features, heads, **inner, **given) for _ in range(blocks)),
            LayerNorm(features, dtype=dtype),
            MeanOverTime(),
            Affine(features, num_classes, **given),
        )

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        small: dict[str, Any] = {"patch": 2, "features": 4, "heads": 2, "blocks": 1, "rng": rng}
        yield "images", cls((2, 4, 6), 3, **small), rng.standard_normal((2, 2, 4, 6))
        yield "rows", cls((4, 4), 3, **small), rng.standard_normal((3, 16))
