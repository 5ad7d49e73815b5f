"""JAX: every case one compiled function."""

from functools import partial

import jax
import jax.numpy as jnp

from benchmarks.contenders.images import jax_jit as images
from benchmarks.contenders.images.setting import batch, image_weights
from benchmarks.contenders.setting import affine_weights, arrays, learning_rate, pieces, weights

jax.config.update("jax_enable_x64", True)
ELEMENTWISE = {
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "swish": jax.nn.silu,
    "mish": jax.nn.mish,
    "selu": jax.nn.selu,
    "hard_swish": jax.nn.hard_swish,
    "softsign": jax.nn.soft_sign,
}


def make(case):
    known = {"layer": layer, "rule": rule, "step": step, "inference": inference}
    known |= {**images.KINDS, "image_step": image_step}
    return known[case["kind"]](case) if case["kind"] in known else None


def blocked(function, *inputs):
    """A call of the compiled function that waits for its result."""
    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*inputs))


def with_gradients(function):
    """A function of dout and the inputs of `function`: its output, and their gradients."""

    def both(dout, *inputs):
        out, back = jax.vjp(function, *inputs)
        dx, *grads = back(dout)
        return {"out": out, "dx": dx, "grads": grads}

    return both


def batchnorm(x, gamma, beta, axes, eps=1e-5):
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / jnp.sqrt(var + eps) + beta


def cross_entropy(scores, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1).mean()


def layer(case):
    x, dout, y = map(jnp.asarray, arrays(case))
    name, features, count = case["layer"], case["shape"][1], pieces(case["layer"]) or 1
    if name == "softmax_ce":
        both = with_gradients(lambda x: cross_entropy(x, y))
        return blocked(both, jnp.ones((), x.dtype), x)
    if name == "mse":
        both = with_gradients(lambda x: jnp.mean((x - dout) ** 2))
        return blocked(both, jnp.ones((), x.dtype), x)
    if name == "dropout":
        return dropout(x, dout)
    if name in ELEMENTWISE:
        return blocked(with_gradients(ELEMENTWISE[name]), dout, x)
    if name == "prelu":
        both = with_gradients(prelu)
        return blocked(both, dout, x, jnp.full(features, 0.25, x.dtype))
    if name == "batchnorm":
        shape = (1, features, *[1] * (x.ndim - 2))
        both = with_gradients(partial(batchnorm, axes=(0, *range(2, x.ndim))))
        return blocked(both, dout, x, jnp.ones(shape, x.dtype), jnp.zeros(shape, x.dtype))
    both = with_gradients(partial(maxout, count=count) if pieces(name) else affine)
    params = map(jnp.asarray, affine_weights(case))
    return blocked(both, dout[:, : features // count], x, *params)


def affine(x, W, b):
    return x @ W + b


def maxout(x, W, b, count):
    return affine(x, W, b).reshape(len(x), count, -1).max(axis=1)


def prelu(x, alpha):
    return jnp.where(x > 0, x, alpha * x)


def dropout(x, dout):
    """Calls that draw new masks each time."""

    @jax.jit
    def dropped(key):
        key, own = jax.random.split(key)
        mask = jax.random.bernoulli(own, 0.5, x.shape).astype(x.dtype) * 2
        return key, {"out": x * mask, "dx": dout * mask}

    held = [jax.random.key(0)]

    def run():
        held[0], both = jax.block_until_ready(dropped(held[0]))
        return both

    return run


def update(case, params, grads, state):
    """A step of a rule: new params, new state."""
    rule, lr, (t, first, second) = case["rule"], learning_rate(case), state
    t = t + 1
    if rule == "sgd":
        return [w - lr * dw for w, dw in zip(params, grads, strict=True)], (t, first, second)
    if rule == "momentum":
        first = [0.9 * v + dw for v, dw in zip(first, grads, strict=True)]
        return [w - lr * v for w, v in zip(params, first, strict=True)], (t, first, second)
    decay = 0.99 if rule == "rmsprop" else 0.999
    second = [decay * s + (1 - decay) * dw * dw for s, dw in zip(second, grads, strict=True)]
    if rule == "rmsprop":
        roots = [jnp.sqrt(s) + 1e-8 for s in second]
        moved = grads
    else:
        first = [0.9 * v + 0.1 * dw for v, dw in zip(first, grads, strict=True)]
        moved = [v / (1 - 0.9**t) for v in first]
        roots = [jnp.sqrt(s / (1 - 0.999**t)) + 1e-8 for s in second]
    params = [w - lr * m / root for w, m, root in zip(params, moved, roots, strict=True)]
    return params, (t, first, second)


def start(params):
    zeros = [jnp.zeros_like(array) for array in params]
    return jnp.zeros((), params[0].dtype), zeros, [*zeros]


def rule(case):
    params = [jnp.asarray(array) for array in weights(case)]
    grads = [1e-3 * jnp.ones_like(array) for array in params]
    return stepping(lambda p, s: update(case, p, grads, s), params)


def stepping(function, params):
    """Calls that hand parameters and state on to the next, in place where the compiler can."""
    compiled = jax.jit(function, donate_argnums=(0, 1))
    held = [[jnp.array(array) for array in params], jax.tree.map(jnp.array, start(params))]

    def run():
        held[:] = jax.block_until_ready(compiled(*held))
        return {"params": held[0]}

    return run


def scores_of(params, x, norm=False):
    for at in range(0, len(params) - 2, 4 if norm else 2):
        x = affine(x, *params[at : at + 2])
        if norm:
            gamma, beta = params[at + 2 : at + 4]
            x = batchnorm(x, gamma, beta, axes=0)
        x = jax.nn.relu(x)
    return affine(x, *params[-2:])


def step(case):
    x, _, y = map(jnp.asarray, arrays(case))

    def loss(params):
        return cross_entropy(scores_of(params, x, case["norm"]), y)

    return stepping(lambda p, s: update(case, p, jax.grad(loss)(p), s), weights(case))


def image_step(case):
    x, y = map(jnp.asarray, batch(case))

    def loss(params):
        return cross_entropy(images.scores_of(case["net"], params, x), y)

    return stepping(lambda p, s: update(case, p, jax.grad(loss)(p), s), image_weights(case))


def inference(case):
    params = [jnp.asarray(array) for array in weights(case)]
    x = jnp.asarray(arrays(case)[0])
    return blocked(lambda params, x: {"labels": scores_of(params, x).argmax(axis=1)}, params, x)
