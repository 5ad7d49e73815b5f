"""JAX on images."""

import jax
import jax.numpy as jnp

from benchmarks.contenders.images.setting import (
    NETS,
    convolution_arrays,
    image_arrays,
    wants_dx,
)


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
        out, back = jax.vjp(lambda x, W, b: conv(x, W, b, *settings), x, W, b)
        dx, *grads = back(dout)
        return {"out": out, "dx": dx, "grads": grads}

    @jax.jit
    def first(x, W, b, dout):
        out, back = jax.vjp(lambda W, b: conv(x, W, b, *settings), W, b)
        return {"out": out, "grads": back(dout)}

    function = both if wants_dx(case) else first
    return lambda: jax.block_until_ready(function(x, W, b, dout))


def pooled(x, how, start, size, stride, pad):
    return jax.lax.reduce_window(
        x,
        start,
        how,
        (1, 1, size, size),
        (1, 1, stride, stride),
        ((0, 0), (0, 0), (pad, pad), (pad, pad)),
    )


def max_pool(x, size=2, stride=2, pad=0):
    return pooled(x, jax.lax.max, -jnp.inf, size, stride, pad)


def normed(x, axes, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(var + eps), gamma[:, None, None], beta[:, None, None]


def batch_norm(x, gamma, beta):
    xhat, gamma, beta = normed(x, (0, 2, 3), gamma, beta)
    return gamma * xhat + beta


def group_norm(x, gamma, beta, groups):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    xhat, gamma, beta = normed(grouped, (2, 3, 4), gamma, beta)
    return gamma * xhat.reshape(x.shape) + beta


def function_of(case):
    if case["layer"] == "groupnorm":
        return lambda x, gamma, beta: group_norm(x, gamma, beta, case["groups"])
    if case["layer"] == "global average":
        return lambda x: x.mean(axis=(2, 3))
    where = case["size"], case["stride"], case["pad"]
    if case["layer"] == "max pool":
        return lambda x: max_pool(x, *where)
    return lambda x: pooled(x, jax.lax.add, 0.0, *where) / case["size"] ** 2


def layer(case):
    x, dout = map(jnp.asarray, image_arrays(case))
    ones = jnp.ones(x.shape[1], x.dtype)
    params = [ones, 0 * ones] if case["layer"] == "groupnorm" else []

    @jax.jit
    def both(dout, x, *params):
        out, back = jax.vjp(function_of(case), x, *params)
        dx, *grads = back(dout)
        return {"out": out, "dx": dx, "grads": grads}

    return lambda: jax.block_until_ready(both(dout, x, *params))


def scores_of(net, params, x):
    """The scores of a network for images."""
    return through(NETS[net], iter(params), x)


def through(stages, params, x):
    for kind, *settings in stages:
        if kind == "conv":
            (F, *_), stride, pad, biased = settings
            W = next(params)
            x = conv(x, W, next(params) if biased else jnp.zeros(F, x.dtype), stride, pad)
        elif kind == "norm":
            x = batch_norm(x, next(params), next(params))
        elif kind == "affine":
            x = x @ next(params) + next(params)
        elif kind == "residual":
            inner, shortcut = settings
            way = through(inner, params, x)
            x = way + through(shortcut, params, x)
        else:
            x = PLAIN[kind](x)
    return x


PLAIN = {
    "relu": jax.nn.relu,
    "pool": max_pool,
    "flatten": lambda x: x.reshape(len(x), -1),
    "average": lambda x: x.mean(axis=(2, 3)),
}


KINDS = {"convolution": convolution, "first_layer": convolution, "image_layer": layer}
