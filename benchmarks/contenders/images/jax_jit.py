"""JAX on images."""

import jax
import jax.numpy as jnp

from benchmarks.contenders.images.setting import convolution_arrays, wants_dx


def conv(x, W, b, stride, pad, groups=1):
    out = jax.lax.conv_general_dilated(
        x,
        W,
        (stride, stride),
        [(pad, pad)] * 2,
        feature_group_count=groups,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
    )
    return out + b[:, None, None]


def convolution(case):
    x, W, b, dout = map(jnp.asarray, convolution_arrays(case))
    settings = case["stride"], case["pad"], case["groups"]

    @jax.jit
    def both(x, W, b, dout):
        out, back = jax.vjp(lambda *inputs: conv(*inputs, *settings), x, W, b)
        dx, *grads = back(dout)
        return {"out": out, "dx": dx, "grads": grads}

    @jax.jit
    def first(x, W, b, dout):
        out, back = jax.vjp(lambda W, b: conv(x, W, b, *settings), W, b)
        return {"out": out, "grads": back(dout)}

    function = both if wants_dx(case) else first
    return lambda: jax.block_until_ready(function(x, W, b, dout))
