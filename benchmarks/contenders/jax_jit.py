"""JAX: every case one compiled function."""

import jax
import jax.numpy as jnp

from benchmarks.contenders.setting import LR, arrays, pieces, weights

VERSION = f"JAX {jax.__version__}"
jax.config.update("jax_enable_x64", True)
ELEMENTWISE = {
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
}


def make(case):
    return {"layer": layer, "rule": rule, "step": step, "inference": inference}[case["kind"]](case)


def blocked(function, *inputs):
    """A call of the compiled function that waits for its result."""
    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*inputs))


def batchnorm(x, gamma, beta, axes, eps=1e-5):
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / jnp.sqrt(var + eps) + beta


def cross_entropy(scores, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1).mean()


def layer(case):
    x, dout, y = map(jnp.asarray, arrays(case))
    name, features, count = case["layer"], case["shape"][1], pieces(case["layer"])
    params = ()
    if name in ("softmax_ce", "mse"):
        loss = cross_entropy if name == "softmax_ce" else lambda x, t: jnp.mean((x - t) ** 2)
        return blocked(jax.value_and_grad(loss), x, y if name == "softmax_ce" else dout)
    if name == "dropout":
        keys = [jax.random.key(0)]

        def dropped(x, dout, key):
            key, own = jax.random.split(key)
            mask = jax.random.bernoulli(own, 0.5, x.shape).astype(x.dtype) * 2
            return x * mask, dout * mask, key

        compiled = jax.jit(dropped)

        def run():
            *_, keys[0] = jax.block_until_ready(compiled(x, dout, keys[0]))

        return run
    if name in ELEMENTWISE:
        function = ELEMENTWISE[name]
    elif name == "prelu":
        params = (jnp.full(features, 0.25, x.dtype),)

        def function(x, alpha):
            return jnp.where(x > 0, x, alpha * x)

    elif name == "batchnorm":
        shape = (1, features, *[1] * (x.ndim - 2))
        params = (jnp.ones(shape, x.dtype), jnp.zeros(shape, x.dtype))
        axes = (0, *range(2, x.ndim))

        def function(x, gamma, beta):
            return batchnorm(x, gamma, beta, axes)

    else:
        width = features if count is None else features // count
        params = (
            jnp.ones((features, width * (count or 1)), x.dtype),
            jnp.zeros(width * (count or 1), x.dtype),
        )
        dout = dout[:, :width]

        def function(x, W, b):
            z = x @ W + b
            return z if count is None else z.reshape(len(x), count, width).max(axis=1)

    def both(dout, *inputs):
        out, back = jax.vjp(function, *inputs)
        return out, back(dout)

    return blocked(both, dout, x, *params)


def update(rule, params, grads, state):
    """A step of a rule: new params, new state."""
    lr, (t, first, second) = LR[rule], state
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
    return stepping(lambda p, s: update(case["rule"], p, grads, s), params)


def stepping(function, params):
    """Calls that hand parameters and state on to the next, in place where the compiler can."""
    compiled = jax.jit(function, donate_argnums=(0, 1))
    held = [[jnp.array(array) for array in params], jax.tree.map(jnp.array, start(params))]

    def run():
        held[:] = jax.block_until_ready(compiled(*held))

    return run


def scores_of(params, x, depth, norm):
    for at in range(depth):
        x = x @ params[2 * at] + params[2 * at + 1]
        if at < depth - 1:
            if norm:
                x = batchnorm(x, params[2 * (depth + at)], params[2 * (depth + at) + 1], 0)
            x = jax.nn.relu(x)
    return x


def parameters(case):
    params = [jnp.asarray(array) for array in weights(case)]
    if case.get("norm"):
        for width in case["sizes"][1:-1]:
            params += [jnp.ones(width, params[0].dtype), jnp.zeros(width, params[0].dtype)]
    return params


def step(case):
    x, _, y = map(jnp.asarray, arrays(case))
    depth = len(case["sizes"]) - 1

    def loss(params):
        return cross_entropy(scores_of(params, x, depth, case["norm"]), y)

    def one(params, state):
        return update(case["rule"], params, jax.grad(loss)(params), state)

    return stepping(one, parameters(case))


def inference(case):
    x = jnp.asarray(arrays(case)[0])
    depth = len(case["sizes"]) - 1
    return blocked(
        lambda params, x: scores_of(params, x, depth, False).argmax(axis=1), parameters(case), x
    )
